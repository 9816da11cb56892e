#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The five minutes of README.md, typed as they stand there, with another port and folder. What it shows as
# the answer is compared with the answer; ids, keys and times differ.
set -u
. "$(dirname "$0")/walkthrough.lib.sh"
. "$(dirname "$0")/pages.lib.sh"

start_daemon
page_split "$docs/README.md" 'Five minutes'
sed -i -e "s|http://127.0.0.1:8082/api/v1|$BASE|; s|var/operator.key|$KEYFILE|" "$dir"/*.sh
run_blocks 7
end_page
