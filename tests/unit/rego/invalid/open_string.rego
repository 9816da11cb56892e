# fault 5:12 this '(' is never closed
# fault 5:13 this string is not closed on its line
package p

name := cat("tom)
other := 1
