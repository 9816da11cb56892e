# fault 6:14 the character ! has no place here
# fault 7:16 the character ä has no place here
# fault 8:10 the character ^ has no place here
package p
allow { true
	not input.x !input.y
	input.z == "ä"ä
} a := 1 ^ 2
