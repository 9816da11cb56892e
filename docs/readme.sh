#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands of README.md, typed as they stand there, with other ports and folders. What it shows as the
# answer is compared with the answer; ids, keys and times differ.
set -u
. "$(dirname "$0")/walkthrough.lib.sh"
. "$(dirname "$0")/pages.lib.sh"

start_daemon
page_split "$docs/README.md" 'Five minutes'
sed -i -e "s|http://127.0.0.1:8082/api/v1|$BASE|; s|var/operator.key|$KEYFILE|" "$dir"/*.sh
run_blocks 7

# Servers of one's own: those that run already, with databases that are new.
conf=$dir/controlcored.conf
servers=$(sed -n 's|.*"socket":"\([^"]*\)/admin.sock".*|\1|p' "$dir/log")
mkdir "$dir/bin" "$dir/store"
ln -s "$(realpath "$bin")" "$dir/bin/controlcored"
PATH=$dir/bin:$PATH
export CONTROLCORE_CONTROL_CONNINFO="host=$servers dbname=readme_control"
export CONTROLCORE_CONTROL_ADMIN_CONNINFO="host=$servers dbname=postgres user=postgres"
for region in US_EAST_1 EU_WEST_1 AP_SOUTHEAST_1; do
	export "CONTROLCORE_REGIONS_${region}_CONNINFO=host=$servers dbname=readme_$region"
done
export CONTROLCORE_REDIS_ADDRESS="unix:$servers/redis.sock" CONTROLCORE_REDIS_DATABASE=1
export CONTROLCORE_STORE_FOLDER="$dir/store" CONTROLCORE_SERVER_PORT=0 CONTROLCORE_SERVER_PORT_FILE="$dir/port"
for secret in PEPPER AUDIT_KEY SIGNING_KEY; do
	export "CONTROLCORE_SECRETS_$secret=a secret for this page, of 32 bytes or more"
done
rm -f "$dir"/[0-9]*.*
page_split "$docs/README.md" Configuration
# The last of them goes on; the key is where the page has it.
sed -i -e "s|/etc/controlcored/controlcored.conf|$conf|; s|--output operator.key|--output $dir/own.key|" \
	-e "s|^\(controlcored serve .*\)|\1 2>$dir/own.log \&|" "$dir"/*.sh
run_blocks 1
helpers="$helpers $!"
i=0
while [ $i -lt 300 ] && ! [ -s "$dir/port" ]; do
	sleep 0.1
	i=$((i + 1))
done
[ -s "$dir/port" ] && [ -s "$dir/own.key" ] || sed 's/^/# | /' "$dir/err" "$dir/own.log"
BASE=http://127.0.0.1:$(cat "$dir/port")/api/v1
call 200 GET /tenants -H "$(auth "$(cat "$dir/own.key")")"
check 'the service of the page has no tenant yet' 0 "$(field .total)"

# Packages and a build are not for a test; what they end in is what was started above.
check 'make run serves from that folder, at that port' \
	'exec build/release/controlcored serve --embedded /srv/cc --listen 127.0.0.1:9000' \
	"$(make -n -C "$docs" run PORT=9000 VAR=/srv/cc | grep 'serve --embedded')"
end_page
