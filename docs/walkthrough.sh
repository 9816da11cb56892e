#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The spec's own examples, run with curl against a running controlcored and compared field by field.
#
#   docs/walkthrough.sh BASE_URL OPERATOR_KEY_FILE
#
# Without arguments it starts `controlcored serve --embedded` in a folder of its own on a free port
# and stops it afterwards. Only the host, the keys, ids and times differ from the spec's text.
# Prints one `ok` or `not ok` line per comparison, and `1..N` at the end.
set -u

. "$(dirname "$0")/walkthrough.lib.sh"

if [ $# -ge 2 ]; then
	BASE=${1%/} KEYFILE=$2
else
	BASE='' KEYFILE=''
	start_daemon
fi
OP=$(cat "$KEYFILE")

note 'Create Tenant'
call 201 POST /tenants -H "$(auth "$OP")" -H "$JSON" -d '{
"name": "Acme Corporation",
"domain": "acme.controlcore.io",
"plan_type": "pro",
"region": "us-east-1",
"custom_domain": "policies.acme.com",
"settings": {
"max_policies": 1000,
"max_users": 50,
"max_bouncers": 10
}
}'
check_like 'id' 'tenant-acme-[a-z2-7]{6}' "$(field .id)"
T=$(field .id)
check 'name' 'Acme Corporation' "$(field .name)"
check 'domain' 'acme.controlcore.io' "$(field .domain)"
check 'custom_domain' 'policies.acme.com' "$(field .custom_domain)"
check 'status' 'active' "$(field .status)"
check 'region' 'us-east-1' "$(field .region)"
check_like 'created_at' "$TIME" "$(field .created_at)"
check 'settings' '{"max_policies":1000,"max_users":50,"max_bouncers":10}' \
	"$(field '.settings | {max_policies,max_users,max_bouncers}')"
check 'limits' '{"policies_used":0,"users_used":1,"bouncers_used":0}' \
	"$(field '.limits | {policies_used,users_used,bouncers_used}')"
check 'Location' "/api/v1/tenants/$T" "$(header Location)"

note 'Get Tenant'
call 200 GET "/tenants/$T" -H "$(auth "$OP")"
check 'the same id' "$T" "$(field .id)"
check 'plan_type' 'pro' "$(field .plan_type)"
check_like 'updated_at' "$TIME" "$(field .updated_at)"
check_like 'expires_at' "$TIME" "$(field .expires_at)"
check 'every member the spec shows is there' 'true' "$(field '[has("id","name","domain","custom_domain","status",
	"region","plan_type","created_at","updated_at","expires_at","settings","limits")] | all')"

note 'Update Tenant'
call 200 PUT "/tenants/$T" -H "$(auth "$OP")" -H "$JSON" -d '{
"name": "Acme Corporation Inc.",
"settings": {
"max_policies": 2000,
"max_users": 100,
"max_bouncers": 20
}
}'
check 'the new name' 'Acme Corporation Inc.' "$(field .name)"
check 'the new settings' '{"max_policies":2000,"max_users":100,"max_bouncers":20}' \
	"$(field '.settings | {max_policies,max_users,max_bouncers}')"
check 'absent fields stay' 'policies.acme.com' "$(field .custom_domain)"

note 'Generate API Key'
call 201 POST "/tenants/$T/api-keys" -H "$(auth "$OP")" -H "$JSON" -d '{
"name": "Production API Key",
"scopes": ["policies:read", "policies:write", "resources:read"],
"expires_at": "2036-01-25T10:30:00Z"
}'
check_like 'id' 'key-[0-9A-Za-z]+' "$(field .id)"
check 'name' 'Production API Key' "$(field .name)"
check_like 'key' 'cc_live_[0-9A-Za-z]{48}' "$(field .key)"
check 'scopes' '["policies:read","policies:write","resources:read"]' "$(field .scopes)"
check_like 'created_at' "$TIME" "$(field .created_at)"
check 'expires_at' '2036-01-25T10:30:00Z' "$(field .expires_at)"
check 'never cached' 'no-store' "$(header Cache-Control)"
call 201 POST "/tenants/$T/api-keys" -H "$(auth "$OP")" -H "$JSON" -d '{"name": "App", "scopes":
["tenant:read", "policies:read", "policies:write", "resources:read", "resources:write", "bouncers:read",
"bouncers:write", "audit:read"]}'
K=$(field .key)

