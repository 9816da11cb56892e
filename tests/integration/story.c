/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "chain.h"

#define VALUE_MAX 8192

static void ask(
	struct daemon *d, const char *database, const char *before, const char *sql, char ret[VALUE_MAX])
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r;

	free(conninfo);
	if (PQstatus(pg) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(pg));
	PQclear(PQexec(pg, before));
	r = PQexec(pg, sql);
	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(r));
	snprintf(ret, VALUE_MAX, "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	PQclear(r);
	PQfinish(pg);
}

const char *story_control_value(struct story *s, const char *sql)
{
	static char value[VALUE_MAX];

	ask(s->d, DAEMON_CONTROL_DB, "SET search_path = cc", sql, value);
	return value;
}

const char *story_value(struct story *s, const char *sql)
{
	static char value[VALUE_MAX];
	char find[200], path[200];
	char *database = daemon_region_db("us-east-1");

	snprintf(find, sizeof(find), "SELECT schema_id FROM cc.tenant WHERE id = '%s'", s->t.id);
	snprintf(path, sizeof(path), "SET search_path = %.100s", story_control_value(s, find));
	ask(s->d, database, path, sql, value);
	free(database);
	return value;
}

int64_t story_number(struct story *s, const char *sql)
{
	return strtoll(story_value(s, sql), NULL, 10);
}

static int open_on(void **state, const char *plan)
{
	static int n;
	struct story *s = calloc(1, sizeof(*s));
	char slug[32];

	snprintf(slug, sizeof(slug), "story%d", ++n);
	s->d = *state;
	fixture_tenant(s->d, slug, plan, NULL, NULL, &s->t);
	s->c = client_of(s->d, &s->t);
	s->operator= client_operator(s->d);
	*state = s;
	return 0;
}

int story_open(void **state)
{
	return open_on(state, NULL);
}

int story_open_unlimited(void **state)
{
	return open_on(state, "enterprise");
}

static void check_books(struct story *s)
{
	assert_string_equal("0 0 0",
		story_value(s, "SELECT concat_ws(' ',"
			       " policies_used - (SELECT count(*) FROM policies WHERE deleted_at IS NULL),"
			       " resources_used - (SELECT count(*) FROM resources WHERE deleted_at IS NULL),"
			       " bouncers_used - (SELECT count(*) FROM bouncers WHERE deleted_at IS NULL))"
			       " FROM head"));
	assert_string_equal("t", story_value(s, "SELECT (SELECT audit_seq FROM head) = count(*)"
						" AND coalesce(max(seq), 0) = count(*) FROM audit"));
}

int story_close(void **state)
{
	struct story *s = *state;

	check_books(s);
	chain_check_tenant(s->d, s->t.id, "us-east-1");
	client_close(s->c);
	client_close(s->operator);
	free(s);
	return 0;
}

void story_limit(struct story *s, const char *settings)
{
	char path[120];

	snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	assert_status(200, client_patch(s->operator, path, "{'settings':{%s}}", settings));
}

int64_t story_policy(struct story *s, const char *name)
{
	return answer_int(assert_status(201, client_post(s->c, "/policies",
						     "{'name':'%s','rego_code':'package p'}", name)),
		"id");
}

int64_t story_resource(struct story *s, const char *name)
{
	return answer_int(
		assert_status(201, client_post(s->c, "/resources", "{'name':'%s','type':'api'}", name)),
		"id");
}

int64_t story_bouncer(struct story *s, const char *name)
{
	return answer_int(assert_status(201, client_post(s->c, "/bouncers",
						     "{'name':'%s','hostname':'h.example.com',"
						     "'environment':'sandbox'}",
						     name)),
		"id");
}

const char *story_ids(const struct answer *a, const char *list)
{
	static char ids[1024];
	size_t at = 0;

	ids[0] = '\0';
	for (size_t i = 0; i < answer_count(a, list) && at < sizeof(ids) - 32; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s[%zu].id", list, i);
		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%lld", i > 0 ? " " : "",
			(long long)answer_int(a, path));
	}
	return ids;
}
