/* SPDX-License-Identifier: Apache-2.0 */
#include "wholeness.h"

#include <stddef.h>

const char *const wholeness_control[] = {
	"SELECT string_agg('tenant ' || t.id || ' has no schema', ', ') FROM cc.tenant t"
	" LEFT JOIN cc.tenant_schema s ON s.schema_id = t.schema_id AND s.tenant_id = t.id AND s.state = "
	"'claimed'"
	" WHERE t.status <> 'deleting' AND s.schema_id IS NULL",
	"SELECT string_agg('schema ' || s.schema_id || ' of no tenant', ', ') FROM cc.tenant_schema s"
	" LEFT JOIN cc.tenant t ON t.id = s.tenant_id WHERE s.state = 'claimed' AND t.id IS NULL",
	"SELECT string_agg('schema ' || schema_id || ' is ' || state, ', ') FROM cc.tenant_schema"
	" WHERE state IN ('preparing', 'dropping')",
	"SELECT string_agg('tenant ' || id || ' is ' || status, ', ') FROM cc.tenant WHERE status = "
	"'provisioning'",
	"SELECT string_agg('name ' || n.name || ' of nobody', ', ') FROM cc.name n"
	" LEFT JOIN cc.tenant t ON t.id = n.tenant_id WHERE t.id IS NULL AND n.kind <> 'retired'",
	"SELECT string_agg('tenant ' || t.id || ' has ' || c.n || ' names', ', ') FROM cc.tenant t,"
	" LATERAL (SELECT count(*) AS n FROM cc.name WHERE tenant_id = t.id"
	" AND kind <> 'retired') c WHERE c.n <> 2",
	"SELECT string_agg('tenant ' || t.id || ' has no default domain', ', ') FROM cc.tenant t"
	" WHERE NOT EXISTS (SELECT FROM cc.domain d WHERE d.tenant_id = t.id AND is_default AND d.domain = "
	"t.domain)",
	"SELECT string_agg('shard ' || sh.region || '/' || sh.shard || ' counts ' || sh.schemas || ' of ' || "
	"c.n, ', ')"
	" FROM cc.shard sh, LATERAL (SELECT count(*) AS n FROM cc.tenant_schema s"
	" WHERE s.region = sh.region AND s.shard = sh.shard) c WHERE c.n <> sh.schemas",
	"SELECT string_agg('audit of ' || a.tenant_id || ', which is gone', ', ')"
	" FROM (SELECT DISTINCT tenant_id FROM cc.tenant_audit) a"
	" WHERE NOT EXISTS (SELECT FROM cc.tenant t WHERE t.id = a.tenant_id)",
	NULL,
};
