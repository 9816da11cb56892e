package greetings

import rego.v1

hello := $"hello {input.user.name}, you have {count(input.mail)} letters"

escaped := $"a \{brace} and a \" quote"

nested := $"outer {concat(", ", [$"inner {x}" | some x in input.list])} end"

object := $"{ {"a": 1}.a }"

raw := $`first {input.a}
second \{not} {"}"} {`}`} line`
