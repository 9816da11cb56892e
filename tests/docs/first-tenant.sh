#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
start_daemon
API=$BASE OP=$(cat "$KEYFILE")
run how-to/first-tenant.md
end_page
