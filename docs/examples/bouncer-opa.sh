#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/bouncer-opa.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: A bouncer with OPA
API=${API:-https://acme.controlcore.io/api/v1}
: "${KEY:?a key of the tenant}"

# --- 2: A key for the bouncer
ANSWER=$(curl -sS $API/tenants/acme/api-keys -H "Authorization: Bearer $KEY" --json '{
  "name": "edge-1", "environment": "test", "scopes": ["bouncers:connect"] }')
EDGE=$(echo "$ANSWER" | jq -r .key)
echo "$ANSWER" | jq '{name, scopes}'

# --- 3: Register it
ANSWER=$(curl -sS $API/peps/register -H "Authorization: Bearer $EDGE" --json '{
  "bouncer_id": "edge-1", "bouncer_name": "edge", "bouncer_type": "sidecar",
  "resource": {"name": "Users API", "type": "api", "target_host": "users:8080"},
  "deployment_info": {"platform": "docker", "version": "1.0.0"} }')
BOUNCER=$(echo "$ANSWER" | jq -r .id)
echo "$ANSWER" | jq '{bouncer_id, status, environment}'

# --- 4: A policy for it
curl -sS $API/policies -H "Authorization: Bearer $KEY" --json '{
  "name": "staff may read", "environment": "sandbox",
  "rego_code": "package app.users\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n\tinput.action == \"read\"\n\t\"staff\" in input.user.roles\n}\n" }' |
  jq '{name, status, environment, version}'

# --- 5: Tell OPA where it all is
TENANT=$(curl -sS $API/whoami -H "Authorization: Bearer $KEY" | jq -r .tenant.id)
curl -sS "${API%/api/v1}/.well-known/controlcore-keys/$TENANT" | jq -r '.keys[0].pem' > bundle-key.pem
cat > opa.yaml <<END
services:
  controlcore:
    url: $API
    credentials: { bearer: { token: "$EDGE" } }
bundles:
  sandbox:
    service: controlcore
    resource: bundles/sandbox
    persist: true
    polling: { long_polling_timeout_seconds: 60 }
    signing: { keyid: controlcore }
keys:
  controlcore:
    algorithm: ES256
    key: |
$(sed 's/^/      /' bundle-key.pem)
status: { service: controlcore, partition_name: edge-1 }
persistence_directory: opa-state
END
chmod 600 opa.yaml

# --- 6: See what OPA sees
curl -sS $API/bundles/sandbox -H "Authorization: Bearer $EDGE" -o bundle.tar.gz -D bundle.head
tar -xzOf bundle.tar.gz .manifest | jq '{roots, environment: .metadata.environment}'

# --- 7: Which bouncers have it?
REVISION=$(tar -xzOf bundle.tar.gz .manifest | jq -r .revision)
curl -sS $API/rollouts/$REVISION -H "Authorization: Bearer $KEY" | jq '{summary}'

# --- 8: Which bouncers have it?
curl -sS $API/status/edge-1 -H "Authorization: Bearer $EDGE" --json '{ "labels": {"id": "edge-1"},
  "bundles": {"sandbox": {"name": "sandbox", "active_revision": "'$REVISION'"}} }' >/dev/null
curl -sS $API/rollouts/$REVISION -H "Authorization: Bearer $KEY" | jq '{summary}'

# --- 9: Which bouncers have it?
curl -sS $API/bouncers/$BOUNCER/health -H "Authorization: Bearer $KEY" | jq '{status}'
