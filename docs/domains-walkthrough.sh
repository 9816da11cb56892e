#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A domain of a tenant from its claim to its end, with real DNS (dnsmasq), real TLS (openssl, curl) and the real
# program, all on loopback: see it wait with reasons, prove it, bring a certificate, replace it under load,
# take it away.
#
#   docs/domains-walkthrough.sh
#
# Prints one `ok` or `not ok` line per comparison, and `1..N` at the end.
set -u
. "$(dirname "$0")/walkthrough.lib.sh"

DOMAIN=policies.acme.com
PATH=$PATH:/usr/sbin

# --- DNS and certificates of its own --------------------------------------------------------------------

dns=
dns_port=$(free_port 1)
serve_dns() { # serve_dns [dnsmasq's words for records…]: these and no others from now on
	[ -z "$dns" ] || { kill "$dns" 2>/dev/null; wait "$dns" 2>/dev/null; }
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--local=/acme.com/ --local=/controlcore.io/ --listen-address=127.0.0.1 \
		--bind-interfaces --port="$dns_port" --pid-file= --user= --log-facility="$dir/dns.log" "$@" &
	dns=$!
	helpers=$dns
	i=0
	while [ $i -lt 100 ] && ! ss -Hlun "sport = :$dns_port" | grep -q .; do
		sleep 0.05
		i=$((i + 1))
	done
}

make_root
certify "$dir/platform" controlcore.io '*.controlcore.io'
certify "$dir/first" "$DOMAIN"
certify "$dir/second" "$DOMAIN"

# --- The program ----------------------------------------------------------------------------------------

export CONTROLCORE_DOMAINS_RESOLVERS="127.0.0.1:$dns_port"
export CONTROLCORE_DOMAINS_TRUST_STORE="$dir/root.pem"
export CONTROLCORE_TLS_CERTIFICATES="$dir/platform.pem" CONTROLCORE_TLS_KEYS="$dir/platform.key"
export CONTROLCORE_TLS_PORT_FILE="$dir/tls-port"
serve_dns
start_daemon --tls-listen 127.0.0.1:0
TLS=$(cat "$dir/tls-port")
OP=$(cat "$KEYFILE")

# https HOST [curl's arguments…]: a request to it over TLS; says the status, or curl's own failure.
https() {
	host=$1
	shift
	curl -sS -m 20 --cacert "$dir/root.pem" --connect-to "::127.0.0.1:$TLS" -o "$dir/body" -D "$dir/head" \
		-w '%{http_code}' "$@" "https://$host/api/v1/policies" 2>"$dir/err" || { printf ' curl %s' "$?"; }
}
shown() { # the serial number of what a handshake for this name shows
	openssl s_client -connect "127.0.0.1:$TLS" -servername "$1" </dev/null 2>/dev/null |
		openssl x509 -noout -serial 2>/dev/null
}

tenant() { # tenant SLUG NAME
	call 201 POST /tenants -H "$(auth "$OP")" -H "$JSON" -d "{\"name\": \"$2\",
		\"domain\": \"$1.controlcore.io\", \"plan_type\": \"pro\", \"region\": \"us-east-1\"}"
	call 201 POST "/tenants/$1/api-keys" -H "$(auth "$OP")" -H "$JSON" -d '{"name": "walk",
		"scopes": ["domains:read", "domains:write", "policies:read", "tenant:read"]}'
}

note 'Two tenants on their subdomains, over TLS'
tenant acme 'Acme Corporation'
ACME=$(field .key)
tenant globex 'Globex'
GLOBEX=$(field .key)
check 'acme is served on its subdomain' 200 "$(https acme.controlcore.io -H "$(auth "$ACME")")"
check 'browsers shall come back over TLS' 'max-age=31536000' "$(header Strict-Transport-Security)"
check 'with the certificate of the platform' "$(serial_of "$dir/platform.pem")" "$(shown acme.controlcore.io)"
check "another tenant's key is refused there" 403 "$(https acme.controlcore.io -H "$(auth "$GLOBEX")")"

