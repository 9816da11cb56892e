package acme.iam

import rego.v1

default decision := {"allow": false, "reason": "no statement matches"}

decision := {"allow": true, "reason": statement.sid} if {
	some statement in data.acme.statements
	statement.effect == "Allow"
	action_matches(statement)
	resource_matches(statement)
	not explicit_deny
}

explicit_deny if {
	some statement in data.acme.statements
	statement.effect == "Deny"
	action_matches(statement)
}

action_matches(statement) if {
	some pattern in statement.actions
	glob.match(pattern, [":"], input.action)
}

resource_matches({"resources": patterns}) if {
	some pattern in patterns
	glob.match(pattern, ["/"], input.resource)
}

in_office if {
	now := time.now_ns()
	[hour, _, _] := time.clock([now, "Europe/Berlin"])
	hour >= 8; hour < 18
	weekday := time.weekday(now)
	not weekday in {"Saturday", "Sunday"}
}

quota_left := data.quota[input.user] - count([r | r := data.requests[_]; r.user == input.user])
