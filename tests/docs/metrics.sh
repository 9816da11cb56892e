#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/metrics.md has each family that a daemon says, as it says it, and none that nobody says.
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
start_daemon
socket=$(sed -n 's/.*"socket":"\([^"]*\)".*/\1/p' "$dir/log" | head -n 1)
acme policies:read
curl -sS -m 30 -o /dev/null "$BASE/policies" -H "Authorization: Bearer $KEY"
curl -sS -m 30 --unix-socket "$socket" http://localhost/metrics > "$dir/scrape"
check 'there is something to look at' yes "$([ "$(grep -c '^# TYPE' "$dir/scrape")" -gt 30 ] && echo yes)"

# Labels of what has no sample here are those of the page.
row() { sed -n 's/^| `\(controlcored_[a-z_]*\)` | \([a-z]*\) |[^|]*| \(.*\) |$/\1 \2 \3/p' "$1" | LC_ALL=C sort; }
awk '$2 == "HELP" { help = substr($0, index($0, $3) + length($3) + 1) } $2 == "TYPE" { print $3, $4, help }' \
	"$dir/scrape" | LC_ALL=C sort > "$dir/said"
row docs/metrics.md > "$dir/page"
check 'what is said is on the page (cmake/metrics.sh writes it)' '' "$(LC_ALL=C comm -23 "$dir/said" "$dir/page")"
check 'what is on the page is in the sources' '' "$(cut -d' ' -f1 "$dir/page" | while read -r name; do
	grep -rqF "\"$name\"" src || echo "$name"
done)"
for page in docs/deploy/operating.md docs/deploy/alerts.yaml; do
	check "$page names none that is not there" '' "$(grep -o 'controlcored_[a-z][a-z_]*' "$page" |
		sed 's/_\(bucket\|sum\|count\)$//' | sort -u | while read -r name; do
		grep -q "^$name " "$dir/page" || echo "$name"
	done)"
done
if command -v promtool > "$dir/found"; then
	check 'the rules are rules' 0 "$(promtool check rules docs/deploy/alerts.yaml > "$dir/out" 2>&1; echo $?)"
else
	note 'no promtool here: the rules are not checked'
fi
end_page
