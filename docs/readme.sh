#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The five minutes of README.md, typed as they stand there, with another port and folder. What it shows as
# the answer is compared with the answer; ids, keys and times differ.
set -u
. "$(dirname "$0")/walkthrough.lib.sh"

start_daemon

# $dir/<n>.sh is a block of commands, $dir/<n>.json what is shown below it.
blocks=$(awk -v dir="$dir" '
	/^## / { on = /^## Five minutes/ }
	!on { next }
	/^```sh$/ { file = dir "/" ++n ".sh"; next }
	/^```json$/ { file = dir "/" n ".json"; next }
	/^```$/ { file = ""; next }
	file != "" { print > file }
	END { print n }' "$(dirname "$0")/../README.md")

# The last of the answers, without what is another each time.
plain() {
	sed '/^HTTP\/1.1 /,/^\r*$/d' "$1" | jq -S -c -s 'last | walk(if type != "string" then .
		elif test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T") then "a time"
		elif test("^(tenant-acme-|key-|req-|cc_live_)") then "an id" else . end)'
}

check 'there are commands to type' yes "$([ "$blocks" -ge 7 ] && echo yes)"
i=0
while [ $i -lt "$blocks" ]; do
	i=$((i + 1))
	sed -i -e "s|http://127.0.0.1:8082/api/v1|$BASE|; s|var/operator.key|$KEYFILE|" "$dir/$i.sh"
	. "$dir/$i.sh" > "$dir/answer" 2> "$dir/err"
	if [ -f "$dir/$i.json" ]; then
		check "block $i answers as shown" "$(plain "$dir/$i.json")" "$(plain "$dir/answer")"
	else
		said=$(sed -n 's/.*# *[0-9]* \([a-z_]*\)$/\1/p' "$dir/$i.sh")
		check "block $i answers ${said:-without an error}" "$said" "$(plain "$dir/answer" | jq -r '.error // ""')"
	fi
done
printf '1..%d\n' "$tests"
[ "$failed" -eq 0 ]
