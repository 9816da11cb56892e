#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SQL is written in sql/, not in strings of C. tests/check/sql.allow names the files of src/db that speak of
# sessions, roles and schemas, which no parameter can carry.
. "$(dirname "$0")/lib.sh"
words='SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|GRANT|REVOKE|TRUNCATE|WITH|LISTEN|NOTIFY'
# shellcheck disable=SC2046
strings=1 code $(sources src | grep -v '^src/tools/') |
	grep -E "\"[[:space:](]*($words) " >"$scratch/found"
grep -v '^#' tests/check/sql.allow | sed 's/[[:space:]].*//; /^$/d' >"$scratch/allow"
while IFS= read -r line; do
	grep -qxF "${line%%:*}" "$scratch/allow" || echo "$line"
done <"$scratch/found" >"$scratch/out"
verdict "no SQL text outside sql/ and the allowed files" "$scratch/out"

grep -v '^src/db/' "$scratch/allow" >"$scratch/out"
verdict "allowed files are in src/db" "$scratch/out"

while read -r file; do
	[ -f "$file" ] || echo "$file is allowed and does not exist"
done <"$scratch/allow" >"$scratch/out"
verdict "allowed files exist" "$scratch/out"
finish
