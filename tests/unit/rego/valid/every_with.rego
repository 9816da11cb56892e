package checks

import future.keywords.every
import future.keywords.if
import future.keywords.in

all_small if {
	every n in input.numbers { n < 10 }
	every k, v in input.map {
		startswith(k, "x")
		v > 0
	}
}

all_positive if every n in input.numbers { n > 0 }

test_allow if allow with input as {"user": "alice"} with data.roles as {"alice": ["admin"]}

test_deny if {
	not allow with input as {"user": "mallory"}
		with data.roles as {}
	count(deny) == 0 with input.count as 3
}

allow if input.user == "alice"

deny := {}

pair if 1, 2 in [[1, 2]]

known if some k, v in input.map

mocked if time.now_ns() == 5 with time.now_ns as five

five() := 5
