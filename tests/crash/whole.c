/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wholeness.h"

static const char *const regions[CRASH_REGIONS] = { "us-east-1", "eu-west-1", "ap-southeast-1" };

/* No request of ours is repeated: whatever it did, it did once. */
static const char done_twice[] =
	"SELECT string_agg(tenant_id || ' ' || request_id, ', ') FROM (SELECT tenant_id, request_id"
	" FROM cc.tenant_audit WHERE request_id IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) t";
static const char miscounted[] =
	"SELECT string_agg(t.id || ' has a gap in its audit', ', ') FROM cc.tenant t,"
	" LATERAL (SELECT count(*) AS n, max(seq) AS last FROM cc.tenant_audit WHERE tenant_id = t.id) a"
	" WHERE t.audit_seq <> a.n OR t.audit_seq <> a.last";
static const char loose_keys[] = "SELECT string_agg(id, ', ') FROM cc.api_key k WHERE tenant_id IS NOT NULL"
				 " AND NOT EXISTS (SELECT FROM cc.tenant t WHERE t.id = k.tenant_id)";

/* A schema is a clean spare, or it has been opened whole; its counters are what they count. */
static const char wrong_schemas[] =
	"CREATE OR REPLACE FUNCTION pg_temp.wrong(s text) RETURNS text LANGUAGE plpgsql AS $f$\n"
	"DECLARE ret text;\n"
	"BEGIN\n"
	"	EXECUTE format($q$ SELECT CASE\n"
	"		WHEN h.epoch = 0 AND (h.version <> 0 OR EXISTS (SELECT FROM %1$I.users)\n"
	"			OR EXISTS (SELECT FROM %1$I.audit)) THEN 'is no clean spare'\n"
	"		WHEN h.epoch = 0 THEN NULL\n"
	"		WHEN NOT h.writable THEN 'is not writable'\n"
	"		WHEN NOT EXISTS (SELECT FROM %1$I.users WHERE id = 1 AND roles = '{Admin}') THEN "
	"'has no owner'\n"
	"		WHEN h.users_used <> (SELECT count(*) FROM %1$I.users WHERE deleted_at IS NULL)\n"
	"			THEN 'miscounts users'\n"
	"		WHEN h.policies_used <> (SELECT count(*) FROM %1$I.policies WHERE deleted_at IS "
	"NULL)\n"
	"			THEN 'miscounts policies'\n"
	"		WHEN h.resources_used <> (SELECT count(*) FROM %1$I.resources WHERE deleted_at IS "
	"NULL)\n"
	"			THEN 'miscounts resources'\n"
	"		WHEN h.bouncers_used <> (SELECT count(*) FROM %1$I.bouncers WHERE deleted_at IS "
	"NULL)\n"
	"			THEN 'miscounts bouncers'\n"
	"		WHEN h.audit_seq <> (SELECT count(*) FROM %1$I.audit)\n"
	"			OR h.audit_seq <> (SELECT max(seq) FROM %1$I.audit) THEN 'has a gap in its "
	"audit'\n"
	"		WHEN EXISTS (SELECT FROM %1$I.audit GROUP BY request_id\n"
	"			HAVING request_id IS NOT NULL AND count(*) > 1) THEN 'did something twice'\n"
	"		END FROM %1$I.head h $q$, s) INTO ret;\n"
	"	RETURN ret;\n"
	"END $f$;\n"
	"SELECT string_agg(nspname || ' ' || pg_temp.wrong(nspname), ', ') FROM pg_namespace"
	" WHERE nspname LIKE 't\\_%'";
static const char opened_schemas[] =
	"CREATE OR REPLACE FUNCTION pg_temp.epoch(s text) RETURNS bigint LANGUAGE plpgsql AS $f$\n"
	"DECLARE ret bigint;\n"
	"BEGIN\n"
	"	EXECUTE format('SELECT epoch FROM %I.head', s) INTO ret;\n"
	"	RETURN ret;\n"
	"END $f$;\n"
	"SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace"
	" WHERE nspname LIKE 't\\_%' AND pg_temp.epoch(nspname) > 0";
static const char present_schemas[] = "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace"
				      " WHERE nspname LIKE 't\\_%'";
static const char present_roles[] = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles"
				    " WHERE rolname LIKE 't\\_%'";

/* Two answers are the same text. */
static void check_same(struct crash *x, const char *recorded, const char *database, const char *present)
{
	char *wanted = strdup(crash_value(x, NULL, "%s", recorded));

	assert_string_equal(wanted, crash_value(x, database, "%s", present));
	free(wanted);
}

static void check_region(struct crash *x, const char *region)
{
	char recorded[300], claimed[300];

	snprintf(recorded, sizeof(recorded),
		"SELECT string_agg(schema_id, ' ' ORDER BY schema_id) FROM cc.tenant_schema WHERE region = "
		"'%s'",
		region);
	snprintf(claimed, sizeof(claimed),
		"SELECT string_agg(schema_id, ' ' ORDER BY schema_id) FROM cc.tenant WHERE region = '%s'",
		region);
	check_same(x, recorded, region, present_schemas);
	check_same(x, claimed, region, opened_schemas);
	assert_string_equal("", crash_value(x, region, "%s", wrong_schemas));
}

static void check_bystander(struct crash *x)
{
	char *schema = strdup(crash_schema(x, x->bystander.id));
	const char *sum = crash_value(x, "us-east-1",
		"SELECT md5(concat((SELECT head FROM %s.head), (SELECT string_agg(p::text, ' ' ORDER BY id)"
		" FROM %s.policies p), (SELECT string_agg(a::text, ' ' ORDER BY seq) FROM %s.audit a)))",
		schema, schema, schema);

	if (x->bystander_sum == NULL)
		x->bystander_sum = strdup(sum);
	assert_string_equal(x->bystander_sum, sum);
	free(schema);
}

void whole_check(struct crash *x)
{
	for (size_t i = 0; wholeness_control[i] != NULL; i++)
		assert_string_equal("", crash_value(x, NULL, "%s", wholeness_control[i]));
	assert_string_equal("", crash_value(x, NULL, "%s", done_twice));
	assert_string_equal("", crash_value(x, NULL, "%s", miscounted));
	assert_string_equal("", crash_value(x, NULL, "%s", loose_keys));
	check_same(x, "SELECT string_agg(schema_id, ' ' ORDER BY schema_id) FROM cc.tenant_schema", NULL,
		present_roles);
	for (size_t i = 0; i < CRASH_REGIONS; i++)
		check_region(x, regions[i]);
	check_bystander(x);
}

int64_t whole_pending(struct crash *x)
{
	return crash_number(x, NULL,
		"SELECT (SELECT count(*) FROM cc.tenant WHERE status IN ('provisioning', 'deleting')"
		"  OR (status = 'deletion_scheduled' AND purge_at <= now() + interval '10 min'))"
		" + (SELECT count(*) FROM cc.tenant_schema WHERE state IN ('preparing', 'dropping'))"
		" + (SELECT sum(greatest(0, %d - (SELECT count(*) FROM cc.tenant_schema s WHERE s.region = "
		"r.region"
		"  AND s.state = 'ready'))) FROM unnest('{us-east-1,eu-west-1,ap-southeast-1}'::text[]) r "
		"(region))",
		x->spares);
}
