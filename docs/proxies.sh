#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The configurations of docs/deploy as they stand there, with other addresses, ports and folders: HAProxy ends
# TLS, HAProxy passes it on, nginx ends it. A client comes as 127.0.0.9 and lies about it.
#
#   docs/proxies.sh
set -u
. "$(dirname "$0")/walkthrough.lib.sh"
deploy=$(dirname "$0")/deploy
PATH=$PATH:/usr/sbin

for program in haproxy nginx; do
	command -v "$program" > "$dir/found" || {
		echo "1..0 # SKIP $program is not installed"
		exit 0
	}
done

web=$(free_port 1)
clear=$(free_port 2)
passed=$(free_port 3)
nginx_web=$(free_port 4)
nginx_clear=$(free_port 5)
CLIENT=127.0.0.9

# --- Everybody, on loopback -----------------------------------------------------------------------------

make_root
certify "$dir/platform" controlcore.io '*.controlcore.io'
mkdir "$dir/certs" "$dir/nginx"
cat "$dir/platform.pem" "$dir/platform.key" > "$dir/certs/platform.pem"

export CONTROLCORE_SERVER_TRUSTED_PROXIES=127.0.0.1 CONTROLCORE_TLS_PROXY_PROTOCOL=true
export CONTROLCORE_TLS_CERTIFICATES="$dir/platform.pem" CONTROLCORE_TLS_KEYS="$dir/platform.key"
export CONTROLCORE_TLS_PORT_FILE="$dir/tls-port"
# Not loopback alone: what is said in the clear counts as such.
LISTEN=0.0.0.0:0
start_daemon --tls-listen 127.0.0.1:0
PORT=${BASE##*:}
PORT=${PORT%%/*}
OP=$(cat "$KEYFILE")

sed -e "s|bind :443 |bind 127.0.0.1:$web |; s|/etc/haproxy/certs|$dir/certs|; s|bind :80\$|bind 127.0.0.1:$clear|" \
	-e "s|bind :8443\$|bind 127.0.0.1:$passed|; s|10.0.0.5:8082|127.0.0.1:$PORT|; s|port 8082|port $PORT|" \
	-e "s|10.0.0.5:8443|127.0.0.1:$(cat "$dir/tls-port")|; s|log stdout|log $dir/none|" \
	"$deploy/haproxy.cfg" > "$dir/haproxy.cfg"
sed -e "s|listen 443 |listen 127.0.0.1:$nginx_web |; s|listen 80 |listen 127.0.0.1:$nginx_clear |" \
	-e "s|10.0.0.5:8082|127.0.0.1:$PORT|; s|/etc/nginx/certs/wildcard|$dir/platform|" \
	-e "s|^http {|pid $dir/nginx/pid; daemon off; error_log $dir/nginx/error.log;\nhttp {|" \
	-e "s|access_log off;|access_log off; client_body_temp_path $dir/nginx; proxy_temp_path $dir/nginx;|" \
	"$deploy/nginx.conf" > "$dir/nginx.conf"

check 'HAProxy takes its configuration' 0 "$(haproxy -c -q -f "$dir/haproxy.cfg" > "$dir/said" 2>&1; echo $?)"
check 'nginx takes its configuration' 0 \
	"$(nginx -t -q -e "$dir/nginx/error.log" -c "$dir/nginx.conf" > "$dir/said" 2>&1; echo $?)"
haproxy -db -f "$dir/haproxy.cfg" > "$dir/haproxy.log" 2>&1 &
helpers=$!
nginx -e "$dir/nginx/error.log" -c "$dir/nginx.conf" > "$dir/nginx.log" 2>&1 &
helpers="$helpers $!"

# through PORT URL [curl's arguments…]: says the status, or curl's own failure.
through() {
	port=$1 url=$2
	shift 2
	curl -sS -m 20 --interface "$CLIENT" --cacert "$dir/root.pem" --connect-to "::127.0.0.1:$port" \
		-o "$dir/body" -D "$dir/head" -w '%{http_code}' "$@" "$url" 2> "$dir/err" || printf ' curl %s' "$?"
}
wait_for() { # wait_for PORT: a proxy that has found the daemon ready
	i=0
	while [ $i -lt 200 ] && [ "$(through "$1" https://acme.controlcore.io/readyz)" != 200 ]; do
		sleep 0.1
		i=$((i + 1))
	done
}
for port in "$web" "$passed" "$nginx_web"; do wait_for "$port"; done

# --- A tenant, and a key for one address ----------------------------------------------------------------

API=https://controlcore.io/api/v1
HOME_API=https://acme.controlcore.io/api/v1
check 'a tenant is made through HAProxy' 201 "$(through "$web" $API/tenants -H "$(auth "$OP")" -H "$JSON" -d '{
	"name": "Acme Corporation", "domain": "acme.controlcore.io", "plan_type": "pro", "region": "us-east-1"}')"
check 'and a key for one address alone' 201 "$(through "$web" $API/tenants/acme/api-keys -H "$(auth "$OP")" \
	-H "$JSON" -d "{\"name\": \"proxied\", \"scopes\": [\"policies:read\"], \"allowed_cidrs\": [\"$CLIENT/32\"]}")"
KEY=$(field .key)

lies() { # a client that says it is somebody else, and came another way
	through "$@" -H "$(auth "$KEY")" -H 'X-Forwarded-For: 192.0.2.66' -H 'X-Forwarded-Proto: http' \
		-H 'Forwarded: for=192.0.2.66;proto=http'
}

# proxy NAME PORT
proxy() {
	note "$1"
	CLIENT=127.0.0.9
	check "$1: the client is who it is, whatever it says" 200 "$(lies "$2" $HOME_API/policies)"
	CLIENT=127.0.0.8
	check "$1: from elsewhere the key is refused" 403 "$(through "$2" $HOME_API/policies \
		-H "$(auth "$KEY")" -H 'X-Forwarded-For: 127.0.0.9' -H 'Forwarded: for=127.0.0.9')"
	CLIENT=127.0.0.9
	check "$1: another host than the handshake's" 421 \
		"$(through "$2" $HOME_API/policies -H 'Host: globex.controlcore.io' -H "$(auth "$KEY")")"
	check_like "$1: a name without a certificate" '000 curl (35|60)' "$(through "$2" https://policies.acme.com/)"
}

# in_the_clear NAME PORT
in_the_clear() {
	check "$1: a key in the clear is refused" 403 \
		"$(through "$2" http://acme.controlcore.io/api/v1/policies -H "$(auth "$KEY")")"
	check "$1: and not sent on" '' "$(header Location)"
	check "$1: a browser is sent to https" 308 \
		"$(through "$2" http://acme.controlcore.io/devdocs -H 'Accept: text/html')"
	check "$1: there" https://acme.controlcore.io/devdocs "$(header Location)"
	check "$1: but not with a key in what it asks for" 403 \
		"$(through "$2" 'http://acme.controlcore.io/devdocs?api_key=x' -H 'Accept: text/html')"
	check "$1: whatever that is called" 403 \
		"$(through "$2" "http://acme.controlcore.io/devdocs?a=$KEY" -H 'Accept: text/html')"
	check "$1: nor with what it would send" 403 \
		"$(through "$2" http://acme.controlcore.io/devdocs -H 'Accept: text/html' -d x)"
	check_like "$1: nor to hosts of others" '403|421' \
		"$(through "$2" http://controlcore.io.example.com/ -H 'Accept: text/html')"
	check "$1: whether it lives is told to anybody" 200 "$(through "$2" http://localhost/livez)"
}

proxy 'HAProxy ends TLS' "$web"
in_the_clear 'HAProxy' "$clear"
proxy 'HAProxy passes TLS on' "$passed"
proxy 'nginx ends TLS' "$nginx_web"
in_the_clear 'nginx' "$nginx_clear"

printf '1..%d\n' "$tests"
[ "$failed" -eq 0 ]
