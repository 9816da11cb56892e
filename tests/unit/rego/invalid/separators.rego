# fault 5:17 an operator, a comma or a new line is missing before 'input'
# fault 6:11 an operator, a comma or a new line is missing before '"b"'
# fault 7:16 an operator, a comma or a new line is missing before 'x'
package p
allow { input.x input.y }
a := ["a" "b"]
b { f(input.x) x }
