#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where there is an opa it runs by the configuration of the page; else what it would do is done by hand, but for the
# evaluation of policies.
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
start_daemon
acme tenant:read api_keys:write policies:read policies:write bouncers:read bouncers:write bouncers:connect
API=$BASE
run how-to/bouncer-opa.md
cd "$dir" || exit 1

note 'the bundle is signed with the key that OPA was given'
tar -xzOf bundle.tar.gz .signatures.json | jq -r '.signatures[0]' > jwt
cut -d . -f 3 jwt | tr '_-' '/+' | awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d > raw
half() { xxd -p -c 64 raw | cut -c "$1" | sed 's/^\(00\)*//; s/^[89a-f]/00&/'; }
long() { printf '%02x' $((${#1} / 2)); }
r=$(half 1-64) s=$(half 65-128)
both="02$(long "$r")${r}02$(long "$s")$s"
printf '30%s%s' "$(long "$both")" "$both" | xxd -r -p > der
cut -d . -f 1-2 jwt | tr -d '\n' > signed
check 'as openssl finds' 'Verified OK' "$(openssl dgst -sha256 -verify bundle-key.pem -signature der signed 2>&1)"
check 'every file is what was signed' '' "$(cut -d . -f 2 jwt | tr '_-' '/+' |
	awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d | jq -r '.files[] | "\(.hash)  \(.name)"' |
	while read -r hash name; do
		tar -xzOf bundle.tar.gz "$name" > file
		[ "$name" = .manifest ] || [ "$name" = data.json ] || echo "$hash  file" | sha256sum -c --quiet 2>&1
	done)"

if command -v opa > "$dir/found"; then
	port=$(free_port 7)
	opa run --server --addr "127.0.0.1:$port" --config-file opa.yaml > "$dir/opa.log" 2>&1 &
	helpers=$!
	decide() { # decide ACTION: what OPA says of it
		curl -sS -m 5 "http://127.0.0.1:$port/v1/data/app/users/allow" -H 'Content-Type: application/json' \
			-d '{"input": {"action": "'"$1"'", "user": {"roles": ["staff"]}}}' 2> "$dir/err" | jq -r .result
	}
	i=0
	while [ $i -lt 100 ] && [ "$(decide read)" != true ]; do
		sleep 0.1
		i=$((i + 1))
	done
	check 'OPA lets staff read' true "$(decide read)"
	check 'and nothing else' false "$(decide write)"
else
	note 'no opa here: its configuration was not run'
fi
cd "$source" || exit 1
end_page
