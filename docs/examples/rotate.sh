#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Written from docs/how-to/rotate.md by cmake/examples.sh: its commands, in their order.
# It ends at the first request that is refused, unless that is what it is to show.
set -euo pipefail
curl() { command curl --fail-with-body "$@"; }
refused() { if "$@"; then echo "this was to be refused: $*" >&2; return 1; fi; }

# --- 1: Rotate everything
API=${API:-https://acme.controlcore.io/api/v1}
: "${KEY:?a key of the tenant with api_keys:write}" "${OP:?the first operator key}"
CONF=${CONF:-/etc/controlcored}                       # the folder of controlcored.conf
RELOAD=${RELOAD:-systemctl reload controlcored}       # on every node
RESTART=${RESTART:-systemctl restart controlcored}    # one node after the other

# --- 2: API keys
ID=$(curl -sS $API/tenants/acme/api-keys -H "Authorization: Bearer $KEY" | jq -r '.api_keys[] | select(.name == "app") | .id')
ANSWER=$(curl -sS $API/tenants/acme/api-keys/$ID/rotate -H "Authorization: Bearer $KEY" --json '{"overlap_seconds": 86400}')
NEXT=$(echo "$ANSWER" | jq -r .key)
echo "$ANSWER" | jq '{name, rotated: (.rotated_from == "'$ID'")}'

# --- 3: API keys
curl -sS $API/tenants/acme/api-keys/$ID -H "Authorization: Bearer $KEY" | jq '{name, last_used_at}'

# --- 4: API keys
curl -sS -X DELETE $API/tenants/acme/api-keys/$ID -H "Authorization: Bearer $KEY" | jq '{id}'

# --- 5: Operator keys
ME=$(curl -sS $API/whoami -H "Authorization: Bearer $OP" | jq -r .credential.id)
OP=$(curl -sS $API/operator-keys/$ME/rotate -H "Authorization: Bearer $OP" --json '{"overlap_seconds": 3600}' | jq -r .key)
curl -sS $API/whoami -H "Authorization: Bearer $OP" | jq '{kind: .credential.kind}'

# --- 6: The key-encryption key
openssl rand -hex 32 > $CONF/keks/2026-07
chmod 0400 $CONF/keks/2026-07
chown --reference=$CONF/keks $CONF/keks/2026-07
sed -i 's/keks = .*/keks = [ "2026-01", "2026-07" ];/' $CONF/controlcored.conf
$RELOAD

# --- 7: The key-encryption key
sed -i 's/keks = .*/keks = [ "2026-07", "2026-01" ];/' $CONF/controlcored.conf
$RELOAD

# --- 8: The key-encryption key
${CONTROLCORED:-controlcored} kek rotate --config $CONF/controlcored.conf

# --- 9: Signing key
cp -p $CONF/secrets/signing_key $CONF/secrets/signing_key_previous
openssl rand -hex 32 > $CONF/secrets/signing_key.new
chown --reference=$CONF/secrets/signing_key $CONF/secrets/signing_key.new
chmod 0400 $CONF/secrets/signing_key.new
mv $CONF/secrets/signing_key.new $CONF/secrets/signing_key
if [ -e /etc/systemd/system/controlcored.service.d/signing_key_previous.conf ]; then
  systemctl daemon-reload
else
  grep -q "^[[:space:]]*signing_key_previous_file" $CONF/controlcored.conf || sed -i \
    "s|signing_key_file = .*|&\n\tsigning_key_previous_file = \"$CONF/secrets/signing_key_previous\";|" $CONF/controlcored.conf
fi
$RESTART
curl -sS ${API%/api/v1}/.well-known/controlcore-keys | jq '{published: (.keys | length)}'

# --- 10: Passwords of the databases
openssl rand -hex 32 > $CONF/secrets/role_secret.new
chown --reference=$CONF/secrets/role_secret $CONF/secrets/role_secret.new
chmod 0400 $CONF/secrets/role_secret.new
mv $CONF/secrets/role_secret.new $CONF/secrets/role_secret
${CONTROLCORED:-controlcored} migrate --config $CONF/controlcored.conf >/dev/null
$RESTART
curl -sS ${API%/api/v1}/readyz | jq '{status}'
