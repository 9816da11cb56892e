#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program that was built carries the protections that the flags ask for.
. "$(dirname "$0")/lib.sh"
if [ "${CC_HARDENED:-OFF}" != ON ]; then
	echo "ok 1 - hardening # SKIP this build carries instruments or debug code instead"
	echo "1..1"
	exit 0
fi
readelf -hldW "${CC_BIN:?}" >"$scratch/elf"

# has NAME PATTERN
has() {
	: >"$scratch/out"
	grep -qE "$2" "$scratch/elf" || echo "readelf -hldW shows no line like: $2" >"$scratch/out"
	verdict "$1" "$scratch/out"
}

has "position independent" 'Type:[[:space:]]+DYN'
has "relocations read-only" 'GNU_RELRO'
has "all symbols bound at start" 'BIND_NOW'
grep -E 'GNU_STACK.*E' "$scratch/elf" | grep -E 'RWE' >"$scratch/out"
verdict "stack not executable" "$scratch/out"
readelf -sW --dyn-syms "$CC_BIN" | grep -q '__stack_chk_fail' || echo "no stack protector" >"$scratch/out"
verdict "stack protector" "$scratch/out"
finish
