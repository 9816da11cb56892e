#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
start_daemon
acme policies:read
API=$BASE OP=$(cat "$KEYFILE")
run how-to/move-region.md
end_page
