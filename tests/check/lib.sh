# SPDX-License-Identifier: Apache-2.0
# What the checks share: TAP lines, and C without comments and strings. Sourced, run from the top folder.
set -u
cd "${CC_SOURCE_DIR:-$(dirname "$0")/../..}" || exit 1
LC_ALL=C
export LC_ALL
count=0
bad=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# verdict NAME FILE: ok when the file, a list of complaints, is empty.
verdict() {
	count=$((count + 1))
	if [ -s "$2" ]; then
		bad=$((bad + 1))
		sed 's/^/# /' "$2"
		echo "not ok $count - $1"
	else
		echo "ok $count - $1"
	fi
}

finish() {
	echo "1..$count"
	[ "$bad" -eq 0 ]
	exit
}

# The C files of the project: sources FOLDER…
sources() {
	find "$@" -name '*.[ch]' 2>/dev/null | sort
}

# code FILE…: "file:line:text" with comments blanked and the inside of strings emptied; with strings=1
# strings are kept.
code() {
	awk -v strings="${strings:-0}" '
	FNR == 1 { inside = 0 }
	{
		text = ""; n = length($0); quote = ""
		for (i = 1; i <= n; i++) {
			c = substr($0, i, 1); two = substr($0, i, 2)
			if (inside) {
				if (two == "*/") { inside = 0; i++ }
			} else if (quote != "") {
				if (c == "\\") { if (strings) text = text two; i++ }
				else if (c == quote) { text = text c; quote = "" }
				else if (strings) text = text c
			} else if (two == "/*") { inside = 1; i++ }
			else if (two == "//") break
			else { if (c == "\"" || c == "\047") quote = c; text = text c }
		}
		print FILENAME ":" FNR ":" text
	}' "$@"
}
