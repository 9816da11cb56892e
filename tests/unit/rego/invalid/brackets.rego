# fault 4:7 this '{' is never closed
# fault 6:1 this '}' does not close the '(' of line 5
package p
allow {
	count(input.x
}
