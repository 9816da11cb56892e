#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# GET /devdocs as a browser and a reader take it. Run by with_daemon: CC_URL, CC_OPERATOR_KEY.
. "${CC_SOURCE_DIR:?}/tests/client/lib.sh"
page=$scratch/page.html

# find XPATH: what it selects in the page.
find() {
	xmllint --xpath "$1" "$page" 2>>"$scratch/out"
}

attempt 'GET /devdocs answers' curl -sSf -m 30 -o "$page" -D "$scratch/head" "$CC_URL/devdocs"
attempt 'as HTML' grep -qi '^content-type: text/html; charset=utf-8' "$scratch/head"
attempt 'which is well-formed' xmllint --noout "$page"

: >"$scratch/out"
digest=$(find 'string(//*[local-name()="style"])' | head -c -1 | openssl dgst -sha256 -binary | openssl base64)
policy=$(tr -d '\r' <"$scratch/head" | sed -n 's/^Content-Security-Policy: //Ip')
[ "$policy" = "default-src 'none'; style-src 'sha256-$digest'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" ] ||
	echo "the style has the digest sha256-$digest; the policy is $policy" >>"$scratch/out"
verdict 'its policy lets in its own style and nothing else' "$scratch/out"

: >"$scratch/out"
find '//*[local-name()="script" or local-name()="link" or local-name()="img" or local-name()="iframe"]' \
	2>/dev/null >>"$scratch/out"
sed -i '/XPath set is empty/d' "$scratch/out"
find '//@href' | tr ' ' '\n' | sed -n 's/^href="\(.*\)"$/\1/p' | sort -u >"$scratch/hrefs"
grep -v '^#' "$scratch/hrefs" | grep -vx '/openapi.json' >>"$scratch/out"
grep -nE 'url\(|@import|src=|srcset=| on[a-z]+=' "$page" >>"$scratch/out"
verdict 'it asks for nothing else and runs nothing' "$scratch/out"

: >"$scratch/out"
find '//@id' | tr ' ' '\n' | sed -n 's/^id="\(.*\)"$/\1/p' | sort >"$scratch/ids"
uniq -d "$scratch/ids" >>"$scratch/out"
sed -n 's/^#//p' "$scratch/hrefs" | sort -u | comm -23 - "$scratch/ids" >>"$scratch/out"
[ -s "$scratch/hrefs" ] || echo 'no links at all' >>"$scratch/out"
verdict 'every link leads to one place' "$scratch/out"

: >"$scratch/out"
jq -r '.paths | to_entries[] | .key as $path | .value | to_entries[] |
	"\(.value.operationId) \(.key | ascii_upcase) \($path)"' docs/openapi.json | sort >"$scratch/wanted"
find '//*[local-name()="article"]/@id' | tr ' ' '\n' | sed -n 's/^id="\(.*\)"$/\1/p' | grep -v '^object-' |
	while read -r op; do
		echo "$op $(find "normalize-space(//*[@id='$op']/*[@class='route'])")"
	done | sort >"$scratch/shown"
diff "$scratch/wanted" "$scratch/shown" >>"$scratch/out"
verdict 'every operation of the document is there, and no other' "$scratch/out"

etag=$(tr -d '\r' <"$scratch/head" | sed -n 's/^etag: //Ip')
code=$(curl -sS -m 30 -o "$scratch/body" -w '%{http_code}' -H "If-None-Match: $etag" "$CC_URL/devdocs")
attempt 'what is known already is not sent again' test "$code" = 304

# One example after the other, with the key of an operator and with one of a tenant: whatever else is refused, it
# is not for the form of the request, or for want of a signature that no reader can make.
tenant=$(curl -sS -m 30 -H "Authorization: Bearer $CC_OPERATOR_KEY" -H 'Content-Type: application/json' \
	-d '{"name": "Reader", "domain": "reader.controlcore.io", "region": "us-east-1", "plan_type": "pro"}' \
	"$CC_URL/api/v1/tenants" | jq -r .id)
key=$(curl -sS -m 30 -H "Authorization: Bearer $CC_OPERATOR_KEY" -H 'Content-Type: application/json' \
	-d '{"name": "reader", "scopes": ["policies:read", "policies:write", "policies:promote", "resources:read",
	"resources:write", "bouncers:read", "bouncers:write", "users:read", "users:write", "audit:read"]}' \
	"$CC_URL/api/v1/tenants/$tenant/api-keys" | jq -r .key)
CC=$CC_URL
curl() {
	command curl -m 30 -o "$scratch/body" -w '%{http_code}' "$@"
}
try() {
	KEY=$1
	code=$(eval "$2") || echo "fails: $2"
	error=$(jq -r '.error? // empty' "$scratch/body" 2>/dev/null)
	case $code/$error in
	2??/* | 40[0134]/tenant_required | 40[34]/* | 409/* | 410/* | 423/* | 400/tenant_context_conflict | 400/bad_signature)
		[ "$error" != not_found ] || echo "$code $error: $2" ;;
	*) echo "$code $error: $2" ;;
	esac
}
: >"$scratch/out"
n=$(find 'count(//*[local-name()="article"]/*[local-name()="pre"])')
[ "$n" -eq "$(wc -l <"$scratch/wanted")" ] || echo "$n examples" >>"$scratch/out"
i=0
while [ "$i" -lt "$n" ]; do
	i=$((i + 1))
	example=$(find "string((//*[local-name()='article']/*[local-name()='pre'])[$i])")
	try "$CC_OPERATOR_KEY" "$example" >>"$scratch/out"
	try "$key" "$example" >>"$scratch/out"
done
verdict 'every example can be pasted into a shell' "$scratch/out"
finish