note 'Add Custom Domain'
call 201 POST "/tenants/$T/domains" -H "$(auth "$OP")" -H "$JSON" -d '{"domain": "policies.acme.com"}'
check 'pending' '{"domain":"policies.acme.com","status":"pending","ssl_status":"pending"}' \
	"$(field '{domain,status,ssl_status}')"
check 'cname_record' 'acme.controlcore.io' "$(field .dns_instructions.cname_record)"
check_like 'txt_record' 'control-core-verification=[a-z2-7]{32}' "$(field .dns_instructions.txt_record)"
check_like 'next_check_at' "$TIME" "$(field .next_check_at)"

note 'Verify Domain: its records are not there'
call 409 POST "/tenants/$T/domains/policies.acme.com/verify" -H "$(auth "$OP")"
check 'error' 'verification_failed' "$(field .error)"
check 'which record' 'records[0]' "$(field '.details[0].field')"

note 'List Domains'
call 200 GET "/tenants/$T/domains" -H "$(auth "$OP")"
check 'a bare array' '["policies.acme.com","acme.controlcore.io"]' "$(field '[.[].domain]')"
check 'the default one' '{"status":"active","is_default":true}' "$(field '.[1] | {status,is_default}')"
check 'why the other is pending' 'true' "$(field '.[0].reason != null and (.[0].records[0].seen | length) > 0')"

note 'Get Usage Alerts'
call 200 GET "/tenants/$T/alerts" -H "$(auth "$OP")"
check 'a bare array, with nothing to tell' '[]' "$(field .)"

note 'Tenant context: header, query, subdomain, all agreeing'
call 200 GET /policies -H "$(auth "$K")" -H "X-Tenant-ID: $T"
call 200 GET "/policies?tenant_id=$T" -H "$(auth "$K")"
call 200 GET /policies -H "$(auth "$K")" -H 'Host: acme.controlcore.io'
call 200 GET /policies -H "X-API-Key: $K"
check 'an empty list' '{"policies":[],"total":0}' "$(field '{policies,total}')"

note 'Tenant-scoped APIs'
call 201 POST /resources -H "$(auth "$K")" -H "$JSON" \
	-d '{"name": "Users API", "type": "api", "path": "/api/v1/users/*", "methods": ["GET", "POST"]}'
R=$(field .id)
call 201 POST /bouncers -H "$(auth "$K")" -H "$JSON" \
	-d '{"name": "edge", "hostname": "edge.acme.com", "port": 8080, "environment": "sandbox"}'
B=$(field .id)
call 201 POST /policies -H "$(auth "$K")" -H "$JSON" -d '{"name": "Allow staff",
"rego_code": "package controlcore.policy\nimport rego.v1\ndefault allow := false\n",
"resource_id": '"$R"', "bouncer_id": '"$B"'}'
P=$(field .id)
check 'a policy starts in the sandbox' 'sandbox' "$(field .environment)"
for object in policies resources bouncers; do
	call 200 GET "/$object" -H "$(auth "$K")"
	check "one of $object" '1' "$(field .total)"
done
call 200 GET "/policies/$P" -H "$(auth "$K")"
jq '.name = "Allow all staff"' "$dir/body" > "$dir/put"
call 200 PUT "/policies/$P" -H "$(auth "$K")" -H "$JSON" -d "@$dir/put"
check 'the new name' 'Allow all staff' "$(field .name)"
check 'the next version' '2' "$(field .version)"
call 422 PATCH "/policies/$P" -H "$(auth "$K")" -H "$JSON" -d '{"rego_code": "package p\nallow {\n"}'
check 'a fault of the source has its place' '{"error":"rego_invalid","line":2,"column":7}' \
	"$(field '{error} + (.details[0] | {line,column})')"
call 200 GET "/policies/$P/versions" -H "$(auth "$K")"
check 'every save is a version' 'saved created' "$(field '[.versions[].action] | join(" ")')"
call 200 GET "/policies/$P/diff?from=1&to=2" -H "$(auth "$K")"
check 'what differs' 'name' "$(field '[.changes[].field] | join(" ")')"
call 200 POST "/policies/$P/rollback" -H "$(auth "$K")" -H "$JSON" -d '{"version": 1}'
check 'going back is a step forward' '{"name":"Allow staff","version":3}' "$(field '{name,version}')"
call 403 POST "/policies/$P/promote" -H "$(auth "$K")"
check 'promotion needs a scope of its own' 'insufficient_scope' "$(field .error)"
call 201 POST "/tenants/$T/api-keys" -H "$(auth "$OP")" -H "$JSON" \
	-d '{"name": "release", "scopes": ["policies:read", "policies:write", "policies:promote"]}'
