#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A node with a file of settings, on a PostgreSQL that asks for passwords, at work while its secrets change.
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
bin=$(realpath "${CC_BIN:-build/release/controlcored}")
pg=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
as=
mkdir "$dir/pg" "$dir/etc" "$dir/etc/keks" "$dir/etc/secrets" "$dir/state"
if [ "$(id -u)" -eq 0 ]; then
	# Whoever runs PostgreSQL must be able to pass the suite's own folder, not to look.
	[ -z "${TMPDIR:-}" ] || chmod 711 "$TMPDIR"
	as='setpriv --reuid postgres --regid postgres --clear-groups'
	chown postgres "$dir/pg"
fi
PORT=$(free_port 1) port=$(free_port 2)
openssl rand -hex 32 | tee "$dir/etc/secrets/superuser" > "$dir/pg/password"
chmod 644 "$dir/pg/password"
# shellcheck disable=SC2086
$as "$pg/initdb" -D "$dir/pg/data" -U postgres --no-sync -A scram-sha-256 --pwfile "$dir/pg/password" > "$dir/pg.out"
# shellcheck disable=SC2086
$as "$pg/postgres" -D "$dir/pg/data" -p "$port" -k "$dir/pg" -c listen_addresses=127.0.0.1 \
	-c max_connections=200 > "$dir/pg.log" 2>&1 &
helpers=$!

# PostgreSQL ends when it has no client any more, or at once by SIGINT.
trap 'kill -INT $helpers 2> /dev/null; cleanup' EXIT

secret() { openssl rand -hex 32 > "$dir/etc/$1" && chmod 0400 "$dir/etc/$1"; }
for name in secrets/pepper secrets/audit_key secrets/signing_key secrets/role_secret keks/2026-01; do secret $name; done
echo "host=127.0.0.1 port=$port dbname=postgres user=postgres password=$(cat "$dir/etc/secrets/superuser")" \
	> "$dir/etc/secrets/admin"
make_root
certify "$dir/site" policies.acme.com
cat > "$dir/etc/controlcored.conf" <<END
server = { port = $PORT; state_dir = "$dir/state"; lag_ms = 0; };
control = { conninfo = "host=127.0.0.1 port=$port dbname=cc_control"; admin_conninfo_file = "$dir/etc/secrets/admin"; };
regions = ( { id = "us-east-1"; conninfo = "host=127.0.0.1 port=$port dbname=region_us_east_1"; } );
domains = { trust_store = "$dir/root.pem"; };
secrets = {
	pepper_file = "$dir/etc/secrets/pepper";
	audit_key_file = "$dir/etc/secrets/audit_key";
	signing_key_file = "$dir/etc/secrets/signing_key";
	role_secret_file = "$dir/etc/secrets/role_secret";
	kek_folder = "$dir/etc/keks";
	keks = [ "2026-01" ];
};
END
BASE=http://127.0.0.1:$PORT/api/v1

ended=
serve() {
	"$bin" serve --config "$dir/etc/controlcored.conf" > "$dir/out" 2>> "$dir/log" &
	daemon=$!
	i=0
	while [ $i -lt 600 ] && ! curl -sf -m 2 -o /dev/null "${BASE%/api/v1}/readyz"; do
		sleep 0.1
		i=$((i + 1))
	done
}
restart() {
	kill "$daemon"
	wait "$daemon"
	ended="$ended $?"
	serve
}
reload() {
	said=$(grep -c '"settings were read again' "$dir/log")
	kill -HUP "$daemon"
	i=0
	while [ $i -lt 100 ] && [ "$(grep -c '"settings were read again' "$dir/log")" = "$said" ]; do
		sleep 0.1
		i=$((i + 1))
	done
}
seals() { # how many certificates are sealed under which KEK
	PGPASSWORD=$(cat "$dir/etc/secrets/superuser") "$pg/psql" -h 127.0.0.1 -p "$port" -U postgres -d cc_control -Atc \
		"SELECT kek_id || ' ' || count(*) FROM cc.certificate GROUP BY kek_id"
}

i=0
while [ $i -lt 100 ] && ! "$pg/pg_isready" -q -h 127.0.0.1 -p "$port"; do
	sleep 0.1
	i=$((i + 1))
done
serve
KEYFILE=$dir/operator.key
"$bin" operator-key create --config "$dir/etc/controlcored.conf" --name first --output "$KEYFILE" > "$dir/made"
acme tenant:read api_keys:read api_keys:write policies:read domains:write
operator /tenants/acme/api-keys '{"name": "app", "scopes": ["policies:read"]}' > "$dir/app"
jq -n --rawfile c "$dir/site.pem" --rawfile k "$dir/site.key" \
	'{domain: "policies.acme.com", ssl_certificate: $c, ssl_private_key: $k}' > "$dir/bring"
check 'a certificate is brought' pending "$(operator /tenants/acme/domains "@$dir/bring" | jq -r .status)"
check 'and sealed' '2026-01 1' "$(seals)"

at_certificates() { check 'all is sealed under the new one' '2026-07 1' "$(seals)"; }
API=$BASE OP=$(cat "$KEYFILE") CONF=$dir/etc RELOAD=reload RESTART=restart CONTROLCORED=$bin
run how-to/rotate.md

code() { curl -sS -m 10 -o "$dir/body" -w '%{http_code}' "$BASE/policies" -H "Authorization: Bearer $1"; }
check 'the new key is taken' 200 "$(code "$NEXT")"
check 'the old one is not' 401 "$(code "$(jq -r .key "$dir/app")")"
restart
check 'every node ended well' ' 0 0 0' "$ended"
check 'another start finds the passwords as they are' 200 "$(code "$NEXT")"
end_page
