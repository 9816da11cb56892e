package things.default.import

import data.package.not as thing
import data.with.if

access.if := 1

access.default.some := input.not.in

input_check { input.else == "x"; input.contains.every == 1 }

list := [input.if, input.as, data.import["not"]]

rule.contains contains "x" if true
