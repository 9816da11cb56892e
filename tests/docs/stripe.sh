#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With the Stripe of the tests (with_stripe.c).
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
: "${CC_STRIPE_URL:?is run by with_stripe}"
sed 's|^pro = {|&\n\tstripe = { base = "price_pro"; api_calls = "price_calls"; bouncer_requests = "price_bouncers"; };|' \
	config/plans.conf > "$dir/plans"
export CONTROLCORE_PLANS_FILE="$dir/plans" CONTROLCORE_STRIPE_URL="$CC_STRIPE_URL" CONTROLCORE_STRIPE_RETRY_MS=50
export CONTROLCORE_STRIPE_KEY="$CC_STRIPE_KEY" CONTROLCORE_STRIPE_WEBHOOK_SECRET=whsec_of_this_page
start_daemon
acme billing:read
API=$BASE OP=$(cat "$KEYFILE") WEBHOOK_SECRET=whsec_of_this_page LIVE=false
run how-to/stripe.md
end_page
