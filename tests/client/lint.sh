#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/openapi.json under the rules of two linters. Each also gets a document that it must refuse.
. "${CC_SOURCE_DIR:?}/tests/client/lib.sh"

redocly() {
	"$bin/redocly" lint --config tests/client/redocly.yaml "$1"
}

spectral() {
	"$bin/spectral" lint --ruleset tests/client/spectral.yaml --fail-severity hint "$1"
}

refuses() {
	! "$@"
}

attempt 'redocly has nothing against docs/openapi.json' redocly docs/openapi.json
attempt 'spectral has nothing against docs/openapi.json' spectral docs/openapi.json

jq 'del(.tags[0].description)' docs/openapi.json >"$scratch/tags.json"
attempt 'redocly refuses a tag without a description' refuses redocly "$scratch/tags.json"
jq 'del(.paths["/livez"].get.description)' docs/openapi.json >"$scratch/words.json"
attempt 'spectral refuses an operation without a description' refuses spectral "$scratch/words.json"
finish
