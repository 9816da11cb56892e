# SPDX-License-Identifier: Apache-2.0
# What the suites here share. The packages and all that is made of the document are in $work. Sourced.
. tests/check/lib.sh
work=$CC_BUILD_DIR/client
bin=$work/node_modules/.bin
# Tools that would otherwise tell somebody that they were used, or ask for a newer version of themselves.
REDOCLY_TELEMETRY=off
REDOCLY_SUPPRESS_UPDATE_NOTICE=true
SCARF_ANALYTICS=false
NO_UPDATE_NOTIFIER=1
NO_COLOR=1
export REDOCLY_TELEMETRY REDOCLY_SUPPRESS_UPDATE_NOTICE SCARF_ANALYTICS NO_UPDATE_NOTIFIER NO_COLOR

# attempt NAME COMMAND…: ok when it succeeds; else what it printed last.
attempt() {
	name=$1
	shift
	"$@" >"$scratch/said" 2>&1 && : >"$scratch/out" || {
		echo "status $?: $*"
		tail -n 40 "$scratch/said"
	} >"$scratch/out"
	verdict "$name" "$scratch/out"
}
