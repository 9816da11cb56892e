#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The image, built as the Dockerfile says and run as docs/deploy/compose.yaml does, by buildah and podman: two nodes
# with a read-only root and no privileges, on the PostgreSQL, Redis and HAProxy of this machine instead of those of
# other images. Needs root and Debian's mirror, and no Docker engine.
. "$(dirname "$0")/../check/lib.sh"
PATH=$PATH:/usr/sbin
skip() {
	count=$((count + 1))
	echo "ok $count - image # SKIP $*"
	finish
}
[ "$(id -u)" -eq 0 ] || skip "an image is made and run by root"
for program in mmdebstrap buildah podman runc docker-compose haproxy redis-server; do
	command -v "$program" >/dev/null || skip "$program is not installed"
done
unshare --mount --pid --ipc --uts --fork --mount-proc mount -t tmpfs none /mnt 2>"$scratch/said" ||
	skip "no namespaces may be made here: $(tail -n 1 "$scratch/said")"
pg=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
chmod 711 "$scratch"
mkdir "$scratch/secrets" "$scratch/state" "$scratch/certs" "$scratch/pg"
began= database=

finish_servers() {
	: >"$scratch/enough"
	for node in one two full; do podman_ rm -f -t 0 $node; done
	# shellcheck disable=SC2086
	[ -z "$began" ] || kill -TERM $began
	[ -z "$database" ] || kill -INT "$database"
	wait
	buildah_ rm -a
	awk -v under="$scratch/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		xargs -r umount -l
	rmdir /sys/fs/cgroup/libpod_parent/conmon /sys/fs/cgroup/*/libpod_parent/conmon
	rmdir /sys/fs/cgroup/libpod_parent /sys/fs/cgroup/*/libpod_parent /run/runc
	rm -rf "$scratch"
} >/dev/null 2>&1
trap finish_servers EXIT

# A store of images that nobody else sees, and nothing but plain copies in it.
store="--root $scratch/images --runroot $scratch/run --storage-driver vfs"
cat >"$scratch/containers.conf" <<END
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "$scratch/tmp"
END
export CONTAINERS_CONF="$scratch/containers.conf" TMPDIR="$scratch"
# shellcheck disable=SC2086
buildah_() { buildah $store "$@"; }
# shellcheck disable=SC2086
podman_() { podman $store "$@"; }
build() { buildah_ bud --isolation chroot --network host --pull-never --format docker "$@"; }

# confined WHAT… (of podman run): as compose.yaml does; podman's own folders to write in are none of Docker's.
confined() {
	podman_ run --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
		--ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --no-healthcheck "$@"
}

# expect WHAT EXPECTED FOUND
expect() {
	: >"$scratch/out"
	[ "$2" = "$3" ] || printf 'expected: %s\nfound:    %s\n' "$2" "$3" >"$scratch/out"
	verdict "$1" "$scratch/out"
}
# works WHAT COMMAND…: its status is 0; what it says is kept in $scratch/said.
works() {
	what=$1
	shift
	: >"$scratch/out"
	"$@" >"$scratch/said" 2>&1 || tail -n 40 "$scratch/said" >"$scratch/out"
	verdict "$what" "$scratch/out"
}
give_up() { [ "$bad" -eq 0 ] || finish; }

# --- Built ----------------------------------------------------------------------------------------------

release=$(sed -n 's/^ARG DEBIAN=//p' Dockerfile)
# What the slim images of Debian leave out. The hook stands for usrmerge, which would bring all of Perl.
works "a slim Debian is made" mmdebstrap --variant=minbase --quiet --skip=check/qemu \
	--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
	--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*' \
	"$release" "$scratch/slim.tar"
works "and imported" podman_ import "$scratch/slim.tar" "docker.io/library/debian:$release-slim"
give_up
rm "$scratch/slim.tar"
confined --rm --network none "debian:$release-slim" true >"$scratch/said" 2>&1 ||
	skip "no container runs here: $(tail -n 1 "$scratch/said")"
works "the Dockerfile is built" build --target controlcored -t controlcored .
give_up

of_image() { podman_ image inspect --format "$1" localhost/controlcored; }
size=$(of_image '{{.Size}}')
echo "# the image has $((size / 1000000)) MB"
expect "it has at most 120 MB" yes "$([ "$size" -le 120000000 ] && echo yes)"
expect "it runs as a user without rights" 10001:10001 "$(of_image '{{.Config.User}}')"
expect "SIGTERM stops it" SIGTERM "$(of_image '{{.Config.StopSignal}}')"
health=$(of_image '{{range $i, $w := .HealthCheck.Test}}{{if $i}}{{$w}} {{end}}{{end}}')
expect "its health is looked at" "/usr/bin/healthy " "$health"

# --- What it depends on ---------------------------------------------------------------------------------

