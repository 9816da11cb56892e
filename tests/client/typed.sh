#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A client generated from docs/openapi.json: what the compiler takes and refuses, then typed.ts against the
# program.
. "${CC_SOURCE_DIR:?}/tests/client/lib.sh"

generate() {
	cp tests/client/tsconfig.json tests/client/typed.ts tests/client/wrong.ts "$work/" &&
		"$bin/openapi-typescript" docs/openapi.json --default-non-nullable=false -o "$work/api.d.ts"
}

attempt 'openapi-typescript makes types of docs/openapi.json' generate
attempt 'tsc --strict takes what fits them, and refuses what does not' "$bin/tsc" -p "$work/tsconfig.json"

# One case each, under its own name, numbered on from here.
"$CC_WITH_DAEMON" node --test-reporter=tap "$work/built/typed.js" >"$scratch/tap" 2>&1
status=$?
sed -n 's/^\(not \)\{0,1\}ok [0-9]* - \(.*\)$/\1|\2/p' "$scratch/tap" >"$scratch/cases"
while IFS='|' read -r bad_ name; do
	: >"$scratch/out"
	[ -z "$bad_" ] || awk -v name="$name" '
		/^(not )?ok / { on = index($0, " - " name) }
		on && n++ < 30' "$scratch/tap" >"$scratch/out"
	verdict "$name" "$scratch/out"
done <"$scratch/cases"
: >"$scratch/out"
if [ "$status" -ne 0 ] && ! grep -q '^not' "$scratch/cases" || [ ! -s "$scratch/cases" ]; then
	tail -n 40 "$scratch/tap" >"$scratch/out"
fi
verdict 'the suite came to its end' "$scratch/out"
finish
