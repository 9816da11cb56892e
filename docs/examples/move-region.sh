#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/move-region.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: Move a tenant to another region
API=${API:-http://127.0.0.1:8082/api/v1}
OP=${OP:-$(cat var/operator.key)}
TENANT=${TENANT:-acme}

# --- 2: Is it possible?
curl -sS $API/regions -H "Authorization: Bearer $OP" | jq '.regions[] | select(.id == "eu-west-1") | {id, status}'

# --- 3: Is it possible?
curl -sS "$API/tenants/$TENANT/deploy?dry_run=true" -H "Authorization: Bearer $OP" \
  --json '{"region": "eu-west-1"}' | jq '{from_region, region, blockers}'

# --- 4: Begin
MOVE=$(curl -sS $API/tenants/$TENANT/deploy -H "Authorization: Bearer $OP" -H "Idempotency-Key: move-$(date +%s)" \
  --json '{"region": "eu-west-1"}' | jq -r .deployment_id)
MOVED=$API/tenants/$TENANT/deployments/$MOVE

# --- 5: Watch
until curl -sS $MOVED -H "Authorization: Bearer $OP" | jq -e '.status != "in_progress"' >/dev/null; do sleep 1; done
curl -sS $MOVED -H "Authorization: Bearer $OP" | jq '{status, from_region, region, progress, error}'

# --- 6: Watch
curl -sS $API/tenants/$TENANT -H "Authorization: Bearer $OP" | jq '{region}'

# --- 7: Take it back
refused curl -sS -X POST $MOVED/cancel -H "Authorization: Bearer $OP"                   # 409 not_cancellable
curl -sS $API/tenants/$TENANT/deploy -H "Authorization: Bearer $OP" --json '{"region": "us-east-1",
  "maintenance_window": "'$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)'"}' | jq '{region, status}'

# --- 8: Take it back
BACK=$(curl -sS "$API/tenants/$TENANT/deployments?limit=1" -H "Authorization: Bearer $OP" | jq -r '.deployments[0].deployment_id')
curl -sS -X POST $API/tenants/$TENANT/deployments/$BACK/cancel -H "Authorization: Bearer $OP" | jq '{region}'
