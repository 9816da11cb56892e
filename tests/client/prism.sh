#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The contract suites through `prism proxy --errors`, which holds each request and each answer against
# docs/openapi.json and answers 500 itself where they differ. What is not in a document passes beside it: HEAD,
# methods that a path does not take, requests that are made to be refused for their form (contract.h).
. "${CC_SOURCE_DIR:?}/tests/client/lib.sh"
suites=$CC_BUILD_DIR/tests/contract
CC_CONTRACT_PROXY=$bin/prism
CC_CONTRACT_DOCUMENT=docs/openapi.json
export CC_CONTRACT_PROXY CC_CONTRACT_DOCUMENT

for suite in replies pages conditions idempotency dry_run; do
	attempt "contract/$suite through prism finds no violation" "$suites/test_$suite"
done

finds() {
	! CC_CONTRACT_DOCUMENT=$1 "$suites/test_pages"
}

jq '.components.schemas.Policy.properties.id.type = "string"' docs/openapi.json >"$scratch/wrong.json"
attempt 'prism finds an answer that differs from the document' finds "$scratch/wrong.json"
finish
