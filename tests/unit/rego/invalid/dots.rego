# fault 4:15 a name is missing after '.'
# fault 5:13 a name is missing after '.'
package p
allow { input.[0] }
b := input. x
