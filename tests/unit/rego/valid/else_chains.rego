package grading

import rego.v1

grade := "A" if {
	input.score >= 90
} else := "B" if {
	input.score >= 80
} else := "C" if input.score >= 70

else := "D" if {
	input.score >= 60
}

else := "F"

fast(x) := "yes" if x < 10 else := "no"

open if input.door == "open"
else if input.door == "ajar"
else := false
