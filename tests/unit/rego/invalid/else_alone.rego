# fault 4:1 a value or a body is missing after 'else'
package p
a { true } else
