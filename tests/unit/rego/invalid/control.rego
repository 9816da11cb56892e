# fault 3:6 the control character U+0007 has no place here
package p
a := 1
