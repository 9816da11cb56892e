#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units are what systemd understands, and leave the daemon little that it does not need.
. "$(dirname "$0")/lib.sh"
units=config/systemd

# The program is not installed here, and what is said of that is no fault of the unit.
mkdir "$scratch/units"
for unit in "$units"/*.service "$units"/*.socket; do
	sed "s|/usr/bin/controlcored|${CC_BIN:?}|; /^Documentation=/d" "$unit" >"$scratch/units/$(basename "$unit")"
done
for unit in "$scratch"/units/*; do
	# It ends with 0 also when it does not know a setting.
	SYSTEMD_UNIT_PATH="$scratch/units:" systemd-analyze verify --man=no "$unit" 2>&1 |
		grep -F "$(basename "$unit")" >"$scratch/out"
	verdict "systemd understands $(basename "$unit")" "$scratch/out"
done

: >"$scratch/out"
systemd-analyze security --offline=yes --threshold=20 --no-pager "$scratch/units/controlcored.service" \
	>"$scratch/security" 2>&1 || tail -n 1 "$scratch/security" >"$scratch/out"
verdict "exposed at most 2.0: $(sed -n 's/.*exposure level for [^:]*: *//p' "$scratch/security")" "$scratch/out"
finish
