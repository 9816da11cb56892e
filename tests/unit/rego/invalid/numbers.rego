# fault 6:6 this is not a number
# fault 7:6 this is not a number
# fault 8:6 this is not a number
package p
ok := [0, 10, 1.5, 2e3, 2E-3]
a := 1x
b := 1.
c := 2e
