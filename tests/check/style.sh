#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the house style can have counted: sizes, forbidden functions, licence lines, TODOs.
. "$(dirname "$0")/lib.sh"
sources include src tests >"$scratch/files"
xargs wc -l <"$scratch/files" | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }' >"$scratch/out"
verdict "files have at most 500 lines" "$scratch/out"

# A function's body is what stands between a brace in column one and the next closing one.
grep '\.c$' "$scratch/files" | xargs awk '
	FNR == 1 { start = 0 }
	/^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
	/^\{/ { start = FNR }
	/^\}/ {
		if (start && FNR - start - 1 > 60)
			print FILENAME ":" start ": " name " has " FNR - start - 1 " lines"
		start = 0
	}' >"$scratch/out"
verdict "functions have at most 60 lines" "$scratch/out"

# A tab counts to the next multiple of eight; a UTF-8 character counts once.
xargs awk '
	{
		n = 0
		line = $0
		gsub(/[\200-\277]/, "", line)
		while ((i = index(line, "\t")) > 0) {
			n += i - 1; n += 8 - n % 8; line = substr(line, i + 1)
		}
		if (n + length(line) > 110) print FILENAME ":" FNR ": " n + length(line) " columns"
	}' <"$scratch/files" >"$scratch/out"
verdict "lines have at most 110 columns" "$scratch/out"

xargs grep -nE '[[:space:]]+$' <"$scratch/files" >"$scratch/out"
verdict "no line ends in blanks" "$scratch/out"

# shellcheck disable=SC2046
code $(cat "$scratch/files") >"$scratch/code"
banned='strcpy|strcat|strncat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|alloca|system|popen|tmpnam|mktemp'
grep -E "(^|[^A-Za-z0-9_>.])($banned)[[:space:]]*\(" "$scratch/code" >"$scratch/out"
verdict "no forbidden function is called" "$scratch/out"

grep -E ':[[:space:]]*typedef[[:space:]]+(struct|union|enum)([[:space:]]+[a-z0-9_]+)?[[:space:]]*([a-z0-9_]+;|[{]|$)' \
	"$scratch/code" >"$scratch/out"
verdict "structs, unions and enums have no typedef" "$scratch/out"

while read -r file; do
	[ "$(sed -n 1p "$file")" = '/* SPDX-License-Identifier: Apache-2.0 */' ] || echo "$file"
done <"$scratch/files" >"$scratch/out"
verdict "every C file begins with its licence line" "$scratch/out"

{ cat "$scratch/files"; find cmake sql -type f 2>/dev/null; } |
	xargs grep -nE '(TODO|FIXME|XXX)' | grep -vE 'TODO \(#[0-9]+\)|XXXXXX' >"$scratch/out"
verdict "a TODO names its issue: TODO (#12)" "$scratch/out"

# make calls them by their name, not by a shell.
sed -n 's/^\t@*\([A-Z_]*=[^ ]* \)*\([a-z][a-z/._-]*\)\( .*\)*$/\2/p' Makefile | grep / | sort -u |
	while read -r script; do
		case $script in build/*) continue ;; esac
		[ -x "$script" ] || echo "$script"
	done >"$scratch/out"
[ -x .ci/run ] || echo .ci/run >>"$scratch/out"
verdict "what make calls can be executed" "$scratch/out"
finish
