/* SPDX-License-Identifier: Apache-2.0 */
#include "router.h"

#include <string.h>

/* Every brace pair is a whole segment with a name in it; returns how many, -1: malformed. */
static int count_params(const char *path)
{
	int n = 0;

	if (path[0] != '/')
		return -1;
	for (const char *p = path; *p == '/';) {
		const char *segment = ++p;
		const size_t len = strcspn(segment, "/");

		p += len;
		if (len == 0 && path[1] != '\0')
			return -1;
		if (memchr(segment, '{', len) == NULL && memchr(segment, '}', len) == NULL)
			continue;
		if (len < 3 || segment[0] != '{' || segment[len - 1] != '}')
			return -1;
		n++;
	}
	return n;
}

static const char *check_words(const struct route *r)
{
	if (r->op == NULL || r->op[0] == '\0')
		return "has no op";
	if (r->summary == NULL)
		return "has no summary";
	if (r->handler == NULL)
		return "has no handler";
	if (r->status < 200 || r->status > 299)
		return "has no success status (2xx)";
	if (r->method >= M_HEAD)
		return "HEAD, OPTIONS and others are answered by the router itself";
	return NULL;
}

static bool has_secret(const struct schema *s)
{
	for (size_t i = 0; s != NULL && i < s->nfields; i++)
		if ((s->fields[i].flags & F_SECRET) != 0 || has_secret(s->fields[i].sub))
			return true;
	return false;
}

static const char *check_sense(const struct route *r)
{
	if (r->auth == AUTH_PUBLIC && (r->scope != NULL || r->scope_or != NULL))
		return "is public and names a scope";
	if (r->auth != AUTH_PUBLIC && r->scope == NULL)
		return "names no scope and is not AUTH_PUBLIC";
	if (r->method == M_GET && r->body != NULL)
		return "a GET has no body";
	if (has_secret(r->reply) && (r->flags & ROUTE_NO_STORE) == 0)
		return "answers a secret without ROUTE_NO_STORE";
	if (r->resume != NULL && (r->store != STORE_NONE || !route_is_write(r)))
		return "resumes what is no write in several units of work";
	if (r->list != NULL && r->reply == NULL)
		return "is a list without a reply schema";
	if ((r->flags & ROUTE_BARE_ARRAY) != 0 && r->list == NULL)
		return "is a bare array without a list name";
	if ((r->flags & ROUTE_INLINE) != 0 && r->store != STORE_NONE)
		return "is inline and wants a unit of work: the I/O thread never blocks";
	return NULL;
}

static const char *check_path(const struct route *r)
{
	const int n = r->path != NULL ? count_params(r->path) : -1;

	if (n < 0)
		return "its path is malformed";
	return n > REQ_PARAMS_MAX ? "its path has too many parameters" : NULL;
}

const char *route_self_check(struct arena *a, const struct route_group *g, const struct route *r)
{
	const struct schema *const schemas[] = { r->query, r->body, r->reply };
	const char *why = check_path(r);

	if (why == NULL)
		why = check_words(r);
	if (why == NULL)
		why = check_sense(r);
	for (size_t i = 0; why == NULL && i < sizeof(schemas) / sizeof(schemas[0]); i++) {
		if (schemas[i] != NULL)
			why = schema_self_check(a, schemas[i]);
	}
	if (why == NULL)
		return NULL;
	return arena_printf(a, "%s: %s %s%s (%s): %s", g->tag, method_name(r->method), g->prefix,
			    r->path != NULL ? r->path : "(no path)", r->op != NULL ? r->op : "no op", why);
}
