package crlf

import rego.v1

allow if {
	input.x == "y" # z
	input.z
}
