/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "temp.h"

#define SETTLE_MS 1500 /* longer than a round of background work takes to come again */
#define SETTLE_TRIES 40

/* Rows are sorted as texts: where they lie in the table does not matter, what they are does. */
static const char dump_sql[] =
	"SELECT line FROM ("
	" SELECT n.nspname || '.' || c.relname || ' ' || md5(query_to_xml(format("
	"'SELECT t::text AS row FROM %I.%I t ORDER BY 1', n.nspname, c.relname), true, false, '')::text) AS "
	"line"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	/* When somebody was last seen is no change, nor is a node that runs. */
	" WHERE c.relname NOT IN ('api_key_live', 'user_live', 'node')"
	" AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
	" UNION ALL SELECT n.nspname || '.' || c.relname || ' has ' || a.attname || ' ' || "
	"a.atttypid::regtype"
	" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = "
	"c.relnamespace"
	" WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND a.attnum > 0"
	" UNION ALL SELECT 'policy ' || polrelid::regclass || ' ' || polname FROM pg_policy"
	" UNION ALL SELECT 'role ' || rolname FROM pg_roles) AS lines ORDER BY line";

static void add_database(FILE *f, struct daemon *d, const char *database)
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r = PQexec(pg, dump_sql);

	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", database, PQerrorMessage(pg));
	for (int i = 0; i < PQntuples(r); i++)
		fprintf(f, "%s %s\n", database, PQgetvalue(r, i, 0));
	PQclear(r);
	PQfinish(pg);
	free(conninfo);
}

char *dump_take(struct daemon *d)
{
	char *conninfo = daemon_conninfo(d, "postgres"), *text = NULL;
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r =
		PQexec(pg, "SELECT datname FROM pg_database WHERE datallowconn AND datname !~ '^template'"
			   " AND datname <> 'postgres' ORDER BY 1");
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	assert_true(PQntuples(r) > 1);
	for (int i = 0; i < PQntuples(r); i++)
		add_database(f, d, PQgetvalue(r, i, 0));
	fclose(f);
	PQclear(r);
	PQfinish(pg);
	free(conninfo);
	return text;
}

char *dump_settled(struct daemon *d)
{
	char *before = dump_take(d);

	for (int i = 0; i < SETTLE_TRIES; i++) {
		char *after;

		temp_sleep_ms(SETTLE_MS);
		after = dump_take(d);
		if (strcmp(before, after) == 0) {
			free(after);
			return before;
		}
		free(before);
		before = after;
	}
	fail_msg("background work does not come to rest");
	return NULL;
}

const char *dump_difference(const char *a, const char *b)
{
	static char text[1000];

	while (*a != '\0' && *b != '\0') {
		const size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

		if (n != m || memcmp(a, b, n) != 0)
			break;
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
	}
	if (*a == '\0' && *b == '\0')
		return NULL;
	snprintf(text, sizeof(text), "%.*s\n%.*s", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
	return text;
}
