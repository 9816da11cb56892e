#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs.sh PROGRAM [FOLDER]: writes the files that the program's tables say, below FOLDER (here), and names them.
set -eu
program=${1:?path of controlcored}
folder=${2:-.}

write() {
	target=$1
	shift
	mkdir -p "$(dirname "$folder/$target")"
	"$program" "$@" >"$folder/$target.new" || { rm -f "$folder/$target.new"; exit 1; }
	mv "$folder/$target.new" "$folder/$target"
	echo "$target"
}

write docs/openapi.json openapi
write docs/routes.md routes
write docs/errors.md errors
write docs/config.md settings
write config/controlcored.example.conf config example
write docs/man/controlcored.8 manual program
write docs/man/controlcored.conf.5 manual settings