PK=$(field .key)
call 200 POST "/policies/$P/promote" -H "$(auth "$PK")" -H "$JSON" \
	-d '{"deployment_notes": "first", "approver": "ann@acme.com"}'
check 'promotion makes a production policy' '{"environment":"production","promoted_from":'"$P"',"version":1,"tests":"none"}' \
	"$(field '{environment,promoted_from,version,tests}')"
check_like 'promoted_at' "$TIME" "$(field .promoted_at)"
TWIN=$(field .policy_id)
call 409 PATCH "/policies/$TWIN" -H "$(auth "$PK")" -H "$JSON" -d '{"name": "x"}'
check 'production changes by promotion only' 'production_immutable' "$(field .error)"
call 200 POST "/policies/$TWIN/disable" -H "$(auth "$PK")"
check 'but it can be switched off' 'inactive' "$(field .status)"
call 200 DELETE "/policies/$TWIN" -H "$(auth "$PK")"
call 200 PUT "/resources/$R" -H "$(auth "$K")" -H "$JSON" \
	-d '{"name": "Users API", "type": "api", "path": "/api/v2/users/*"}'
call 200 PUT "/bouncers/$B" -H "$(auth "$K")" -H "$JSON" \
	-d '{"name": "edge", "hostname": "edge2.acme.com", "environment": "sandbox"}'
call 409 DELETE "/resources/$R" -H "$(auth "$K")"
check 'a resource in use stays' 'in_use' "$(field .error)"
call 200 GET "/tenants/$T" -H "$(auth "$K")"
check 'limits count' '{"policies_used":1,"users_used":1,"bouncers_used":1}' \
	"$(field '.limits | {policies_used,users_used,bouncers_used}')"

note 'Get Tenant Metrics'
call 201 POST "/tenants/$T/api-keys" -H "$(auth "$OP")" -H "$JSON" \
	-d '{"name": "edge", "scopes": ["bouncers:connect"]}'
BK=$(field .key)
call 200 POST "/peps/$B/heartbeat" -H "$(auth "$BK")" -H "$JSON" -d '{"requests_total": 0}'
check 'a sign of life' '{"status":"connected","is_connected":true}' "$(field '{status,is_connected}')"
i=0
while [ $i -lt 50 ]; do
	curl -sS -m 30 -o "$dir/body" -H "$(auth "$OP")" "$BASE/tenants/$T/metrics"
	[ "$(field '.metrics.api_calls.by_endpoint["/bouncers"] // 0')" -ge 2 ] && break
	sleep 0.2
	i=$((i + 1))
done
call 200 GET "/tenants/$T/metrics" -H "$(auth "$OP")"
check_shape 'all that the specification shows' '{
"metrics": {
"api_calls": {
"total": 15000,
"by_endpoint": {
"/policies": 5000,
"/resources": 3000,
"/bouncers": 2000,
"/audit": 5000
}
},
"policies": {
"total": 25,
"active": 20,
"sandbox": 5
},
"bouncers": {
"total": 3,
"active": 3,
"requests_per_minute": 150
},
"users": {
"total": 8,
"active": 6
}
},
"period": {
"start": "2025-01-01T00:00:00Z",
"end": "2025-01-31T23:59:59Z"
}
}'
check 'the members of the specification' '{"metrics":["api_calls","policies","bouncers","users"],"period":["start","end"]}' \
	"$(field '{metrics: (.metrics | keys_unsorted), period: (.period | keys_unsorted)}')"
check 'policies' '{"total":1,"active":0,"sandbox":1}' "$(field .metrics.policies)"
check 'bouncers' '{"total":1,"active":1,"requests_per_minute":0}' "$(field .metrics.bouncers)"
check 'users' '1' "$(field .metrics.users.total)"
check 'calls by endpoint add up' 'true' "$(field '.metrics.api_calls | (.by_endpoint | add) == .total')"
check_like 'calls of policies' '[1-9][0-9]*' "$(field '.metrics.api_calls.by_endpoint["/policies"]')"
check_like 'period.start' "$TIME" "$(field .period.start)"
call 200 GET "/tenants/$T/metrics?start_date=2025-01-01&end_date=2025-01-31&granularity=day" -H "$(auth "$OP")"
check 'a period' '{"start":"2025-01-01T00:00:00Z","end":"2025-01-31T23:59:59Z"}' "$(field .period)"
check 'a series' '31' "$(field '.series | length')"
call 422 GET "/tenants/$T/metrics?start_date=2025-02-01&end_date=2025-01-01" -H "$(auth "$OP")"
call 200 GET "/tenants/$T/usage" -H "$(auth "$OP")"
check 'usage has gauges, too' '{"metric":"policies","kind":"gauge","quantity":1}' \
	"$(field '.usage[] | select(.metric == "policies")')"

