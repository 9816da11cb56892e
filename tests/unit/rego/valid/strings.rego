package strings_of_all_sorts

plain := "a \"quoted\" word, \\ / \/ \b\f\n\r\t \u00e4 \uD83D\uDE00"

unicode := "größer als 日本 😀 and a }"

raw := `C:\path\{not}\[a]
second line " with a quote
	package not_a_package
`

pattern := `^[a-z]+\.(com|org)$`

matches { regex.match(`\d+(\.\d+)?`, "1.5"); re_match("^a{2,3}$", "aa") }

comment := "# not a comment" # but this is "one

concatenated := concat("", ["(", "[", "{"])
