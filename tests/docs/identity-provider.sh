#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With a provider that publishes a key and gives tokens to anybody.
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
command -v node > /dev/null || { echo '1..0 # SKIP node is not installed'; exit 0; }
export CONTROLCORE_AUTH_PRIVATE_ISSUERS=true
node tests/docs/provider.mjs > "$dir/issuer" &
helpers=$!
start_daemon
ISSUER=$(cat "$dir/issuer")
acme tenant:write
KEY=$(cat "$KEYFILE")
API=$BASE
run how-to/identity-provider.md
check 'what the page has of the log is what the log says' '' "$(grep -o '`token: [^`]*`' docs/how-to/identity-provider.md |
	tr -d '`' | while read -r cause; do grep -qF "\"$cause\"" src/core/token.c || echo "$cause"; done)"
end_page
