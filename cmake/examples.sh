#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples.sh [FOLDER]: writes the commands of each page of docs/how-to, and of the tutorial, as a script below
# FOLDER (here), and names them. So page and script cannot differ.
set -eu
folder=${1:-.}
mkdir -p "$folder/docs/examples"
for page in docs/tutorial.md docs/how-to/*.md; do
	target=docs/examples/$(basename "$page" .md).sh
	awk -v page="$page" '
		BEGIN {
			print "#!/bin/sh"
			print "# SPDX-License-Identifier: Apache-2.0"
			print "# Written from " page " by cmake/examples.sh: its commands, in their order."
			print "set -eu"
		}
		/^#+ / { heading = $0; sub(/^#+ */, "", heading) }
		/^```sh$/ { on = 1; print "\n# --- " ++n ": " heading; next }
		/^```$/ { on = 0; next }
		on' "$page" >"$folder/$target"
	chmod 755 "$folder/$target"
	echo "$target"
done
