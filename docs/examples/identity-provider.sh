#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/identity-provider.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: People come with tokens of an identity provider
API=${API:-https://acme.controlcore.io/api/v1}
: "${KEY:?a key of the tenant with every scope}"
ISSUER=${ISSUER:-https://id.acme.com/}            # as tokens have it, to the last slash
JWKS=${JWKS:-${ISSUER%/}/jwks.json}               # jwks_uri of the discovery document

# --- 2: Here
curl -sS -X PUT $API/tenants/acme/auth/issuers -H "Authorization: Bearer $KEY" --json '{ "issuers": [{
  "issuer": "'"$ISSUER"'", "audience": "controlcore",
  "jwks_url": "'"$JWKS"'", "algorithms": ["RS256"] }] }' | jq '.issuers[0] | {audience, algorithms}'

# --- 3: Try it
TOKEN=$(curl -sS "${ISSUER%/}/oauth/token" -d grant_type=client_credentials -d audience=controlcore \
  -d client_id="${CLIENT_ID:-app}" -d client_secret="${CLIENT_SECRET:-}" | jq -r .access_token)
curl -sS $API/whoami -H "Authorization: Bearer $TOKEN" | jq '{kind: .credential.kind, tenant: .tenant.slug}'

# --- 4: Try it
curl -sS $API/auth/me -H "Authorization: Bearer $TOKEN" | jq '{roles}'

# --- 5: To end it
curl -sS -X PUT $API/tenants/acme/auth/issuers -H "Authorization: Bearer $KEY" --json '{"issuers": []}' | jq -c .issuers
refused curl -sS $API/whoami -H "Authorization: Bearer $TOKEN"                           # 401 invalid_token
