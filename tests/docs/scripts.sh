#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pages as whole scripts, as somebody in a hurry runs them: they go through, or end where they are refused and say so.
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
start_daemon
export API="$BASE" OP="$(cat "$KEYFILE")"
cd "$dir" || exit 1

bash "$docs/docs/examples/tutorial.sh" > "$dir/answer" 2> "$dir/err"
check 'the tutorial goes through, with what it shows being refused' 0 $?
[ "$failed" -eq 0 ] || sed 's/^/#   | /' "$dir/answer" "$dir/err" | tail -n 20

bash "$docs/docs/examples/first-tenant.sh" > "$dir/answer" 2> "$dir/err"
check 'a name that is taken ends the script' yes "$([ $? -ne 0 ] && echo yes)"
check 'which is said' yes "$(grep -q 'error: 409' "$dir/err" && echo yes)"
check 'and nothing is done after it' 0 "$(grep -c '"status"' "$dir/answer")"
end_page
