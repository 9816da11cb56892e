/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: each in a transaction of its own, recorded with its checksum in the same commit. */
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "cc/db/migrate.h"

/* A run over one database. */
struct run {
	struct ctx *cx;
	struct db_session *s;
	const struct migration_set *set;
	const char *schema; /* as it is called */
	const char *quoted;
};

static enum err script(const struct run *r, const char *fmt)
{
	return db_session_script(r->cx, r->s, arena_printf(r->cx->arena, "%s %s", fmt, r->quoted));
}

/* The server counts, so that nothing here depends on a library for digests. */
static enum err checksum(const struct run *r, const char *sql, const char **ret)
{
	return db_session_exec(
		r->cx, r->s, "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')", 1, &sql, ret);
}

static enum err lock(const struct run *r, const char *function, const char **ret)
{
	const char *sql = arena_printf(
		r->cx->arena, "SELECT %s(hashtextextended('controlcored migrate ' || $1, 0))", function);

	return db_session_exec(r->cx, r->s, sql, 1, &r->schema, ret);
}

static enum err has_table(const struct run *r, bool *ret)
{
	const char *name = arena_printf(r->cx->arena, "%s.migration", r->quoted), *found = NULL;
	enum err e = db_session_exec(r->cx, r->s, "SELECT to_regclass($1)::text", 1, &name, &found);

	if (e == ERR_NONE)
		*ret = found != NULL;
	return e;
}

static enum err make_table(const struct run *r)
{
	enum err e = script(r, "CREATE SCHEMA IF NOT EXISTS");

	if (e != ERR_NONE)
		return e;
	return db_session_script(r->cx, r->s,
		arena_printf(r->cx->arena,
			"CREATE TABLE IF NOT EXISTS %s.migration (version int PRIMARY KEY,"
			" name text NOT NULL, checksum text NOT NULL,"
			" applied_at timestamptz NOT NULL DEFAULT now())",
			r->quoted));
}

/* NULL: not applied. */
static enum err applied_checksum(const struct run *r, const struct migration *m, const char **ret)
{
	const char *sql = arena_printf(
		r->cx->arena, "SELECT checksum FROM %s.migration WHERE version = $1::int", r->quoted);
	const char *version = arena_printf(r->cx->arena, "%d", m->version);

	return db_session_exec(r->cx, r->s, sql, 1, &version, ret);
}

/* After an error the transaction can only be rolled back; the first problem is the one to report. */
static enum err end_transaction(struct ctx *cx, struct db_session *s, enum err e)
{
	const struct problem problem = cx->problem;
	enum err ended = db_session_script(cx, s, e == ERR_NONE ? "COMMIT" : "ROLLBACK");

	if (e == ERR_NONE)
		return ended;
	cx->problem = problem;
	return e;
}

static enum err in_schema(struct ctx *cx, struct db_session *s, const char *quoted)
{
	const char *path = arena_printf(cx->arena, "%s, pg_temp", quoted);

	return db_session_exec(cx, s, "SELECT set_config('search_path', $1, true)", 1, &path, NULL);
}

static enum err note_name(
	struct ctx *cx, const struct migration_set *set, const struct migration *m, enum err e)
{
	if (e != ERR_NONE)
		cx->problem.cause = arena_printf(cx->arena, "migration %s/%s: %s", set->name, m->name,
			cx->problem.cause != NULL ? cx->problem.cause : "");
	return e;
}

static enum err apply(const struct run *r, const struct migration *m, const char *sum)
{
	const char *sql = arena_printf(r->cx->arena,
		"INSERT INTO %s.migration (version, name, checksum) VALUES ($1::int, $2, $3)", r->quoted);
	const char *const row[] = { arena_printf(r->cx->arena, "%d", m->version), m->name, sum };
	enum err e = db_session_script(r->cx, r->s, "BEGIN");

	if (e == ERR_NONE)
		e = in_schema(r->cx, r->s, r->quoted);
	if (e == ERR_NONE)
		e = db_session_script(r->cx, r->s, m->sql);
	if (e == ERR_NONE)
		e = db_session_exec(r->cx, r->s, sql, 3, row, NULL);
	return note_name(r->cx, r->set, m, end_transaction(r->cx, r->s, e));
}

static enum err step(const struct run *r, const struct migration *m, bool table, bool dry, int *n)
{
	const char *was = NULL, *sum = NULL;
	enum err e = checksum(r, m->sql, &sum);

