/* SPDX-License-Identifier: Apache-2.0 */
/* Databases and login roles: the statements that take no parameters. */
#include <string.h>

#include "session.h"

static enum err bad_name(struct ctx *cx, const char *name)
{
	cx->problem.cause = arena_printf(cx->arena, "not a name: %s", name);
	return ERR_INTERNAL;
}

static enum err exists(struct ctx *cx, struct db_session *s, const char *sql, const char *name, bool *ret)
{
	const char *one = NULL;
	enum err e = db_session_exec(cx, s, sql, 1, &name, &one);

	if (e == ERR_NONE)
		*ret = one != NULL;
	return e;
}

/* Two nodes may set up the same server: whoever comes second finds what the first one made. */
static enum err unless_made(
	struct ctx *cx, struct db_session *s, enum err e, const char *sql, const char *name)
{
	bool there = false;

	if (e != ERR_NONE && exists(cx, s, sql, name, &there) == ERR_NONE && there) {
		ctx_clear_problem(cx);
		return ERR_NONE;
	}
	return e;
}

/*
 * Who gives a database to a role must be a member of it, or a superuser: a role that may make roles and
 * databases may also make itself a member.
 */
static enum err join_role(struct ctx *cx, struct db_session *s, const char *role)
{
	/* Of 16 and later, whoever makes a role is a member at once, and one that may not do this. */
	static const char find[] =
		"SELECT 1 WHERE pg_has_role(current_user, $1, CASE WHEN"
		" current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)";
	bool member = false;
	enum err e = exists(cx, s, find, role, &member);

	if (e != ERR_NONE || member)
		return e;
	e = db_session_script(cx, s,
		arena_printf(cx->arena, "GRANT %s TO CURRENT_USER", session_name(cx, s, role)));
	return unless_made(cx, s, e, find, role);
}

enum err db_session_create_database(struct ctx *cx, struct db_session *s, const char *name, const char *owner)
{
	static const char find[] = "SELECT 1 FROM pg_database WHERE datname = $1";
	const char *quoted = session_name(cx, s, name);
	const char *quoted_owner = owner != NULL ? session_name(cx, s, owner) : "CURRENT_USER";
	bool there = false;
	enum err e = exists(cx, s, find, name, &there);

	if (quoted == NULL || quoted_owner == NULL)
		return bad_name(cx, name);
	if (e == ERR_NONE && !there && owner != NULL)
		e = join_role(cx, s, owner);
	if (e != ERR_NONE || there)
		return e;
	e = db_session_script(cx, s,
		arena_printf(cx->arena, "CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8'",
			quoted, quoted_owner));
	return unless_made(cx, s, e, find, name);
}

static enum err set_password(struct ctx *cx, struct db_session *s, const char *name, const char *password)
{
	const char *verifier = session_verifier(cx, s, name, password);

	if (verifier == NULL)
		return bad_name(cx, name);
	return db_session_script(cx, s,
		arena_printf(cx->arena, "ALTER ROLE %s PASSWORD %s", session_name(cx, s, name),
			session_literal(cx, s, verifier)));
}

enum err db_session_login_role(
	struct ctx *cx, struct db_session *s, const char *name, const char *password, bool createrole)
{
	static const char find[] = "SELECT 1 FROM pg_roles WHERE rolname = $1";
	const char *quoted = session_name(cx, s, name);
	bool there = false;
	enum err e = exists(cx, s, find, name, &there);

	if (quoted == NULL)
		return bad_name(cx, name);
	if (e == ERR_NONE && !there) {
		e = db_session_script(cx, s,
			arena_printf(cx->arena, "CREATE ROLE %s LOGIN %s", quoted,
				createrole ? "CREATEROLE" : "NOINHERIT"));
		e = unless_made(cx, s, e, find, name);
	}
	if (e == ERR_NONE && password != NULL)
		e = set_password(cx, s, name, password);
	return e;
}
