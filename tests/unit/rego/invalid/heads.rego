# fault 7:1 the rule allow has neither a value nor a body
# fault 8:1 a rule must begin with its name
# fault 10:1 a default rule must have a value
# fault 11:9 the name of a rule is missing after 'default'
# fault 14:3 this body is empty
package p
allow
7 := 1
default c
d := 2
default 7 := 3

e := 5
f { }
