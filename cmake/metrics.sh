#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# metrics.sh PAGE <SCRAPE: the table of docs/metrics.md, of what a daemon says at /metrics and of what the page has
# already, because some of it is said only where there is something to say it of.
set -eu
page=${1:?docs/metrics.md}
awk -v page="$page" '
	BEGIN {
		while ((getline line < page) > 0)
			if (line ~ /^\| `controlcored_/) { split(line, part, "`"); row[part[2]] = line }
	}
	$2 == "HELP" { name = $3; help[name] = substr($0, index($0, $3) + length($3) + 1) }
	$2 == "TYPE" { type[$3] = $4 }
	/^controlcored_/ {
		if (match($0, /\{[^}]*\}/)) {
			n = split(substr($0, RSTART + 1, RLENGTH - 2), pair, /",?/)
			for (i = 1; i < n; i += 2) {
				sub(/=$/, "", pair[i])
				if (pair[i] != "le" && !((name, pair[i]) in seen)) {
					seen[name, pair[i]] = 1
					labels[name] = labels[name] (labels[name] == "" ? "" : ", ") "`" pair[i] "`"
				}
			}
		}
	}
	END {
		for (name in help)
			row[name] = "| `" name "` | " type[name] " | " labels[name] " | " help[name] " |"
		for (name in row)
			print row[name]
	}' | LC_ALL=C sort