note 'Get Usage Alerts: a limit is reached'
call 200 PUT "/tenants/$T/quota" -H "$(auth "$OP")" -H "$JSON" -d '{"bouncers": {"limit": 1}}'
i=0
while [ $i -lt 300 ]; do
	curl -sS -m 30 -o /dev/null -H "$(auth "$K")" "$BASE/policies"
	curl -sS -m 30 -o "$dir/body" -H "$(auth "$OP")" "$BASE/tenants/$T/alerts?type=usage_limit&severity=critical"
	[ "$(field length)" = 1 ] && break
	sleep 0.2
	i=$((i + 1))
done
call 200 GET "/tenants/$T/alerts?type=usage_limit&severity=critical" -H "$(auth "$OP")"
check 'one alert' '[{"type":"usage_limit","severity":"critical","message":"Reached bouncer limit (100% of 1)","resolved_at":null}]' \
	"$(field '[.[] | {type,severity,message,resolved_at}]')"
check_like 'its id' 'alert-[a-z2-7]{12}' "$(field '.[0].id')"
check_shape 'all that the specification shows' '[
{
"id": "alert-123",
"type": "usage_limit",
"severity": "warning",
"message": "Approaching policy limit (80% of 1000)",
"created_at": "2025-01-25T10:30:00Z",
"resolved_at": null
}
]'
call 200 PUT "/tenants/$T/quota" -H "$(auth "$OP")" -H "$JSON" -d '{"bouncers": {"limit": 10}}'

note 'Get Billing Information'
call 200 GET "/tenants/$T/billing" -H "$(auth "$OP")"
check_shape 'all that the specification shows' '{
"subscription_id": "sub_123",
"status": "active",
"plan": "pro",
"current_period_start": "2025-01-01T00:00:00Z",
"current_period_end": "2025-02-01T00:00:00Z",
"usage": {
"policies": 25,
"users": 8,
"bouncers": 3,
"api_calls": 15000,
"storage_gb": 2.5
},
"billing": {
"base_cost": 99.00,
"usage_cost": 15.50,
"total_cost": 114.50,
"currency": "USD"
}
}'
check_like 'subscription_id' 'sub_[a-z0-9]+' "$(field .subscription_id)"
check 'status, plan and whose figures they are' '{"status":"active","plan":"pro","mode":"ledger"}' \
	"$(field '{status,plan,mode}')"
check 'what there is' '{"policies":1,"users":1,"bouncers":1}' "$(field '.usage | {policies,users,bouncers}')"
check 'the sum is the sum' 'true' "$(field '.billing | .base_cost + .usage_cost == .total_cost')"
check 'the currency' 'USD' "$(field .billing.currency)"

note 'Update Billing'
call 200 PUT "/tenants/$T/billing" -H "$(auth "$OP")" -H "$JSON" -d '{
"payment_method": "pm_123",
"billing_address": {
"line1": "123 Main St",
"city": "San Francisco",
"state": "CA",
"postal_code": "94105",
"country": "US"
}
}'
check 'the payment method' 'pm_123' "$(field .payment_method)"
check 'the address' '{"line1":"123 Main St","city":"San Francisco","state":"CA","postal_code":"94105","country":"US"}' \
	"$(field '.billing_address | {line1,city,state,postal_code,country}')"
call 200 POST "/tenants/$T/billing/plan?dry_run=true" -H "$(auth "$OP")" -H "$JSON" -d '{"plan_type": "enterprise"}'
check 'what another plan would come to' '{"from_plan":"pro","plan":"enterprise","mode":"ledger"}' \
	"$(field '{from_plan,plan,mode}')"
call 200 GET "/tenants/$T/billing/invoices" -H "$(auth "$OP")"
check 'no period is closed yet' '{"invoices":[],"total":0}' "$(field '{invoices,total}')"

