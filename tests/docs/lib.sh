# SPDX-License-Identifier: Apache-2.0
# What the tests of pages share: a daemon, a tenant and its key. Sourced.
set -u
PATH=$PATH:/usr/sbin
cd "${CC_SOURCE_DIR:-.}" || exit 1
. docs/walkthrough.lib.sh
. docs/pages.lib.sh
# What a page writes lies in the folder of the test.
source=$PWD
docs=$source

operator() { # operator PATH JSON: the answer
	curl -sS -m 30 "$BASE$1" -H "Authorization: Bearer $(cat "$KEYFILE")" -H 'Content-Type: application/json' -d "$2"
}
# The tenant of the pages, acme, and a key of it with these scopes, in $KEY.
acme() { # acme SCOPE…
	scopes=$(for scope; do printf '"%s",' "$scope"; done)
	operator /tenants '{"name": "Acme Corporation", "domain": "acme.controlcore.io", "plan_type": "pro",
		"region": "us-east-1"}' > "$dir/tenant"
	check 'there is a tenant' active "$(jq -r .status "$dir/tenant")"
	KEY=$(operator /tenants/acme/api-keys "{\"name\": \"page\", \"scopes\": [${scopes%,}]}" | jq -r .key)
}
# run PAGE: its commands, in the folder of the test.
run() {
	page_split "$source/docs/$1"
	example_split "$source/docs/examples/$(basename "$1" .md).sh"
	cd "$dir" || exit 1
	run_blocks
	cd "$source" || exit 1
}
