#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is generated from the program's tables is committed as the program prints it: `make docs`.
. "$(dirname "$0")/lib.sh"
cmake/docs.sh "${CC_BIN:?}" "$scratch/new" >"$scratch/files" || echo "docs.sh ended with status $?" >"$scratch/out"
touch "$scratch/out"
verdict "the program prints what its tables say" "$scratch/out"

while read -r file; do
	diff -u "$file" "$scratch/new/$file" | head -n 40 >"$scratch/out"
	verdict "$file is what the program prints; make docs" "$scratch/out"
done <"$scratch/files"
# groff has a word for each mistake in a manual page.
for page in docs/man/*; do
	groff -Kutf8 -man -Tutf8 -ww -z "$page" >"$scratch/out" 2>&1 || :
	verdict "$page is a manual page without a warning" "$scratch/out"
done
finish