note 'Tenant-scoped APIs: deleting, and taking it back'
call 200 DELETE "/policies/$P" -H "$(auth "$K")"
check_like 'deleted_at' "$TIME" "$(field .deleted_at)"
call 200 POST "/policies/$P/restore" -H "$(auth "$K")"
check 'a deletion is undone' '{"id":'"$P"',"status":"active"}' "$(field '{id,status}')"
call 200 DELETE "/policies/$P" -H "$(auth "$K")"
call 200 DELETE "/resources/$R" -H "$(auth "$K")"
call 200 DELETE "/bouncers/$B" -H "$(auth "$K")"
call 404 GET "/policies/$P" -H "$(auth "$K")"
call 200 GET /audit/logs -H "$(auth "$K")"
check 'the deletion is in the audit' 'true' "$(field '[.logs[].action] | any(. == "deletePolicy")')"

note 'Bouncers'
call 201 POST "/tenants/$T/api-keys" -H "$(auth "$OP")" -H "$JSON" \
	-d '{"name": "edge", "scopes": ["bouncers:connect"], "environment": "test"}'
BK=$(field .key)
call 200 POST /peps/register -H "$(auth "$BK")" -H "$JSON" -d '{"bouncer_id": "bouncer-sandbox-api-1",
	"bouncer_name": "edge", "bouncer_type": "sidecar", "resource": {"name": "Users API", "type": "api",
	"target_host": "users:8080", "deployment_url": "https://edge.acme.com"}, "deployment_info": {"platform": "docker"}}'
check 'a bouncer registers' '{"bouncer_id":"bouncer-sandbox-api-1","status":"active","environment":"sandbox"}' \
	"$(field '{bouncer_id,status,environment}')"
BOUNCER=$(field .id)
call 201 POST /policies -H "$(auth "$K")" -H "$JSON" \
	-d '{"name": "users", "environment": "sandbox", "rego_code": "package app.users\nimport rego.v1\nallow if true\n"}'
call 200 GET /bundles/sandbox -H "$(auth "$BK")"
ETAG=$(header ETag)
REVISION=$(printf %s "$ETAG" | tr -d '"')
check 'its bundle is a tar' '.signatures.json .manifest app/users data.json' \
	"$(tar tzf "$dir/body" | sed 's|/policy-.*||' | xargs)"
check 'with what it protects' 'users:8080' \
	"$(tar xzOf "$dir/body" data.json | jq -r '.resources."Users API".target_host')"
call 304 GET /bundles/sandbox -H "$(auth "$BK")" -H "If-None-Match: $ETAG"
call 403 GET /bundles/production -H "$(auth "$BK")"
check 'the other environment is not its own' 'environment_mismatch' "$(field .error)"
call 200 GET "/rollouts/$REVISION" -H "$(auth "$K")"
check 'nobody has said that it runs it' '0 of 1 live' "$(field .summary)"
call 200 POST /status/bouncer-sandbox-api-1 -H "$(auth "$BK")" -H "$JSON" \
	-d '{"labels": {"id": "x"}, "bundles": {"sandbox": {"name": "sandbox", "active_revision": "'"$REVISION"'"}}}'
call 200 GET "/rollouts/$REVISION" -H "$(auth "$K")"
check 'now it has' '1 of 1 live' "$(field .summary)"
call 200 GET "/bouncers/$BOUNCER/revisions" -H "$(auth "$K")"
check 'and is up to date' 'true' "$(field .current)"

note 'Tenant-Specific Errors'
call 403 GET /policies -H "$(auth "$K")" -H 'X-Tenant-ID: tenant-other-123'
check 'Tenant Access Denied' \
	'{"error":"tenant_access_denied","message":"Access denied for tenant tenant-other-123","tenant_id":"tenant-other-123"}' \
	"$(field '{error,message,tenant_id}')"
call 404 GET /tenants/tenant-acme-123 -H "$(auth "$OP")"
check 'Tenant Not Found' \
	'{"error":"tenant_not_found","message":"Tenant tenant-acme-123 not found","tenant_id":"tenant-acme-123"}' \
	"$(field '{error,message,tenant_id}')"

note 'Rate Limited'
call 201 POST /tenants -H "$(auth "$OP")" -H "$JSON" \
	-d '{"name": "Small", "domain": "small.controlcore.io", "plan_type": "free", "region": "eu-west-1"}'
