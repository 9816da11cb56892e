# fault 4:1 this 'else' follows no body
package p
a := 1
else := 2
