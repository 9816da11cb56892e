#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, in the view of its own floor, without a warning.
. "$(dirname "$0")/lib.sh"
build=${CC_BUILD_DIR:?}
read -r flags <"$build/floors/cflags.txt"

while IFS=: read -r floor _; do
	: >"$scratch/out"
	for header in $(sources "include/cc/$floor" "src/$floor" | grep '\.h$'); do
		case $header in
		include/*) name=${header#include/} dir=. ;;
		*) name=${header##*/} dir=${header%/*} ;;
		esac
		echo "#include \"$name\"" >"$scratch/try.c"
		echo "extern int only_for_the_standard;" >>"$scratch/try.c"
		# shellcheck disable=SC2086
		${CC_CC:-cc} $flags -I"$build/floors/$floor" -I"$build/generated" -iquote "$dir" \
			-fsyntax-only "$scratch/try.c" >"$scratch/err" 2>&1 ||
			{ echo "$header:"; head -5 "$scratch/err"; } >>"$scratch/out"
	done
	verdict "headers of $floor compile alone" "$scratch/out"
done <"$build/floors/floors.txt"
finish