S=$(field .id)
call 201 POST "/tenants/$S/api-keys" -H "$(auth "$OP")" -H "$JSON" -d '{"name": "k", "scopes": ["policies:read"]}'
SK=$(field .key)
call 200 GET /policies -H "$(auth "$SK")"
LIMIT=$(header X-RateLimit-Limit)
check_like 'X-RateLimit-Limit' '[0-9]+' "$LIMIT"
check_like 'X-RateLimit-Remaining' '[0-9]+' "$(header X-RateLimit-Remaining)"
check_like 'X-RateLimit-Reset' '[0-9]{10}' "$(header X-RateLimit-Reset)"
# One connection, many requests: the meter empties faster than it fills. It has a place again a tenth of a
# second later, which on a busy machine the next curl may find.
i=0
while [ $i -lt 60 ]; do
	curl -sS -m 60 -o /dev/null -H "$(auth "$SK")" "$BASE/policies?skip=[0-199]" 2>/dev/null
	got=$(curl -sS -m 30 -o "$dir/body" -D "$dir/head" -w '%{http_code}' -H "$(auth "$SK")" "$BASE/policies")
	[ "$got" = 429 ] && break
	i=$((i + 1))
done
check 'GET /policies answers 429' 429 "$got"
check 'Rate Limited' \
	"{\"error\":\"rate_limit_exceeded\",\"message\":\"Rate limit exceeded for tenant $S\",\"limit\":$LIMIT,\"remaining\":0}" \
	"$(field '{error,message,limit,remaining}')"
check_like 'retry_after' '[1-9][0-9]*' "$(field .retry_after)"
check 'Retry-After says the same' "$(field .retry_after)" "$(header Retry-After)"

note 'Deploy to Region'
call 202 POST "/tenants/$T/deploy" -H "$(auth "$OP")" -H "$JSON" -d '{
  "region": "eu-west-1",
  "migrate_data": true,
  "maintenance_window": "2025-01-26T02:00:00Z"
}'
check_shape 'as the specification shows it' '{
  "deployment_id": "deploy-123",
  "status": "in_progress",
  "region": "eu-west-1",
  "estimated_completion": "2025-01-26T04:00:00Z",
  "progress": {
    "database_migration": "in_progress",
    "dns_update": "pending",
    "ssl_setup": "pending"
  }
}'
check 'it has begun' '{"status":"in_progress","region":"eu-west-1","progress":{"database_migration":"in_progress","dns_update":"pending","ssl_setup":"pending"}}' \
	"$(field '{status,region,progress:(.progress | {database_migration,dns_update,ssl_setup})}')"
D=$(field .deployment_id)
check_like 'deployment_id' 'deploy-[a-z0-9]+' "$D"
i=0
while [ $i -lt 300 ]; do
	got=$(curl -sS -m 30 -o "$dir/body" -w '%{http_code}' -H "$(auth "$OP")" "$BASE/tenants/$T/deployments/$D")
	[ "$(field .status)" != in_progress ] && break
	sleep 0.2
	i=$((i + 1))
done
check 'GET /tenants/{tenant_id}/deployments/{deployment_id} answers 200' 200 "$got"
check_shape 'as the specification shows it' '{
  "deployment_id": "deploy-123",
  "status": "completed",
  "region": "eu-west-1",
  "started_at": "2025-01-26T02:00:00Z",
  "completed_at": "2025-01-26T03:45:00Z",
  "new_domain": "acme.eu.controlcore.io"
}'
check 'the tenant lives there' '{"status":"completed","region":"eu-west-1","new_domain":"acme.eu.controlcore.io"}' \
	"$(field '{status,region,new_domain}')"
call 200 GET /policies -H "$(auth "$K")" -H 'Host: acme.eu.controlcore.io'
call 200 GET /policies -H "$(auth "$K")" -H 'Host: acme.controlcore.io'

note 'Delete Tenant'
call 202 DELETE "/tenants/$T" -H "$(auth "$OP")"
check 'it waits for its undo window' 'deletion_scheduled' "$(field .status)"
call 410 GET /policies -H "$(auth "$K")"
call 200 POST "/tenants/$T/restore" -H "$(auth "$OP")"
check 'restored' 'active' "$(field .status)"
call 200 GET /policies -H "$(auth "$K")"

printf '1..%d\n' "$tests"
[ "$failed" -eq 0 ]
