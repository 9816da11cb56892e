#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each foreign library has one door: its headers are included in one folder of src/ and in no public header.
. "$(dirname "$0")/lib.sh"

# door FOLDER HEADER-PATTERN NAME
door() {
	# shellcheck disable=SC2046
	grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" $(sources include src) /dev/null |
		grep -v "^src/$1/" >"$scratch/out"
	verdict "$3 is included only in src/$1" "$scratch/out"
}

door schema 'jansson' jansson
door db 'libpq|postgresql/|pg_config|postgres_ext' libpq
door cache 'hiredis' hiredis
door crypto 'openssl/' OpenSSL
door net 'curl/' libcurl
door net 'ares' c-ares
door net 'idn2' libidn2
door net 'libpsl' libpsl
door store 'expat' expat
door store 'archive' libarchive
door http 'microhttpd' libmicrohttpd
door http 'gnutls/' GnuTLS
door http 'zlib|zconf' zlib
door daemon 'libconfig' libconfig
door daemon 'systemd/' libsystemd
finish
