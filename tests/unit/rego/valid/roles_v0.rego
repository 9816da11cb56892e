package controlcore.policy

default allow = false

allow {
	input.method == "GET"
	input.path = ["users", id]
	id == input.user.id
}

allow {
	is_admin
} {
	is_owner
}

is_admin { input.user.roles[_] == "admin" }

is_owner { input.user.id = input.resource.owner; input.resource.kind != "vault" }

deny[msg] {
	not input.tls
	msg := "use TLS"
}

deny[{"msg": msg, "code": 7}] { msg := "always" }

names [name] { name := input.names[_] }

port = 8080 { input.tls } else = 80 { true }

lookup[key] = value {
	some key
	value := input.map[key]
}

table["a"] = 1
table.b = 2
members["x"]
globals = {"one": 1,
"two": 2}

twice(x) = y {
	y := x * 2
}

twice(x, _) = y { y = x }
