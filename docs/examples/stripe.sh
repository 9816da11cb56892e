#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/stripe.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: Here
API=${API:-https://api.controlcore.io/api/v1}
: "${OP:?an operator key with platform:billing}" "${WEBHOOK_SECRET:?the secret of the endpoint, whsec_…}"
TENANT=${TENANT:-acme}
curl -sS $API/tenants/$TENANT/billing -H "Authorization: Bearer $OP" | jq '{mode, status, plan}'

# --- 2: Do events arrive?
event() { # event SECRET: the endpoint's answer to an event that is signed with it
  now=$(date +%s)
  body='{"id": "evt_check_'$now'", "object": "event", "type": "customer.updated", "livemode": '${LIVE:-true}',
    "created": '$now', "data": {"object": {"id": "cus_nobody", "object": "customer"}}}'
  mac=$(printf '%s.%s' "$now" "$body" | openssl dgst -sha256 -hmac "$1" | sed 's/.*= //')
  curl -sS $API/integrations/stripe/webhook -H "Stripe-Signature: t=$now,v1=$mac" --json "$body"
}
event "$WEBHOOK_SECRET" | jq '{error}'

# --- 3: Do events arrive?
refused event whsec_of_somebody_else                                                     # 400 bad_signature

# --- 4: A tenant pays
curl -sS -X PUT $API/tenants/$TENANT/billing -H "Authorization: Bearer $OP" -H 'Idempotency-Key: pay-1' --json '{
  "payment_method": "'${METHOD:-pm_1Q0PsIJvEtkwdCNY}'", "billing_address": {"line1": "123 Main St", "city": "San Francisco",
  "state": "CA", "postal_code": "94105", "country": "US"} }' | jq '{plan}'

# --- 5: A tenant pays
until curl -sS $API/tenants/$TENANT/billing -H "Authorization: Bearer $OP" | jq -e '.status == "active"' >/dev/null; do sleep 1; done
curl -sS $API/tenants/$TENANT/billing -H "Authorization: Bearer $OP" | jq '{subscription_id, status, payment_method}'
