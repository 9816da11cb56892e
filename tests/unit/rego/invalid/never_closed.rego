# fault 5:5 this '{' is never closed
# fault 6:7 this '[' is never closed
package p

a = {
	"b": [1, 2,
