#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/first-tenant.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: The first tenant
API=${API:-http://127.0.0.1:8082/api/v1}
OP=${OP:-$(cat var/operator.key)}

# --- 2: A key for what you are about to do
ANSWER=$(curl -sS $API/operator-keys -H "Authorization: Bearer $OP" --json '{
  "name": "onboarding", "scopes": ["platform:tenants", "platform:read"] }')
ONBOARD=$(echo "$ANSWER" | jq -r .key)
echo "$ANSWER" | jq '{name, scopes}'

# --- 3: Try it
TENANT='{ "name": "Acme Corporation", "domain": "acme.controlcore.io",
  "plan_type": "pro", "region": "us-east-1" }'
curl -sS "$API/tenants?dry_run=true" -H "Authorization: Bearer $ONBOARD" --json "$TENANT" | jq '{slug, region, plan_type}'

# --- 4: Make it
T=$(curl -sS $API/tenants -H "Authorization: Bearer $ONBOARD" -H 'Idempotency-Key: acme-1' --json "$TENANT" | jq -r .id)
curl -sS $API/tenants/$T -H "Authorization: Bearer $ONBOARD" | jq '{id, domain, status}'

# --- 5: Its first key
ANSWER=$(curl -sS $API/tenants/$T/api-keys -H "Authorization: Bearer $ONBOARD" --json '{
  "name": "administration", "allowed_cidrs": ["127.0.0.0/8", "::1"],
  "scopes": ["tenant:read", "api_keys:read", "api_keys:write", "users:read", "users:write", "domains:read",
             "domains:write", "policies:read", "policies:write", "policies:promote", "resources:read",
             "resources:write", "bouncers:read", "bouncers:write", "bouncers:connect", "audit:read"] }')
KEY=$(echo "$ANSWER" | jq -r .key)
echo "$ANSWER" | jq '{name, expires_at}'

# --- 6: Its first key
curl -sS $API/whoami -H "Authorization: Bearer $KEY" | jq '{kind: .credential.kind, tenant: .tenant.slug}'

# --- 7: More room than the plan gives
curl -sS -X PUT $API/tenants/$T/quota -H "Authorization: Bearer $ONBOARD" --json '{
  "policies": {"limit": 2000, "enforcement": "grace", "grace_percent": 10} }' | jq '.policies | {limit, hard_limit, used}'

# --- 8: Stop it, and start it again
curl -sS $API/tenants/$T/suspend -H "Authorization: Bearer $ONBOARD" --json '{"reason": "contract"}' | jq '{status, suspended_reason}'

# --- 9: Stop it, and start it again
curl -sS $API/tenants/$T/resume -H "Authorization: Bearer $ONBOARD" -X POST | jq '{status}'

# --- 10: Delete it, and take it back
curl -sS -X DELETE $API/tenants/$T -H "Authorization: Bearer $ONBOARD" | jq '{status}'

# --- 11: Delete it, and take it back
curl -sS -X POST $API/tenants/$T/restore -H "Authorization: Bearer $ONBOARD" | jq '{status}'
