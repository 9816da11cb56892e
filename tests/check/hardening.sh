#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program that was built carries the protections that the flags ask for, and every file was compiled with them.
. "$(dirname "$0")/lib.sh"
if [ "${CC_HARDENED:-OFF}" != ON ]; then
	echo "ok 1 - hardening # SKIP this build carries instruments or debug code instead"
	echo "1..1"
	exit 0
fi
readelf -hldnW "${CC_BIN:?}" >"$scratch/elf"
readelf -sW --dyn-syms "$CC_BIN" >"$scratch/symbols"
# Of what is compiled: linking has a line of its own.
grep -a '^  FLAGS = .*-std=' "${CC_BUILD_DIR:?}/build.ninja" | sort -u >"$scratch/flags"

# has NAME PATTERN
has() {
	: >"$scratch/out"
	grep -qE "$2" "$scratch/elf" || echo "readelf -hldnW shows no line like: $2" >"$scratch/out"
	verdict "$1" "$scratch/out"
}

# lacks NAME PATTERN
lacks() {
	grep -E "$2" "$scratch/elf" >"$scratch/out"
	verdict "$1" "$scratch/out"
}

# calls NAME PATTERN
calls() {
	: >"$scratch/out"
	grep -qE "$2" "$scratch/symbols" || echo "no symbol like: $2" >"$scratch/out"
	verdict "$1" "$scratch/out"
}

has "position independent" 'Type:[[:space:]]+DYN'
has "… and says so" 'FLAGS_1.*PIE'
has "relocations read-only" 'GNU_RELRO'
has "all symbols bound at start" 'BIND_NOW|FLAGS_1.*NOW'
has "stack is described" 'GNU_STACK'
lacks "stack not executable" 'GNU_STACK.*E[[:space:]]+0x'
lacks "nothing both written and executed" '^[[:space:]]+LOAD.*RWE'
lacks "no text is relocated" 'TEXTREL'
lacks "libraries are those of the system" 'RPATH|RUNPATH'
calls "stack protector" '__stack_chk_fail'
calls "calls are checked for their bounds" '__(mem|str|sn?print|vsn?print|read|fd)[a-z]*_chk'

# Each flag that the compiler knows, in each file. -z nodlopen says nothing of a program, and ld leaves it away; that returns
# are guarded (-fcf-protection) ld notes only where the C library's start files are compiled so too.
for flag in -O2 -std=c17 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3 -fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing -Wall -Wextra -Wformat=2 -Wconversion -Wshadow \
	-Wimplicit-fallthrough -Wtrampolines -Wbidi-chars=any -Werror=format-security -Werror=implicit \
	-Werror=incompatible-pointer-types -Werror=int-conversion; do
	: >"$scratch/out"
	if echo 'int x;' | "${CC_CC:-cc}" -Werror -Wformat "$flag" -xc -c -o /dev/null - 2>/dev/null; then
		# -Werror, where it is, stops for all of these.
		grep -vE -- "(^| )$(printf '%s' "$flag" | sed 's/[.+*]/\\&/g')( |\$)" "$scratch/flags" |
			cut -c1-400 >"$scratch/out"
	fi
	verdict "$flag" "$scratch/out"
done

# This one is left out where configuration found that the compiler makes wrong code of it (cmake/warnings.cmake).
: >"$scratch/out"
if grep -q '^cc_inits_automatic_variables:INTERNAL=1$' "$CC_BUILD_DIR/CMakeCache.txt"; then
	grep -v -- '-ftrivial-auto-var-init=zero' "$scratch/flags" | cut -c1-400 >"$scratch/out"
fi
verdict "-ftrivial-auto-var-init=zero" "$scratch/out"

# The library finds these in the program before its own (src/http/refused.c, quiesce.c) only where they are exported.
for name in MHD_queue_response gnutls_handshake epoll_ctl; do
	: >"$scratch/out"
	nm -D --defined-only "$CC_BIN" | grep -q " T $name\$" || echo "$name is not exported" >"$scratch/out"
	verdict "libraries find the program's $name" "$scratch/out"
done

# What it links to without using it could still be made to run.
ldd -u "$CC_BIN" | grep '/' >"$scratch/out"
verdict "every library is used" "$scratch/out"
finish
