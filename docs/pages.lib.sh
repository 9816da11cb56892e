# SPDX-License-Identifier: Apache-2.0
# The commands of a page of the documentation, typed as they stand there. What it shows as the answer is compared
# with the answer; ids, keys and times differ. Sourced, after walkthrough.lib.sh.

docs=${CC_SOURCE_DIR:-.}

# page_split FILE [HEADING]: $dir/<n>.sh is a block of commands, $dir/<n>.json what is shown below it, $dir/<n>.at
# the heading that both stand under. Of the part below one heading, or of all.
page_split() {
	blocks=$(awk -v dir="$dir" -v part="${2:-}" '
		/^#+ / { heading = $0; sub(/^#+ */, "", heading) }
		/^## / { inside = heading == part }
		part != "" && !inside { next }
		/^```sh$/ { file = dir "/" ++n ".sh"; print heading > (dir "/" n ".at"); next }
		/^```json$/ { file = dir "/" n ".json"; next }
		/^```$/ { file = ""; next }
		file != "" { print > file }
		END { print n + 0 }' "$1")
}

# example_split FILE: the same blocks, as a script of docs/examples has them.
example_split() {
	rm -f "$dir"/*.sh
	awk -v dir="$dir" '/^# --- [0-9]+: / { file = dir "/" $3 + 0 ".sh"; next } file != "" { print > file }' "$1"
}

# The last of the answers, without what is another each time.
plain() {
	sed '/^HTTP\/1.1 /,/^\r*$/d' "$1" | jq -S -c -s 'last | walk(if type != "string" then .
		elif test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T") then "a time"
		elif test("^(tenant-acme-|key-|req-|op-|alert-|sub_|cc_(live|test|op)_)") then "an id"
		elif test("^control-core-verification=") then "a token"
		elif test("^[0-9a-f]{64}$") then "a digest" else . end)' 2>/dev/null
}

# What a block must answer where the page shows nothing: `# 409 name_taken` at the end of a line, or no error.
awaited() { sed -n 's/.*# *[0-9]\{3\} \([a-z_]*\)$/\1/p' "$1"; }

# What docs/examples has before such a command, when the whole is run as a script.
refused() { "$@"; }

run_block() { # run_block N
	# shellcheck disable=SC1090
	. "$dir/$1.sh" > "$dir/answer" 2> "$dir/err"
	status=$?
	if [ -f "$dir/$1.json" ]; then
		check "block $1 answers as shown" "$(plain "$dir/$1.json")" "$(plain "$dir/answer")"
	else
		check "block $1 answers $(awaited "$dir/$1.sh" | grep . || echo without an error)" \
			"0 $(awaited "$dir/$1.sh")" "$status $(plain "$dir/answer" | jq -r '.error? // ""' 2>/dev/null)"
	fi
	[ "$tests.$failed" = "$tests.$failed_before" ] || sed 's/^/#   | /' "$dir/answer" "$dir/err" | tail -n 20
	failed_before=$failed
}

# Runs all blocks that page_split() found. Under a heading "Publish the records" at_publish_the_records runs first,
# if there is such a function: what the world does meanwhile.
run_blocks() {
	check 'there are commands to type' yes "$([ "$blocks" -ge "${1:-1}" ] && echo yes)"
	failed_before=$failed
	block=0 heading=
	while [ $block -lt "$blocks" ]; do
		block=$((block + 1))
		if [ "$heading" != "$(cat "$dir/$block.at")" ]; then
			heading=$(cat "$dir/$block.at")
			note "$heading"
			world=at_$(printf %s "$heading" | tr 'A-Z' 'a-z' | tr -cs 'a-z0-9' '_')
			! command -v "$world" > "$dir/found" || "$world"
		fi
		run_block $block
	done
}

# run_page PAGE: docs/how-to/PAGE.md, by docs/examples/PAGE.sh.
run_page() {
	page_split "$1"
	example_split "$docs/docs/examples/$(basename "$1" .md).sh"
	run_blocks
}

end_page() {
	printf '1..%d\n' "$tests"
	[ "$failed" -eq 0 ]
}
