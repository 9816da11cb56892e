#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Committed files name no path of a particular machine and no host of a package registry or mirror.
. "$(dirname "$0")/lib.sh"
if git rev-parse --git-dir >/dev/null 2>&1; then
	git ls-files
else
	find . -path ./build -prune -o -path ./var -prune -o -path ./.git -prune -o -type f -print | sed 's|^\./||'
fi | grep -v '^tests/check/words.sh$' | while read -r file; do [ -f "$file" ] && echo "$file"; done >"$scratch/files"

tr '\n' '\0' <"$scratch/files" |
	xargs -0 grep -nIE "(^|[[:space:]\"'=(:\`])/(home|root|Users|work|workspace|builds|mnt|media)/[A-Za-z0-9_.]" \
	>"$scratch/out"
verdict "no path of a particular machine" "$scratch/out"

hosts='registry\.npmjs\.org|registry\.yarnpkg|pypi\.org|pythonhosted|(deb|ftp|security|snapshot)\.debian\.org'
hosts="$hosts|archive\.ubuntu\.com|registry-1\.docker|ghcr\.io|quay\.io|gcr\.io|proxy\.golang\.org|crates\.io"
hosts="$hosts|mirrors?\.[a-z]|artifactory|nexus\.[a-z]"
tr '\n' '\0' <"$scratch/files" | xargs -0 grep -nIiE "$hosts" >"$scratch/out"
verdict "no host of a package registry or mirror" "$scratch/out"
finish
