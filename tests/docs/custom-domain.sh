#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With the DNS of acme.com on loopback, and an authority that the daemon trusts.
. "${CC_SOURCE_DIR:-.}/tests/docs/lib.sh"
port=$(free_port 1)
serve_dns() { # serve_dns [records]: these and no others from now on
	[ -z "$helpers" ] || { kill "$helpers"; wait "$helpers"; }
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --local=/acme.com/ \
		--local=/controlcore.io/ --listen-address=127.0.0.1 --bind-interfaces --port="$port" --pid-file= --user= \
		--log-facility="$dir/dns.log" "$@" &
	helpers=$!
	i=0
	while [ $i -lt 100 ] && ! ss -Hlun "sport = :$port" | grep -q .; do
		sleep 0.05
		i=$((i + 1))
	done
} 2> /dev/null
make_root
certify "$dir/site" policies.acme.com
export CONTROLCORE_DOMAINS_RESOLVERS="127.0.0.1:$port" CONTROLCORE_DOMAINS_TRUST_STORE="$dir/root.pem"
serve_dns
start_daemon
acme domains:read domains:write
at_prove_it() {
	serve_dns "--txt-record=_control-core-verification.$DOMAIN,$TOKEN" "--cname=$DOMAIN,acme.controlcore.io" \
		--host-record=acme.controlcore.io,127.0.0.1
}
API=$BASE CHAIN=$dir/site.pem PRIVATE=$dir/site.key
run how-to/custom-domain.md
end_page
