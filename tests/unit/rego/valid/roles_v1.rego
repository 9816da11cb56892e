# METADATA
# title: Access by role
# description: "Braces { and quotes \" in comments mean nothing."
package controlcore.policy

import rego.v1

import data.directory.roles as directory
import input.user

default allow := false

allow if {
	user.active
	some role in user.roles
	role in {"admin", "owner"}
}

allow if user.id == input.resource.owner

allow if not denied

denied if {
	some i, j
	input.bans[i].users[j] == user.id
}

denied if "suspended" in object.get(user, ["labels", "all"], [])

reasons contains msg if {
	not allow
	msg := sprintf("user %q has none of %v", [user.id, directory.admins])
}

reasons contains "no user" if not user

max_age := 18 + 2 * (3 - 1) % 5

small := -1.5e-3

negative := -max_age

levels := {"low": 1, "high": {"inner": [1, 2, 3,],},}
