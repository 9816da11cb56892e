#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The npm packages of tests/client/package-lock.json, to the byte, in the build folder. The other suites of
# this folder need them; without them they do not run, and that is a failure.
. "${CC_SOURCE_DIR:?}/tests/client/lib.sh"
lock=$work/node_modules/.controlcored-lock

install() {
	command -v npm >/dev/null || {
		echo 'there is no npm: cmake/packages.sh test installs it'
		return 1
	}
	mkdir -p "$work" && cp tests/client/package.json tests/client/package-lock.json "$work/" || return
	(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund) || {
		echo 'npm ci failed: the packages come from the registry that npm is configured for'
		return 1
	}
	cp tests/client/package-lock.json "$lock"
}

if ! cmp -s tests/client/package-lock.json "$lock"; then
	attempt 'npm installs what package-lock.json pins' install
else
	attempt 'what package-lock.json pins is installed' test -x "$bin/redocly"
fi
finish
