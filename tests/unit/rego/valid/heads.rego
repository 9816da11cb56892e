package heads["with-dashes"].deep

import rego.v1
import data.lists["some-list"] as others

a.b.c := "d" if true

a.b["e"].f := 1

roles.by_name[name] := role if some name, role in input.roles

groups[g].users contains user if {
	some g, user
	input.groups[g][_] == user
}

fruit contains "apple"

contains_all(xs) if every x in xs { contains(x, "a") }

point(x, y) := {"x": x, "y": y}

first([head, _]) := head

ignored(_, {"key": value}) := value if value > 0

default fallback(_) := "none"

fallback("x") := "y"

default a.z := []

spaced (x) := x

number := .5 + -.5
