#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples.sh [FOLDER]: writes the commands of each page of docs/how-to, and of the tutorial, as a script below
# FOLDER (here), and names them. So page and script cannot differ. A script ends at the first request that is
# refused; what a page shows being refused has a comment such as `# 409 name_taken` on its line, and its script ends
# if it is not.
set -eu
folder=${1:-.}
mkdir -p "$folder/docs/examples"
for page in docs/tutorial.md docs/how-to/*.md; do
	target=docs/examples/$(basename "$page" .md).sh
	awk -v page="$page" '
		BEGIN {
			print "#!/bin/bash"
			print "# SPDX-License-Identifier: Apache-2.0"
			print "# Written from " page " by cmake/examples.sh: its commands, in their order."
			print "# It ends at the first request that is refused, unless that is what it is to show."
			print "set -euo pipefail"
			print "curl() { command curl --fail-with-body \"$@\"; }"
			print "refused() { if \"$@\"; then echo \"this was to be refused: $*\" >&2; return 1; fi; }"
		}
		/^#+ / { heading = $0; sub(/^#+ */, "", heading) }
		/^```sh$/ { on = 1; print "\n# --- " ++n ": " heading; next }
		/^```$/ { on = 0; next }
		on && /# [0-9][0-9][0-9] [a-z_]+$/ { $0 = "refused " $0 }
		on' "$page" >"$folder/$target"
	chmod 755 "$folder/$target"
	echo "$target"
done
