/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "cc/core/audit_chain.h"

struct chain {
	const char *name; /* "data", "control" */
	const char *tenant_id;
	const char *rows, *head; /* what follows FROM: "t_x.audit", "cc.tenant WHERE id = '…'" */
};

static PGresult *ask(PGconn *pg, const char *what, const char *from)
{
	char sql[1024];
	PGresult *r;

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s", what, from);
	r = PQexec(pg, sql);
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(r));
	return r;
}

static const char *text(const PGresult *r, int row, const char *column)
{
	const int c = PQfnumber(r, column);

	return PQgetisnull(r, row, c) ? NULL : PQgetvalue(r, row, c);
}

static int64_t number(const PGresult *r, int row, const char *column)
{
	return strtoll(text(r, row, column), NULL, 10);
}

static void check_rows(const struct chain *c, const PGresult *rows, char *mac)
{
	struct arena *a = arena_create(8192);
	const struct bytes secret = { (const unsigned char *)daemon_audit_key, strlen(daemon_audit_key) };
	int64_t before = 0;
	unsigned char key[AUDIT_MAC_LEN], prev[AUDIT_MAC_LEN], next[AUDIT_MAC_LEN];

	memcpy(prev, audit_no_mac, sizeof(prev));
	for (int i = 0; i < PQntuples(rows); i++) {
		const struct audit_row r = {
			.chain = c->name,
			.seq = number(rows, i, "seq"),
			.timestamp = number(rows, i, "us"),
			.actor_kind = text(rows, i, "actor_kind"),
			.actor = text(rows, i, "actor"),
			.action = text(rows, i, "action"),
			.category = text(rows, i, "category"),
			.object_type = text(rows, i, "object_type"),
			.object_id = text(rows, i, "object_id"),
			.environment = text(rows, i, "environment"),
			.outcome = text(rows, i, "outcome"),
			.request_id = text(rows, i, "request_id"),
			.ip = text(rows, i, "ip"),
			.detail = text(rows, i, "detail"),
			.tenant_id = c->tenant_id,
			.key_version = number(rows, i, "key_version"),
		};

		assert_int_equal(i + 1, r.seq);
		assert_true(r.timestamp >= before);
		before = r.timestamp;
		assert_string_equal(hex_encode(a, prev, sizeof(prev)), text(rows, i, "prev"));
		audit_key(secret, c->tenant_id, r.key_version, key);
		audit_row_mac(a, key, prev, &r, next);
		memcpy(prev, next, sizeof(prev));
		assert_string_equal(hex_encode(a, prev, sizeof(prev)), text(rows, i, "hex"));
	}
	snprintf(mac, 2 * AUDIT_MAC_LEN + 1, "%s", hex_encode(a, prev, sizeof(prev)));
	arena_destroy(a);
}

static void check_chain(PGconn *pg, const struct chain *c)
{
	char from[512], mac[2 * AUDIT_MAC_LEN + 1];
	PGresult *rows, *head;

	snprintf(from, sizeof(from), "%s ORDER BY seq", c->rows);
	rows = ask(pg,
		"*, (extract(epoch FROM at) * 1000000)::bigint AS us, encode(mac, 'hex') AS hex,"
		" encode(prev_mac, 'hex') AS prev",
		from);
	check_rows(c, rows, mac);
	head = ask(pg, "audit_seq, encode(audit_mac, 'hex') AS hex", c->head);
	assert_int_equal(1, PQntuples(head));
	assert_int_equal(PQntuples(rows), number(head, 0, "audit_seq"));
	assert_string_equal(mac, text(head, 0, "hex"));
	PQclear(rows);
	PQclear(head);
}

static PGconn *connect_to(struct daemon *d, const char *database)
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);

	if (PQstatus(pg) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(pg));
	free(conninfo);
	return pg;
}

void chain_check_tenant(struct daemon *d, const char *tenant_id, const char *region)
{
	char *database = daemon_region_db(region), rows[200], head[200];
	PGconn *control = connect_to(d, DAEMON_CONTROL_DB), *data = connect_to(d, database);
	PGresult *schema;

	snprintf(rows, sizeof(rows), "cc.tenant_audit WHERE tenant_id = '%s'", tenant_id);
	snprintf(head, sizeof(head), "cc.tenant WHERE id = '%s'", tenant_id);
	check_chain(control, &(struct chain){ "control", tenant_id, rows, head });
	schema = ask(control, "schema_id", head);
	snprintf(rows, sizeof(rows), "%s.audit", text(schema, 0, "schema_id"));
	snprintf(head, sizeof(head), "%s.head", text(schema, 0, "schema_id"));
	check_chain(data, &(struct chain){ "data", tenant_id, rows, head });
	PQclear(schema);
	PQfinish(control);
	PQfinish(data);
	free(database);
}