free_port() {
	port=$((20000 + ($$ * 11 + $1) % 20000))
	while ss -Hltn "sport = :$port" | grep -q .; do port=$((port + 1)); done
	echo "$port"
}
pg_port=$(free_port 1) redis_port=$(free_port 2) web=$(free_port 3) one=$(free_port 4) two=$(free_port 5)
for secret in pepper audit_key signing_key role_secret kek_first postgres; do
	openssl rand -hex 32 | tr -d '\n' >"$scratch/secrets/$secret"
done
echo "host=127.0.0.1 port=$pg_port dbname=postgres user=postgres password=$(cat "$scratch/secrets/postgres")" \
	>"$scratch/secrets/admin_conninfo"
cp "$scratch/secrets/postgres" "$scratch/pg/password"
chown -R postgres "$scratch/pg"
chown -R 10001:10001 "$scratch/secrets"
chmod 0400 "$scratch"/secrets/*

works "PostgreSQL is made" setpriv --reuid postgres --regid postgres --clear-groups \
	"$pg/initdb" -D "$scratch/pg/data" -U postgres --no-sync -A scram-sha-256 --pwfile "$scratch/pg/password"
setpriv --reuid postgres --regid postgres --clear-groups "$pg/postgres" -D "$scratch/pg/data" -p "$pg_port" \
	-k "$scratch/pg" -c listen_addresses=127.0.0.1 -c max_connections=300 >"$scratch/pg.log" 2>&1 &
database=$!
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --dir "$scratch" >"$scratch/redis.log" 2>&1 &
began=$!

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=controlcore.io \
	-addext 'subjectAltName=DNS:controlcore.io,DNS:*.controlcore.io' \
	-keyout "$scratch/key.pem" -out "$scratch/root.pem" 2>/dev/null
cat "$scratch/root.pem" "$scratch/key.pem" >"$scratch/certs/site.pem"
sed -e "s|bind :8443 |bind 127.0.0.1:$web |; s|/usr/local/etc/haproxy/certs|$scratch/certs|" \
	-e "s|172.30.82.11:8082|127.0.0.1:$one|; s|172.30.82.12:8082|127.0.0.1:$two|; s|log stdout|log $scratch/none|" \
	docs/deploy/compose/haproxy.cfg >"$scratch/haproxy.cfg"

# --- Run ------------------------------------------------------------------------------------------------

# The environment of a node, as compose.yaml has it, with the addresses of this machine.
sed -n 's/^    \(CONTROLCORE_[A-Z0-9_]*\): "\(.*\)"$/\1=\2/p' docs/deploy/compose.yaml |
	sed -e "s|host=postgres |host=127.0.0.1 port=$pg_port |; s|redis:6379|127.0.0.1:$redis_port|" \
		-e 's|172\.30\.82\.2$|127.0.0.1|' >"$scratch/env"
grace=$(sed -n 's/^  stop_grace_period: \([0-9]*\)s$/\1/p' docs/deploy/compose.yaml)

node() { # node NAME PORT
	# A folder of 10001's stands for the tmpfs, whose owner podman cannot set.
	install -d -m 0700 -o 10001 -g 10001 "$scratch/run-$1" "$scratch/state/$1"
	confined -d --name "$1" --network host --stop-timeout "$grace" --env-file "$scratch/env" \
		--env "CONTROLCORE_SERVER_PORT=$2" -v "$scratch/secrets:/run/secrets:ro" \
		-v "$scratch/run-$1:/run/controlcored" -v "$scratch/state/$1:/var/lib/controlcored" localhost/controlcored
}
healthy() { # healthy NAME: within a minute
	i=0
	# shellcheck disable=SC2086
	while ! podman_ exec "$1" $health >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 120 ] || { podman_ logs "$1" 2>&1 | tail -n 5; return 1; }
		sleep 0.5
	done
}
works "compose.yaml has the form that Compose wants" docker-compose -f docs/deploy/compose.yaml config -q
config_check() {
	confined --rm --network none --env-file "$scratch/env" -v "$scratch/secrets:/run/secrets:ro" \
		localhost/controlcored config check
}
works "the settings of compose.yaml are valid" config_check
works "a node starts" node one "$one"
works "it is healthy" healthy one
works "so does another" node two "$two"
works "it is healthy, too" healthy two
give_up
expect "what is not running is not healthy" 1 \
	"$(podman_ exec --env CONTROLCORE_SERVER_PORT=1 one /usr/bin/healthy >/dev/null 2>&1; echo $?)"
expect "it is who it should be" 10001 "$(podman_ exec one id -u)"
expect "and has no privilege" 0000000000000000 "$(podman_ exec one sed -n 's/^CapEff:\t//p' /proc/1/status)"
expect "its root is not to be written" "" \
	"$(podman_ exec one sh -c 'for d in / /etc /usr /run /tmp /var/tmp; do touch $d/x && echo $d; done' 2>/dev/null)"
expect "its journal is where it was told" yes "$([ -n "$(ls "$scratch/state/one")" ] && echo yes)"
: >"$scratch/out"
pid=$(podman_ inspect --format '{{.State.Pid}}' one)
tr '\0' '\n' <"/proc/$pid/environ" >"$scratch/environ"
tr '\0' '\n' <"/proc/$pid/cmdline" >>"$scratch/environ"
expect "its environment is seen" 1 "$(grep -c '^CONTROLCORE_REDIS_ADDRESS=' "$scratch/environ")"
for secret in "$scratch"/secrets/*; do sed 's/.*password=//' "$secret"; echo; done | grep . >"$scratch/canaries"
grep -F -f "$scratch/canaries" "$scratch/environ" >"$scratch/out"
verdict "and no secret in it" "$scratch/out"

haproxy -db -f "$scratch/haproxy.cfg" >"$scratch/haproxy.log" 2>&1 &
began="$began $!"
ask() { # ask HOST PATH [curl's arguments…]: the status; the body is in $scratch/body
	url=https://$1$2
	shift 2
	curl -sS -m 20 --cacert "$scratch/root.pem" --connect-to "::127.0.0.1:$web" -o "$scratch/body" \
		-w '%{http_code}' "$@" "$url" 2>"$scratch/curl"
}
i=0
while [ "$(ask controlcore.io /readyz)" != 200 ] && [ $i -lt 100 ]; do
	i=$((i + 1))
	sleep 0.1
done
expect "HAProxy finds them ready" 200 "$(ask controlcore.io /readyz)"
# Shown on a terminal only, as Compose gives one.
works "an operator's key is made" podman_ exec -t one controlcored operator-key create --name first
OP=$(grep -o 'cc_op_[0-9A-Za-z]*' "$scratch/said")
json='Content-Type: application/json'
expect "a tenant is made" 201 "$(ask controlcore.io /api/v1/tenants \
	-H "Authorization: Bearer $OP" -H "$json" -d '{"name": "Acme", "domain": "acme.controlcore.io",
	"plan_type": "pro", "region": "us-east-1"}')"
expect "and a key for it" 201 "$(ask controlcore.io /api/v1/tenants/acme/api-keys -H "Authorization: Bearer $OP" -H "$json" \
	-d '{"name": "k", "scopes": ["policies:read", "policies:write"]}')"
K=$(jq -r .key "$scratch/body")
expect "a key in the clear is refused" 403 "$(curl -sS -m 20 -o /dev/null -w '%{http_code}' \
	-H 'X-Forwarded-Proto: http' -H "Authorization: Bearer $K" "http://127.0.0.1:$one/api/v1/policies")"

# --- One of them leaves ---------------------------------------------------------------------------------

asked() { # asks without end, each time on a connection of its own
	while [ ! -e "$scratch/enough" ]; do echo "$(ask acme.controlcore.io /api/v1/policies -H "Authorization: Bearer $K")"; done
}
asked >"$scratch/load" &
load=$!
works "a node is stopped" podman_ stop one
expect "it ends by itself, with status 0" "0 false" "$(podman_ inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' one)"
: >"$scratch/enough"
wait $load
grep -v '^200$' "$scratch/load" | sort | uniq -c >"$scratch/out"
verdict "nobody noticed" "$scratch/out"
echo "# $(grep -c '^200$' "$scratch/load") requests were answered meanwhile"
expect "somebody asked" yes "$(grep -q 200 "$scratch/load" && echo yes)"
podman_ logs two >"$scratch/two.log" 2>&1
podman_ stop two >/dev/null 2>&1
expect "so does the other" 0 "$(podman_ inspect --format '{{.State.ExitCode}}' two)"

# --- All in one -----------------------------------------------------------------------------------------

# Upon the image that there is already: what is before the stage in the Dockerfile is not made again.
sed -n '/^FROM controlcored AS full$/,/^CMD /p' Dockerfile | sed '1s/.*/FROM localhost\/controlcored/' >"$scratch/full"
works "the target full is built" build -f "$scratch/full" -t full .
full=$(free_port 6)
install -d -m 0700 -o 10001 -g 10001 "$scratch/state/full"
works "it starts" confined -d --name full --network host --tmpfs /tmp --shm-size 256m --stop-timeout 60 \
	-v "$scratch/state/full:/var/lib/controlcored" --env "CONTROLCORE_SERVER_PORT=$full" localhost/full
works "it is healthy" healthy full
KEY=$(podman_ exec full cat /var/lib/controlcored/operator.key)
expect "its operator may ask" 200 "$(curl -sS -m 20 -o "$scratch/body" -w '%{http_code}' -H "Authorization: Bearer $KEY" \
	"http://127.0.0.1:$full/api/v1/tenants")"
podman_ stop full >/dev/null 2>&1
expect "it ends by itself, with status 0" 0 "$(podman_ inspect --format '{{.State.ExitCode}}' full)"
finish
