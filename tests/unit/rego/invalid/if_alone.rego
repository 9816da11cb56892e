# fault 4:1 the condition is missing after 'if'
package p
a if
