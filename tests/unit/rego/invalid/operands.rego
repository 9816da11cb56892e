# fault 9:1 a value is missing after '=='
# fault 10:11 a value is missing after '+'
# fault 11:7 a value is missing before '*'
# fault 12:9 a value is missing before ','
# fault 13:8 a value is missing before ','
# fault 14:12 a value is missing after ':'
package p
allow { input.x ==
}
a := [1 + ]
b := {* 2}
c := [1,,2]
d := f(, 1)
e := {"a": }
