#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/custom-domain.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: A domain of the tenant's own
API=${API:-https://acme.controlcore.io/api/v1}
: "${KEY:?a key of the tenant}"
DOMAIN=policies.acme.com
DOMAINS=$API/tenants/acme/domains

# --- 2: Claim it
ANSWER=$(curl -sS $DOMAINS -H "Authorization: Bearer $KEY" --json '{"domain": "'$DOMAIN'"}')
TOKEN=$(echo "$ANSWER" | jq -r .dns_instructions.txt_record)
echo "$ANSWER" | jq '{status, txt_name, dns_instructions}'

# --- 3: Claim it
refused curl -sS -X POST $DOMAINS/$DOMAIN/verify -H "Authorization: Bearer $KEY" |   # 409 verification_failed
  jq '{error, why: .details[0].error}'

# --- 4: Prove it
curl -sS -X POST $DOMAINS/$DOMAIN/verify -H "Authorization: Bearer $KEY" | jq '{status, ssl_status, reason}'

# --- 5: Bring a certificate
CHAIN=${CHAIN:-chain.pem} PRIVATE=${PRIVATE:-key.pem}
jq -n --rawfile c "$CHAIN" --rawfile k "$PRIVATE" '{ssl_certificate: $c, ssl_private_key: $k}' |
  curl -sS -X PUT $DOMAINS/$DOMAIN/certificate -H "Authorization: Bearer $KEY" --json @- | jq '{domain, ssl_status}'

# --- 6: Make it the default
curl -sS -X POST $DOMAINS/$DOMAIN/default -H "Authorization: Bearer $KEY" | jq '{domain, is_default}'
