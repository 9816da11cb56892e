#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packages.sh build|servers|run|test|bench|lint: installs the Debian packages that are missing for one purpose (Debian
# 12 and 13; root or sudo). PostgreSQL and Redis come as programs only: no cluster is created, no service is started.
# CC_SKIP_PACKAGES=1: everything is there already, look at nothing.
set -eu

build='build-essential cmake ninja-build pkg-config libmicrohttpd-dev libgnutls28-dev libjansson-dev libpq-dev libhiredis-dev
	libssl-dev libconfig-dev libcurl4-openssl-dev libc-ares-dev libidn2-dev libpsl-dev libarchive-dev libexpat1-dev
	libsystemd-dev zlib1g-dev liblzma-dev file publicsuffix'
servers='postgresql redis-server'
run="$build $servers"
# Node.js may be there from elsewhere, with an npm of its own that Debian's would push out.
node='nodejs npm'
if command -v node >/dev/null && command -v npm >/dev/null; then node=; fi
# Two servers of S3 that check signatures: OpenStack Swift, and the gateway of Ceph.
s3='swift-proxy swift-account swift-container swift-object memcached ceph-mon ceph-osd ceph-common radosgw'
test="$run $s3 libcmocka-dev jq curl openssl ca-certificates strace procps iproute2 dnsmasq-base libxml2-utils haproxy nginx
	groff-base dpkg-dev systemd mmdebstrap buildah podman runc docker-compose
	prometheus knot bind9-dnsutils xxd
	$node"
bench="$run curl ca-certificates procps wrk"
lint="$test clang clang-tidy cppcheck"

case ${1:-} in
build) wanted=$build ;;
servers) wanted=$servers ;;
run) wanted=$run ;;
test) wanted=$test ;;
bench) wanted=$bench ;;
lint) wanted=$lint ;;
*)
	echo "usage: cmake/packages.sh build|servers|run|test|bench|lint" >&2
	exit 2 ;;
esac
[ "${CC_SKIP_PACKAGES:-0}" != 1 ] || exit 0

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "packages: this is no Debian. Install the like of these, then set CC_SKIP_PACKAGES=1:" >&2
	echo $wanted >&2
	exit 1
fi

installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $wanted; do
	installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "packages: missing:$missing" >&2
		echo "packages: install them as root, or run this as root or where sudo is installed" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "packages: installing$missing"

apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
kept=$(mktemp -d)

# Both files become again what they were, whatever happens in between.
restore() {
	if [ -e "$kept/policy-set" ]; then
		$sudo rm -f "$policy"
		[ ! -e "$kept/policy-was" ] || $sudo mv "$policy.controlcored" "$policy"
	fi
	[ ! -e "$kept/clusters" ] || $sudo cp -p "$kept/clusters" "$clusters"
	$sudo rm -rf "$kept"
}
trap restore EXIT
trap 'exit 1' HUP INT TERM

# 101: "action forbidden by policy"; invoke-rc.d and deb-systemd-invoke ask this before they start a service.
forbid_services() {
	if [ -e "$policy" ] || [ -L "$policy" ]; then
		$sudo mv "$policy" "$policy.controlcored"
		: >"$kept/policy-was"
	fi
	: >"$kept/policy-set"
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
}

# postgresql-common has the setting and comes first; only then the package that would create a cluster.
forbid_clusters() {
	installed postgresql-common || apt install -y --no-install-recommends postgresql-common
	$sudo cp -p "$clusters" "$kept/clusters"
	printf 'create_main_cluster = false\n' | $sudo tee "$clusters" >/dev/null
}

new_services= new_packages=
for service in redis-server haproxy nginx prometheus knot memcached radosgw; do
	case " $missing " in
	*" $service "*) new_services="$new_services $service" ;;
	esac
done
for package in swift-proxy swift-account swift-container swift-object; do
	case " $missing " in
	*" $package "*) new_packages="$new_packages $package" ;;
	esac
done
apt update
forbid_services
case " $missing " in
*" postgresql "*) forbid_clusters ;;
esac
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing
# A package of Swift is several services.
for package in $new_packages; do
	for script in $(dpkg-query -L "$package" | sed -n 's|^/etc/init\.d/||p'); do
		new_services="$new_services $script"
	done
done
# Nor does the next boot start what we only wanted the program of.
for service in $new_services; do
	$sudo update-rc.d "$service" disable >/dev/null 2>&1 || :
done
