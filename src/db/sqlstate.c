/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where PostgreSQL's error codes become ours. */
#include <stdatomic.h>
#include <string.h>

#include "conn.h"

static _Atomic(const struct db_constraint *) constraints;

void db_constraints_register(const struct db_constraint *table)
{
	atomic_store(&constraints, table);
}

/* A code, or with fewer than five characters a class of them; the first that fits decides. */
static const struct rule {
	const char *state;
	enum err err;
} rules[] = {
	{"23505",  ERR_CONFLICT     }, /* unique_violation */
	{ "23503", ERR_CONFLICT     }, /* foreign_key_violation */
	{ "23514", ERR_CONFLICT     }, /* check_violation */
	{ "40001", ERR_RETRY        }, /* serialization_failure */
	{ "40P01", ERR_RETRY        }, /* deadlock_detected */
	{ "0A000", ERR_RETRY        }, /* a plan outlived a migration: "must not change result type" */
	{ "08",    ERR_UNAVAILABLE  }, /* connection_exception */
	{ "57P0",  ERR_UNAVAILABLE  }, /* shutting down, crashed, starting */
	{ "53",    ERR_UNAVAILABLE  }, /* insufficient_resources: disk, memory, connections */
	{ "58",    ERR_UNAVAILABLE  }, /* system_error: the disk fails */
	{ "57014", ERR_UNAVAILABLE  }, /* query_canceled: statement_timeout */
	{ "55P03", ERR_LOCK_WAIT    }, /* lock_not_available: lock_timeout */
	{ "25P03", ERR_UNAVAILABLE  }, /* idle_in_transaction_session_timeout */
	{ "42P01", ERR_TENANT_MOVING}, /* undefined_table: the schema is not here (any more) */
	{ "42501", ERR_TENANT_MOVING}, /* insufficient_privilege: its role is not ours (any more) */
	{ "3F000", ERR_TENANT_MOVING}, /* invalid_schema_name */
};

enum err sqlstate_class(const char *state)
{
	if (state == NULL)
		return ERR_UNAVAILABLE; /* libpq itself: the connection is gone */
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (str_starts(state, rules[i].state))
			return rules[i].err;
	return ERR_INTERNAL;
}

/* The server is there and cannot keep anything: its disk is full or fails, or it is a standby. */
static bool takes_no_writes(const char *state)
{
	return str_eq(state, "53100") || str_eq(state, "58030") || str_eq(state, "25006");
}

static const char *fault_word(const char *state)
{
	if (strcmp(state, "23505") == 0)
		return "taken";
	return strcmp(state, "23503") == 0 ? "reference" : "invalid";
}

enum err sqlstate_constraint(struct ctx *cx, const char *state, const char *constraint)
{
	const struct db_constraint *c = atomic_load(&constraints);

	while (c != NULL && c->constraint != NULL && !str_eq(c->constraint, constraint))
		c++;
	if (c == NULL || c->constraint == NULL)
		return ERR_CONFLICT;
	if (c->field != NULL && c->message != NULL)
		(void)refuse_field(cx, c->field, fault_word(state), "%s", c->message);
	if (c->message != NULL)
		return refuse(cx, c->err, "%s", c->message);
	return c->err;
}

/* The server's words may hold values and names of other rows: for the log, never for the client. */
enum err sqlstate_refuse(struct ctx *cx, const PGresult *r, const char *what)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	enum err e = sqlstate_class(state);

	if (e == ERR_CONFLICT)
		e = sqlstate_constraint(cx, state, PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME));
	cx->problem.no_writes = takes_no_writes(state);
	cx->problem.cause = arena_printf(cx->arena, "%s: SQLSTATE %s: %s", what,
		state != NULL ? state : "none", text != NULL ? text : PQresultErrorMessage(r));
	return e;
}
