#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD_DIR [FILE…]: cppcheck over all our sources, and clang-tidy over src (or the files named) with the
# headers they include, by the compile commands of a clang build. Prints what was found and nothing else.
set -u
build=${1:?build folder}
shift
status=0

cppcheck --quiet --std=c17 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--library=cmake/cppcheck.cfg --suppress=missingIncludeSystem --suppress='*:*/generated/*' -j 2 \
	--project="$build/compile_commands.json" || status=1

# One file per process: with several, clang-tidy 14 takes every va_list for uninitialised.
[ $# -gt 0 ] || set -- $(find src -name '*.c' | sort)
printf '%s\n' "$@" | xargs -P 2 -I '{}' sh -c '
	said=$(clang-tidy --quiet -p "$1" "$2" 2>&1) || { printf "%s\n" "$said"; exit 1; }' tidy "$build" '{}' || status=1
exit $status
