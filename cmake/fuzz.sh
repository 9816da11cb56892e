#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh BUILD_DIR [SECONDS]: builds the programs of tests/fuzz and lets each look for a fault for so long. What it
# found interesting is kept in BUILD_DIR/corpus; an input that failed stays beside the program that it fails. It
# begins with what is in tests/fuzz/corpus: examples, and inputs that failed once. FUZZ_ONLY: the names of some alone.
set -u
build=${1:?build folder}
seconds=${2:-60}
status=0

cmake --build "$build" --target fuzz-programs || exit 1
for source in tests/fuzz/*.c; do
	name=$(basename "$source" .c)
	case " ${FUZZ_ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
	# Chains of certificates are longer than what others read.
	longest=4096
	[ "$name" != certificate ] || longest=24576
	corpus=$build/corpus/$name
	seeds=tests/fuzz/corpus/$name
	mkdir -p "$corpus" || exit 1
	[ -d "$seeds" ] || seeds=
	if "$build/tests/fuzz/$name" -max_total_time="$seconds" -max_len="$longest" -timeout=10 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="$build/tests/fuzz/$name-" "$corpus" ${seeds:+"$seeds"} \
		>"$build/$name.log" 2>&1; then
		echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log") inputs, no fault"
	else
		tail -n 40 "$build/$name.log"
		echo "$name: FAILED"
		status=1
	fi
done
exit $status
