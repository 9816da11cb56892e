#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/tutorial.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: Start
API=${API:-http://127.0.0.1:8082/api/v1}
OP=${OP:-$(cat var/operator.key)}
curl -sS ${API%/api/v1}/livez | jq '{status}'

# --- 2: A tenant
curl -sS $API/tenants -H "Authorization: Bearer $OP" --json '{
  "name": "Acme Corporation", "domain": "acme.controlcore.io",
  "plan_type": "pro", "region": "us-east-1" }' | jq '{id, slug, status, region}'

# --- 3: A key
KEY=$(curl -sS $API/tenants/acme/api-keys -H "Authorization: Bearer $OP" --json '{
  "name": "tutorial", "scopes": ["tenant:read", "policies:read", "policies:write", "policies:promote",
  "resources:read", "resources:write", "bouncers:read", "bouncers:connect", "audit:read"] }' | jq -r .key)
curl -sS $API/whoami -H "Authorization: Bearer $KEY" | jq '{kind: .credential.kind, tenant: .tenant.slug}'

# --- 4: A key
refused curl -sS $API/users -H "Authorization: Bearer $KEY" --json '{"email": "ann@acme.com", "username": "Ann"}' |  # 403 insufficient_scope
  jq '{error}'

# --- 5: A policy
P=$(curl -sS $API/policies -H "Authorization: Bearer $KEY" --json '{
  "name": "staff may read",
  "rego_code": "package app.users\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n\tinput.action == \"read\"\n\t\"staff\" in input.user.roles\n}\n" }' | jq .id)
curl -sS $API/policies/$P -H "Authorization: Bearer $KEY" | jq '{id, name, environment, status, version}'

# --- 6: A mistake
refused curl -sS -X PATCH $API/policies/$P -H "Authorization: Bearer $KEY" --json '{"rego_code": "package app.users\nallow {\n"}' |  # 422 rego_invalid
  jq '{error, line: .details[0].line, column: .details[0].column}'

# --- 7: A mistake
curl -sS -X PATCH $API/policies/$P -H "Authorization: Bearer $KEY" \
  --json '{"description": "Staff may read users, and nobody may write."}' | jq '{version}'

# --- 8: Back again
curl -sS $API/policies/$P/rollback -H "Authorization: Bearer $KEY" --json '{"version": 1}' | jq '{version, description}'

# --- 9: Into production
PROMOTED=$(curl -sS $API/policies/$P/promote -H "Authorization: Bearer $KEY" --json '{
  "deployment_notes": "first", "approver": "ann@acme.com" }')
P2=$(echo "$PROMOTED" | jq .policy_id)
echo "$PROMOTED" | jq '{environment, policy_id, promoted_from}'

# --- 10: Into production
refused curl -sS -X PATCH $API/policies/$P2 -H "Authorization: Bearer $KEY" --json '{"name": "x"}' |  # 409 production_immutable
  jq '{error}'

# --- 11: As a bouncer sees it
curl -sS $API/peps/register -H "Authorization: Bearer $KEY" --json '{
  "bouncer_id": "edge-1", "resource": {"name": "Users API", "target_host": "users:8080"} }' | jq '{bouncer_id, environment, status}'

# --- 12: As a bouncer sees it
curl -sS $API/bundles/production -H "Authorization: Bearer $KEY" | tar -xzO app/users/policy-$P2.rego

# --- 13: Who did what?
curl -sS "$API/audit/logs?limit=1000" -H "Authorization: Bearer $KEY" | jq '[.logs[].action] | reverse'

# --- 14: What was it used for?
curl -sS $API/tenants/acme -H "Authorization: Bearer $KEY" | jq '.limits'
