# SPDX-License-Identifier: Apache-2.0
# What the walkthroughs share: comparisons, calls, a daemon and certificates of their own. Sourced.

tests=0
failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/cc-walk.XXXXXX")
chmod 755 "$dir"
daemon=
helpers=

cleanup() {
	for pid in $helpers; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null
		wait "$daemon" 2>/dev/null
	fi
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

note() { printf '# %s\n' "$*"; }

check() { # check DESCRIPTION EXPECTED FOUND
	tests=$((tests + 1))
	if [ "$2" = "$3" ]; then
		printf 'ok %d - %s\n' "$tests" "$1"
	else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n#   expected: %s\n#   found:    %s\n' "$tests" "$1" "$2" "$3"
	fi
}

check_like() { # check_like DESCRIPTION REGEX FOUND
	tests=$((tests + 1))
	if printf '%s' "$3" | grep -Eq "^($2)\$"; then
		printf 'ok %d - %s\n' "$tests" "$1"
	else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n#   expected to match: %s\n#   found: %s\n' "$tests" "$1" "$2" "$3"
	fi
}

# check_shape DESCRIPTION EXAMPLE: the answer has every member that the example of the specification shows, in its
# place and of its kind, and each text that is a time there is one here. Members of `by_endpoint` are data.
check_shape() {
	tests=$((tests + 1))
	lacks=$(printf '%s' "$2" | jq -c --slurpfile is "$dir/body" '
		def kind: if type == "string" and test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$") then "time" else type end;
		[paths as $p | select($p | index("by_endpoint") == null or .[-1] == "by_endpoint")
			| {path: ($p | map(tostring) | join(".")), wants: (getpath($p) | kind),
			   is: ($is[0] | try getpath($p) catch null | kind)}
			| select(.wants != .is)]' 2>"$dir/err") || lacks=$(cat "$dir/err")
	if [ "$lacks" = '[]' ]; then
		printf 'ok %d - %s\n' "$tests" "$1"
	else
		failed=$((failed + 1))
		printf 'not ok %d - %s\n#   differs: %s\n' "$tests" "$1" "$lacks"
	fi
}

field() { jq -c -r "$1" "$dir/body" 2>/dev/null; }
header() { tr -d '\r' < "$dir/head" | sed -n "s/^$1: //Ip" | head -n 1; }

# call STATUS METHOD PATH [curl arguments…]: the answer's body is in $dir/body, its headers in $dir/head.
call() {
	want=$1 method=$2 path=$3
	shift 3
	got=$(curl -sS -m 30 -o "$dir/body" -D "$dir/head" -w '%{http_code}' -X "$method" "$BASE$path" "$@" \
		2>"$dir/err") || note "curl: $(cat "$dir/err")"
	check "$method $path answers $want" "$want" "$got"
}

auth() { printf 'Authorization: Bearer %s' "$1"; }
JSON='Content-Type: application/json'
TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'

start_daemon() { # start_daemon [further options of serve]; on $LISTEN
	bin=${CC_BIN:-build/release/controlcored}
	"$bin" serve --embedded "$dir/var" --listen "${LISTEN:-127.0.0.1:0}" "$@" > "$dir/out" 2> "$dir/log" &
	daemon=$!
	i=0
	while [ $i -lt 900 ]; do
		BASE=$(sed -n 's|.*\(http://127\.0\.0\.1:[0-9]*/api/v1\).*|\1|p' "$dir/out" | head -n 1)
		[ -n "$BASE" ] && curl -sf -m 2 -o /dev/null "${BASE%/api/v1}/readyz" && break
		kill -0 "$daemon" 2>/dev/null || {
			note "the daemon ended: $(tail -n 3 "$dir/log")"
			exit 1
		}
		sleep 0.1
		i=$((i + 1))
	done
	[ -n "$BASE" ] || {
		note 'the daemon did not become ready'
		exit 1
	}
	KEYFILE=$dir/var/operator.key
}

free_port() { # one that nobody has right now
	port=$((20000 + ($$ * 7 + ${1:-0}) % 20000))
	while ss -Hltun "sport = :$port" 2>/dev/null | grep -q .; do port=$((port + 1)); done
	echo "$port"
}

ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
make_root() { # the authority that certify() signs by: $dir/root.pem
	# shellcheck disable=SC2086
	openssl req -x509 $ec -keyout "$dir/root.key" -out "$dir/root.pem" -days 30 -subj '/CN=Walkthrough Root' 2>/dev/null
}

certify() { # certify FILE NAME…: FILE.pem and FILE.key, good for these names
	file=$1
	shift
	names=
	for name; do names="$names${names:+,}DNS:$name"; done
	# shellcheck disable=SC2086
	openssl req $ec -keyout "$file.key" -out "$file.csr" -subj "/CN=$1" 2>/dev/null
	printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n' \
		"$names" > "$file.ext"
	openssl x509 -req -in "$file.csr" -CA "$dir/root.pem" -CAkey "$dir/root.key" -CAcreateserial -days 20 \
		-extfile "$file.ext" -out "$file.pem" 2>/dev/null
}
serial_of() { openssl x509 -in "$1" -noout -serial; }
