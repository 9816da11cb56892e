# fault 6:6 a body needs `if` in front where rego.v1 is imported
package p

import rego.v1

deny {
	input.x
}

allow if input.y