note 'A claim, which waits and says why'
call 201 POST /tenants/acme/domains -H "$(auth "$ACME")" -H "$JSON" -d "{\"domain\": \"$DOMAIN\"}"
check 'status' pending "$(field .status)"
check 'ssl_status' pending "$(field .ssl_status)"
TOKEN=$(field .dns_instructions.txt_record)
check_like 'the record that proves it' 'control-core-verification=[a-z2-7]{32}' "$TOKEN"
check 'its name' "_control-core-verification.$DOMAIN" "$(field .txt_name)"
call 409 POST "/tenants/acme/domains/$DOMAIN/verify" -H "$(auth "$ACME")"
check 'error' verification_failed "$(field .error)"
call 200 GET "/tenants/acme/domains/$DOMAIN" -H "$(auth "$ACME")"
check 'reason' record_missing "$(field .reason)"
check 'which resolver did not see it' "127.0.0.1:$dns_port" "$(field '.records[0].seen[0].resolver')"
check 'until then its handshake is refused' '000 curl 35' "$(https "$DOMAIN")"

note 'The records are published, and it is proven'
serve_dns "--txt-record=_control-core-verification.$DOMAIN,$TOKEN" "--cname=$DOMAIN,acme.controlcore.io" \
	--host-record=acme.controlcore.io,127.0.0.1
call 200 POST "/tenants/acme/domains/$DOMAIN/verify" -H "$(auth "$ACME")"
check 'status' verified "$(field .status)"
check 'without a certificate nothing else is shown instead' '000 curl 35' "$(https "$DOMAIN")"

bring() { # bring FILE
	jq -n --rawfile c "$1.pem" --rawfile k "$1.key" '{ssl_certificate: $c, ssl_private_key: $k}' > "$dir/bring"
	call 200 PUT "/tenants/acme/domains/$DOMAIN/certificate" -H "$(auth "$ACME")" -H "$JSON" -d "@$dir/bring"
}
await() { # await SERIAL: until it is what is shown, ten seconds at most
	i=0
	while [ $i -lt 100 ] && [ "$(shown "$DOMAIN")" != "$1" ]; do
		sleep 0.1
		i=$((i + 1))
	done
	check 'what a handshake shows' "$1" "$(shown "$DOMAIN")"
}

note 'It brings a certificate'
bring "$dir/first"
check 'ssl_status' active "$(field .ssl_status)"
await "$(serial_of "$dir/first.pem")"
check 'the tenant is served on its own domain' 200 "$(https "$DOMAIN" -H "$(auth "$ACME")")"
check "another tenant's key is refused there" 403 "$(https "$DOMAIN" -H "$(auth "$GLOBEX")")"
check 'a connection is good for its host alone' 421 \
	"$(https "$DOMAIN" -H "$(auth "$ACME")" -H 'Host: acme.controlcore.io')"
check 'error' misdirected_request "$(field .error)"

note 'It is replaced under load, and no request fails'
asker() { # asker N: asks on a connection of its own each time, until it is enough
	while [ ! -e "$dir/enough" ]; do
		curl -sS -m 20 --cacert "$dir/root.pem" --connect-to "::127.0.0.1:$TLS" -o /dev/null \
			-w '%{http_code}\n' -H "$(auth "$ACME")" "https://$DOMAIN/api/v1/policies" 2>&1
	done > "$dir/load.$1"
}
CLIENTS=8
load=
for n in $(seq $CLIENTS); do
	asker "$n" &
	load="$load $!"
done
for file in second first second; do
	bring "$dir/$file"
	await "$(serial_of "$dir/$file.pem")"
done
: > "$dir/enough"
# shellcheck disable=SC2086
wait $load
cat "$dir"/load.* > "$dir/load"
check 'requests that failed' 0 "$(grep -vc '^200$' "$dir/load")"
check 'clients that were served' "$CLIENTS" "$(grep -l '^200$' "$dir"/load.* | wc -l)"
note "$(grep -c '^200$' "$dir/load") requests of $CLIENTS clients, each on a connection of its own"

note 'It goes'
call 200 DELETE "/tenants/acme/domains/$DOMAIN" -H "$(auth "$ACME")"
await ''
check 'its handshake is refused' '000 curl 35' "$(https "$DOMAIN")"
check 'in the clear it is no host of anybody' 421 "$(curl -sS -m 20 -o "$dir/body" -w '%{http_code}' \
	-H "Host: $DOMAIN" -H "$(auth "$ACME")" "$BASE/policies")"
call 201 POST /tenants/acme/domains -H "$(auth "$ACME")" -H "$JSON" -d "{\"domain\": \"$DOMAIN\"}"
check 'who adds it again begins with a fresh record' fresh \
	"$([ "$(field .dns_instructions.txt_record)" != "$TOKEN" ] && echo fresh)"
call 409 POST "/tenants/acme/domains/$DOMAIN/verify" -H "$(auth "$ACME")"
check 'what was published before proves nothing' record_wrong "$(field '.details[0].error')"

printf '1..%d\n' "$tests"
[ "$failed" -eq 0 ]
