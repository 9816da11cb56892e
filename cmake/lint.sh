#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD_DIR: cppcheck and clang-tidy over our sources, with the compile commands of a build.
set -u
build=${1:?build folder}
status=0

cppcheck --quiet --std=c17 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress='*:*/generated/*' -j 2 \
	--project="$build/compile_commands.json" || status=1
find src -name '*.c' | sort | xargs -P 2 -n 4 clang-tidy --quiet -p "$build" || status=1
exit $status
