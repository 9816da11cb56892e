

# A comment first.
	package layout # and one behind

	import data.x # here too
   import data.y

p { true } q { false }
r := 1 s := 2

t = x {
x = y +
z
	w := (1
		+
	2)
}


u
	:=
		3

v if
	input.x

long := object.union(
	{"a": 1},
	{
		"b": 2,
	}
)

w { a ; b
	; c }
import data.late