	if (e == ERR_NONE && table)
		e = applied_checksum(r, m, &was);
	if (e != ERR_NONE)
		return e;
	if (was != NULL && !str_eq(was, sum))
		return refuse(r->cx, ERR_CONFLICT,
			"migration %s/%s.sql was changed after it had been applied", r->set->name, m->name);
	if (was == NULL && !dry)
		e = apply(r, m, sum);
	*n += was == NULL && e == ERR_NONE;
	return e;
}

static enum err run_all(const struct run *r, bool dry, int *n)
{
	bool table = false;
	enum err e = has_table(r, &table);

	if (e == ERR_NONE && !table && !dry) {
		e = make_table(r);
		table = true;
	}
	for (size_t i = 0; i < r->set->n && e == ERR_NONE; i++)
		e = step(r, &r->set->v[i], table, dry, n);
	return e;
}

enum err migrate_is_busy(struct ctx *cx, struct db_session *s, const char *schema, bool *ret)
{
	const struct run r = { .cx = cx, .s = s, .schema = schema };
	const char *got = NULL;
	enum err e = lock(&r, "pg_try_advisory_lock", &got);

	*ret = e == ERR_NONE && !str_eq(got, "t");
	return e != ERR_NONE || *ret ? e : lock(&r, "pg_advisory_unlock", NULL);
}

enum err migrate_database(struct ctx *cx, struct db_session *s, const struct migration_set *set,
	const char *schema, bool dry, int *ret_applied)
{
	struct run r = {
		.cx = cx, .s = s, .set = set, .schema = schema, .quoted = session_name(cx, s, schema)
	};
	struct problem problem;
	int n = 0;
	enum err e, unlocked;

	if (r.quoted == NULL)
		return ERR_INTERNAL;
	e = lock(&r, "pg_advisory_lock", NULL);
	if (e != ERR_NONE)
		return e;
	e = run_all(&r, dry, &n);
	problem = cx->problem;
	unlocked = lock(&r, "pg_advisory_unlock", NULL);
	if (e != ERR_NONE) {
		cx->problem = problem;
		return e;
	}
	*ret_applied = n;
	return unlocked;
}

/*
 * The schema itself says what it is at, in the commit that brings it there: a record elsewhere may be
 * behind, when whoever should have written it died in between. *from becomes the later of the two.
 */
static enum err read_version(struct ctx *cx, struct db_session *s, const char *schema, int *from)
{
	static const char sql[] =
		"SELECT substr(obj_description(oid, 'pg_namespace'), 9) FROM pg_namespace"
		" WHERE nspname = $1 AND obj_description(oid, 'pg_namespace') LIKE 'version %'";
	const char *text = NULL;
	int64_t version;
	enum err e;

	e = db_session_exec(cx, s,
		"SELECT pg_advisory_xact_lock(hashtextextended('controlcored schema ' || $1, 0))", 1, &schema,
		NULL);
	if (e == ERR_NONE)
		e = db_session_exec(cx, s, sql, 1, &schema, &text);
	if (e == ERR_NONE && text != NULL && parse_int64(text, &version) && version > *from)
		*from = (int)version;
	return e;
}

static enum err write_version(struct ctx *cx, struct db_session *s, const char *quoted, int version)
{
	return db_session_script(
		cx, s, arena_printf(cx->arena, "COMMENT ON SCHEMA %s IS 'version %d'", quoted, version));
}

static enum err apply_from(struct ctx *cx, struct db_session *s, const struct migration_set *set,
	const char *quoted, int from, int to)
{
	int at = from;
	enum err e = ERR_NONE;

	for (size_t i = 0; i < set->n && e == ERR_NONE; i++) {
		const struct migration *m = &set->v[i];

		if (m->version <= from || (to > 0 && m->version > to))
			continue;
		e = note_name(cx, set, m, db_session_script(cx, s, m->sql));
		at = m->version;
	}
	return e == ERR_NONE && at > from ? write_version(cx, s, quoted, at) : e;
}

enum err migrate_tenant_schema(struct ctx *cx, struct db_session *s, const struct migration_set *set,
	const char *schema, const char *owner_role, int from, int to)
{
	const char *quoted = session_name(cx, s, schema);
	enum err e;

	if (quoted == NULL)
		return ERR_INTERNAL;
	e = db_session_script(cx, s, "BEGIN");
	if (e == ERR_NONE)
		e = db_session_exec(cx, s,
			"SELECT set_config('role', $1, true), set_config('lock_timeout', '2s', true)", 1,
			&owner_role, NULL);
	if (e == ERR_NONE)
		e = in_schema(cx, s, quoted);
	if (e == ERR_NONE)
		e = read_version(cx, s, schema, &from);
	if (e == ERR_NONE)
		e = apply_from(cx, s, set, quoted, from, to);
	return end_transaction(cx, s, e);
}
