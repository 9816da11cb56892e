package shapes

import rego.v1

ids := [user.id | some user in input.users]

by_name := {user.name: user |
	some user in input.users
	user.active
}

unique := {lower(tag) | tag := input.tags[_]}

nested := [[x * y | some y in row] | some x, row in input.matrix]

either := {1 | 2}

mixed := {"a": [1 | input.x[_]], "b": {y: x | x := input.x[y]; y != "z"}}

old := [x | some i; x := input.a[i]; not x == 3]

total := sum([n | n := input.numbers[_]])

union_of := {"a", "b"} | {"c"} & {"a"} - {"b"}

leading := [, 1, 2]

wide := [
	1, # one
	# nothing
	2,
	-3,
]
empty := [set(), {}, [], "", ``]
