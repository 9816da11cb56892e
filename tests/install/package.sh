#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Debian package, in a root file system that has nothing else: installed, looked at, removed, purged. Needs root
# and Debian's mirror, as the packages of `make test` do.
. "$(dirname "$0")/../check/lib.sh"
if [ "$(id -u)" -ne 0 ] || ! command -v mmdebstrap >/dev/null; then
	echo "ok 1 - package # SKIP a root file system takes root and mmdebstrap"
	echo "1..1"
	exit 0
fi
(cd "${CC_BUILD_DIR:?}" && cpack -G DEB -B "$scratch/deb") >"$scratch/cpack" 2>&1 || cp "$scratch/cpack" "$scratch/out"
touch "$scratch/out"
verdict "cpack makes a package" "$scratch/out"
cp "$scratch"/deb/controlcored_*.deb "$scratch/controlcored.deb"

# Run inside: each line that it prints beside TAP is of apt.
cat >"$scratch/inside" <<'END'
set -u
n=0
check() {
	n=$((n + 1))
	if [ "$2" = "$3" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; echo "# expected: $2"; echo "# is: $3"; fi
}
export DEBIAN_FRONTEND=noninteractive
apt-get -q install -y --no-install-recommends /controlcored.deb >/apt.log 2>&1
check "apt installs it" 0 $?
check "the program runs" 0 "$(controlcored version >/dev/null 2>&1; echo $?)"
check "it has a user" controlcored "$(id -un controlcored 2>&1)"
check "secrets are root's alone" "700 root" "$(stat -c '%a %U' /etc/controlcored/secrets)"
check "four of them" "64 64 64 64" "$(cd /etc/controlcored/secrets && echo $(stat -c %s pepper audit_key signing_key role_secret))"
check "and not the same" 4 "$(cd /etc/controlcored/secrets && sort -u pepper audit_key signing_key role_secret | fold -w 64 | sort -u | grep -c .)"
check "nobody else reads them" "600 600 600 600" "$(cd /etc/controlcored/secrets && echo $(stat -c %a pepper audit_key signing_key role_secret))"
check "passwords in the settings are not everybody's" "640 root controlcored" "$(stat -c '%a %U %G' /etc/controlcored/controlcored.conf)"
check "the unit starts a program that is there" yes "$([ -x "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' /usr/lib/systemd/system/controlcored.service)" ] && echo yes)"
check "the settings are valid as they are" 0 "$(controlcored config check >/check.log 2>&1 || cat /check.log; echo $?)"
check "they name each secret that was made" 4 "$(cd /etc/controlcored/secrets && for f in *; do grep -c "^[^#]*_file = \"$PWD/$f\"" ../controlcored.conf; done | grep -c 1)"
check "a key cannot be made without a database, and settings are no reason" 69 "$(controlcored operator-key create --output /k >/create.log 2>&1; echo $?)"
check "admin asks the socket of the unit" yes "$(controlcored admin nodes 2>&1 | grep -q '/run/controlcored/admin.sock' && echo yes)"
check "with the environment of the unit too" 0 "$(. /unit.env; controlcored config check >/check.log 2>&1; echo $?)"
check "links of its pages lead to pages that are there" "" "$(cd /usr/share/doc/controlcored && for page in README.md docs/*.md docs/*/*.md; do
	grep -oE '\]\([^)#:]+' "$page" | sed 's/^](//' | while read -r to; do [ -e "$(dirname "$page")/$to" ] || echo "$page: $to"; done
done)"
check "and each file that compose.yaml brings in from here" "" "$(cd /usr/share/doc/controlcored/docs/deploy &&
	grep -oE '^ +- \./compose[^:]+:' compose.yaml | tr -d ' :' | cut -c2- | while read -r file; do [ -f "$file" ] || echo "$file"; done)"
before=$(cat /etc/controlcored/secrets/*)
mkdir -p /var/lib/controlcored && echo journal >/var/lib/controlcored/usage-1
apt-get -q install -y --reinstall /controlcored.deb >>/apt.log 2>&1
check "once more changes no secret" "$before" "$(cat /etc/controlcored/secrets/*)"
echo '# changed' >>/etc/controlcored/controlcored.conf
apt-get -q remove -y controlcored >>/apt.log 2>&1
check "removed, the program is gone" 127 "$(controlcored version >/dev/null 2>&1; echo $?)"
check "and settings stay" yes "$(grep -q changed /etc/controlcored/controlcored.conf && echo yes)"
check "and secrets" "$before" "$(cat /etc/controlcored/secrets/*)"
echo object >/var/lib/controlcored/object
apt-get -q purge -y controlcored >>/apt.log 2>&1
check "purged, the journal is gone and what tenants stored is not" object "$(ls /var/lib/controlcored)"
rm -r /var/lib/controlcored
check "and nothing else is left" "" "$(find / -xdev -name '*controlcored*' -not -path '/proc/*' -not -path '/dev/*' -not -name 'controlcored.deb' -not -path '/var/lib/apt/*' 2>/dev/null)"
[ $n -eq 22 ] || echo "not ok 99 - all was looked at"
END
# What systemd would give the daemon.
sed -n 's|^Environment=\(.*\)=%d/\(.*\)|export \1=/etc/controlcored/secrets/\2|p' config/systemd/controlcored.service \
	>"$scratch/unit.env"
. /etc/os-release
mmdebstrap --variant=apt --skip=check/qemu --quiet --customize-hook="copy-in $scratch/controlcored.deb $scratch/inside $scratch/unit.env /" \
	--customize-hook='chroot "$1" sh /inside >"$1/result" 2>&1; cat "$1/apt.log" >>"$1/../apt.log"' \
	--customize-hook="copy-out /result $scratch" --format=null "$VERSION_CODENAME" /dev/null \
	>"$scratch/mmdebstrap" 2>&1 || tail -n 20 "$scratch/mmdebstrap" >"$scratch/out"
verdict "a clean root file system is made" "$scratch/out"
while IFS= read -r line; do
	case $line in
	"ok "*) : >"$scratch/out"; verdict "${line#* - }" "$scratch/out" ;;
	"not ok "*) echo "${line#* - }" >"$scratch/out"; verdict "${line#* - }" "$scratch/out" ;;
	*) echo "# $line" ;;
	esac
done <"$scratch/result"
finish
