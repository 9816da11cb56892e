#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs.sh PROGRAM: writes the files that the program's tables say.
set -eu
program=${1:?path of controlcored}

write() {
	target=$1
	shift
	"$program" "$@" >"$target.new" || { rm -f "$target.new"; exit 1; }
	mv "$target.new" "$target"
	echo "$target"
}

write docs/openapi.json openapi
write config/controlcored.example.conf config example
