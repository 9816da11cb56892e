#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Links of the documentation lead somewhere, and every page of it is reached from docs/README.md.
. "$(dirname "$0")/lib.sh"
find README.md docs -name '*.md' | sort >"$scratch/pages"

# As GitHub makes them: lower case, no punctuation, dashes for blanks.
anchors() {
	awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ */, ""); print }' "$1" | tr 'A-Z' 'a-z' |
		sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g'
}
# file:line TAB target, of what is not code.
links() {
	awk -v file="$1" '/^ *```/ { code = !code; next } code { next } {
		gsub(/`[^`]*`/, "")
		while (match($0, /\]\([^)]*\)/)) {
			print file ":" FNR "\t" substr($0, RSTART + 2, RLENGTH - 3)
			$0 = substr($0, RSTART + RLENGTH)
		}
	}' "$1"
}
while read -r page; do links "$page"; done <"$scratch/pages" | grep -vE '	(https?|mailto):' >"$scratch/links"

tab=$(printf '\t')
: >"$scratch/out"
: >"$scratch/reached"
while IFS=$tab read -r at target; do
	page=${at%%:*} path=${target%%#*} anchor=
	case $target in *'#'*) anchor=${target#*#} ;; esac
	file=$page
	[ -z "$path" ] || file=$(realpath -m --relative-to=. "$(dirname "$page")/$path")
	[ -e "$file" ] || { echo "$at: $target is not there" >>"$scratch/out"; continue; }
	echo "$page $file" >>"$scratch/reached"
	[ -z "$anchor" ] || anchors "$file" | grep -qxF "$anchor" || echo "$at: $target has no such heading" >>"$scratch/out"
done <"$scratch/links"
verdict "links lead somewhere" "$scratch/out"
[ "$(wc -l <"$scratch/links")" -gt 50 ] || echo "only $(wc -l <"$scratch/links") links were found" >"$scratch/out"
verdict "there are links" "$scratch/out"

# From page to page, until nothing new is reached.
echo docs/README.md >"$scratch/known"
while :; do
	awk 'NR == FNR { known[$1] = 1; next } known[$1] { print $2 } END { for (page in known) print page }' \
		"$scratch/known" "$scratch/reached" | sort -u >"$scratch/more"
	cmp -s "$scratch/known" "$scratch/more" && break
	cp "$scratch/more" "$scratch/known"
done
grep '^docs/' "$scratch/pages" | grep -vxF -f "$scratch/known" >"$scratch/out"
verdict "every page is reached from docs/README.md" "$scratch/out"

cmake/examples.sh "$scratch/new" >"$scratch/scripts"
: >"$scratch/out"
while read -r script; do
	diff -u "$script" "$scratch/new/$script" | head -n 20 >>"$scratch/out"
done <"$scratch/scripts"
find docs/examples -type f | sort | diff - "$(sort "$scratch/scripts" >"$scratch/sorted"; echo "$scratch/sorted")" >>"$scratch/out"
verdict "scripts of docs/examples are the commands of their pages; make docs" "$scratch/out"
while read -r script; do
	[ -e "tests/docs/$(basename "$script")" ] || echo "$script has no test"
	sh -n "$script" || echo "$script is no shell"
done <"$scratch/scripts" >"$scratch/out" 2>&1
verdict "each of them has a test" "$scratch/out"
finish
