#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signatures of events, made and judged by Stripe's own library, beside what the program says of them.
. "${CC_SOURCE_DIR:?}/tests/client/lib.sh"
export CONTROLCORE_STRIPE_WEBHOOK_SECRET=whsec_of_this_suite CONTROLCORE_STRIPE_WEBHOOK_SECRET_PREVIOUS=whsec_before_it

mkdir -p "$work/stripe" && cp tests/client/stripe.mjs "$work/stripe/"
"$CC_WITH_DAEMON" node --test-reporter=tap "$work/stripe/stripe.mjs" >"$scratch/tap" 2>&1
status=$?
sed -n 's/^\(not \)\{0,1\}ok [0-9]* - \(.*\)$/\1|\2/p' "$scratch/tap" >"$scratch/cases"
while IFS='|' read -r bad_ name; do
	: >"$scratch/out"
	[ -z "$bad_" ] || tail -n 40 "$scratch/tap" >"$scratch/out"
	verdict "$name" "$scratch/out"
done <"$scratch/cases"
: >"$scratch/out"
if [ "$status" -ne 0 ] && ! grep -q '^not' "$scratch/cases" || [ ! -s "$scratch/cases" ]; then
	tail -n 40 "$scratch/tap" >"$scratch/out"
fi
verdict 'the suite came to its end' "$scratch/out"
finish
