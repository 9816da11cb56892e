/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of tenant context say about a request, and what an answer gives away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix.h"

static void may(struct verdicts *v, int status, const char *code)
{
	assert_true(v->n < (int)(sizeof(v->v) / sizeof(v->v[0])));
	v->v[v->n].status = status;
	v->v[v->n++].code = code;
}

static void may_succeed(struct verdicts *v, const struct cell *c)
{
	may(v, c->route->status, NULL);
	/* The operations of the stage have ended, but who gets this answer was let through. */
	if (strcmp(c->route->object != NULL ? c->route->object : "", "operation") == 0)
		may(v, 409, "not_cancellable");
	/* The region of the stage's bodies is none: see stage_body(). */
	if (strcmp(c->route->op, "deployTenant") == 0)
		may(v, 422, "validation_error");
	v->success = true;
}

/* Which tenants the request names, the path's included: a bit each. */
static unsigned named(const struct cell *c)
{
	unsigned set = 0;

	for (int i = 0; i < PLACES; i++)
		if (c->source->at[i].who != NOBODY)
			set |= 1u << c->source->at[i].who;
	if (path_names_tenant(c->route) && c->source->at[IN_PATH].who == NOBODY)
		set |= 1u << OWN;
	return set;
}

static bool is_platform(const char *scope)
{
	return scope == NULL || strncmp(scope, "platform:", 9) == 0;
}

static bool limited_may(const struct route *r)
{
	const char *held = "policies:read";

	return (r->scope != NULL && (strcmp(r->scope, held) == 0 || strcmp(r->scope, SCOPE_ANY) == 0)) ||
	       (r->scope_or != NULL && strcmp(r->scope_or, held) == 0);
}

static void expect_tenant(const struct cell *c, struct verdicts *v)
{
	const struct route *r = c->route;
	const bool tenants_own = r->auth != AUTH_OPERATOR &&
				 (!is_platform(r->scope) || !is_platform(r->scope_or));

	if ((named(c) & ~(1u << OWN)) != 0) {
		may(v, 403, "tenant_access_denied");
		if (!tenants_own)
			may(v, 403, "insufficient_scope");
	} else if (!tenants_own || (c->cred->holder == HOLDER_LIMITED && !limited_may(r))) {
		may(v, 403, "insufficient_scope");
	} else {
		may_succeed(v, c);
	}
}

static bool operator_may(const struct cell *c)
{
	const struct route *r = c->route;

	if (c->cred->holder == HOLDER_OPERATOR || strcmp(r->scope, SCOPE_ANY) == 0)
		return true;
	return strcmp(r->scope, "platform:read") == 0 ||
	       (r->scope_or != NULL && strcmp(r->scope_or, "platform:read") == 0);
}

static bool is_one(unsigned set)
{
	return set != 0 && (set & (set - 1)) == 0;
}

/* A scope that lacks may be found out before or after the tenant. */
static void expect_operator(const struct cell *c, struct verdicts *v)
{
	const unsigned set = named(c);
	const bool in_context = c->route->auth == AUTH_TENANT || path_names_tenant(c->route);

	if (!operator_may(c))
		may(v, 403, "insufficient_scope");
	if (c->source->at[IN_HOST].who != NOBODY) {
		may(v, 403, "operator_key_refused");
		return;
	}
	if (set != 0 && !is_one(set))
		may(v, 400, "tenant_context_conflict");
	if ((set & 1u << NOWHERE) != 0)
		may(v, 404, "tenant_not_found");
	if (set == 0 && in_context)
		may(v, 400, "tenant_required");
	else if (operator_may(c) && (set == 0 || (is_one(set) && (set & 1u << NOWHERE) == 0)))
		may_succeed(v, c);
}

void cell_expect(const struct cell *c, struct verdicts *ret)
{
	*ret = (struct verdicts){ 0 };
	if (c->route->auth == AUTH_PUBLIC) {
		may(ret, 200, NULL);
		may(ret, 400, NULL);
		may(ret, 421, NULL);
		return;
	}
	if (c->cred->holder == HOLDER_NONE)
		may(ret, 401, NULL);
	if (c->source->flaw == MISDIRECTED)
		may(ret, 421, "misdirected_request");
	else if (c->source->flaw == MALFORMED && c->cred->holder != HOLDER_NONE)
		may(ret, 400, "tenant_context_invalid");
	else if (c->cred->holder == HOLDER_TENANT || c->cred->holder == HOLDER_LIMITED)
		expect_tenant(c, ret);
	else if (c->cred->holder != HOLDER_NONE)
		expect_operator(c, ret);
}

bool verdicts_hold(const struct verdicts *v, const struct answer *a)
{
	for (int i = 0; i < v->n; i++) {
		const json_t *code = answer_at(a, "error");
		const char *wanted = v->v[i].code;

		if (v->v[i].status != a->status)
			continue;
		if (wanted == NULL || (json_is_string(code) && strcmp(json_string_value(code), wanted) == 0))
			return true;
	}
	return false;
}

void verdicts_print(const struct verdicts *v, char *ret, size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (int i = 0; i < v->n && n < size - 1; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%d %s", i > 0 ? " or " : "", v->v[i].status,
				      v->v[i].code != NULL ? v->v[i].code : "");
}

/* Leaks --------------------------------------------------------------------------------------------- */

static bool sent_holds(const struct cell *c, const char *needle, const char **ret_text)
{
	for (int i = 0; i < c->nsent; i++) {
		if (strstr(c->sent[i], needle) != NULL) {
			*ret_text = c->sent[i];
			return true;
		}
	}
	return false;
}

/* Beyond the echo of what the request itself said. */
static bool shows(const struct cell *c, const char *text, const char *needle)
{
	const char *sent;
	char *copy, *at;
	bool found;

	if (strstr(text, needle) == NULL)
		return false;
	copy = strdup(text);
	while (sent_holds(c, needle, &sent) && (at = strstr(copy, sent)) != NULL)
		memset(at, '@', strlen(sent));
	found = strstr(copy, needle) != NULL;
	free(copy);
	return found;
}

static bool shows_any(const struct cell *c, const struct answer *a, const char *needle)
{
	return shows(c, a->body, needle) || shows(c, a->head, needle);
}

/* What the credential may know of this party: 0 nothing, 1 that it exists, 2 what it holds. */
static int insight(const struct cell *c, int party)
{
	switch (c->cred->holder) {
	case HOLDER_TENANT:
	case HOLDER_LIMITED:
		return party == c->cred->party ? 2 : 0;
	case HOLDER_OPERATOR:
	case HOLDER_READER:
		return party == c->party ? 2 : c->route->auth == AUTH_OPERATOR;
	case HOLDER_NONE:
		break;
	}
	return 0;
}

const char *cell_leak(const struct cell *c, const struct answer *a)
{
	for (int i = 0; i < PARTIES; i++) {
		const struct party *p = &c->s->party[i];
		const int known = insight(c, i);

		if (shows_any(c, a, p->schema))
			return p->schema;
		if (known < 2 && shows_any(c, a, p->marker))
			return p->marker;
		if (known < 1 && shows_any(c, a, p->t.id))
			return p->t.id;
		if (known < 1 && shows_any(c, a, p->t.slug))
			return p->t.slug;
		if (known < 1 && shows_any(c, a, p->title))
			return p->title;
	}
	return NULL;
}

/* Comparison ---------------------------------------------------------------------------------------- */

static void mask_all(char *text, const char *what)
{
	const size_t n = strlen(what);

	for (char *at = text; n > 0 && (at = strstr(at, what)) != NULL; at++) {
		*at = '@';
		memmove(at + 1, at + n, strlen(at + n) + 1);
	}
}

/* The values of a text or number member, wherever it is. */
static void mask_member(char *text, const char *member)
{
	char key[64];

	snprintf(key, sizeof(key), "\"%s\":", member);
	for (char *at = strstr(text, key); at != NULL; at = strstr(at, key)) {
		char *value = at + strlen(key);
		const size_t quoted = *value == '"' ? 1 + strcspn(value + 1, "\"") + 1 : 0;
		const size_t n = quoted > 0 ? quoted : strcspn(value, ",}");

		if (n > strlen(value))
			return;
		memmove(value, value + n, strlen(value + n) + 1);
		at = value;
	}
}

/* Of the header its names only: their values count and tell the time. */
static void copy_names(const char *head, char *ret, size_t size)
{
	size_t n = 0;

	for (const char *line = head; *line != '\0' && n < size - 1;) {
		const char *end = strstr(line, "\r\n");
		const size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
		const char *colon = memchr(line, ':', len);
		const size_t name = colon != NULL ? (size_t)(colon - line) : len;

		n += (size_t)snprintf(ret + n, size - n, "%.*s\n", (int)name, line);
		line += len + (end != NULL ? 2 : 0);
	}
}

char *answer_masked(const struct cell *c, const struct answer *a)
{
	const size_t size = strlen(a->head) + a->body_len + 16;
	char *text = calloc(1, size);
	size_t n;

	assert_non_null(text);
	copy_names(a->head, text, size);
	n = strlen(text);
	snprintf(text + n, size - n, "%s", a->body);
	mask_member(text, "request_id");
	mask_member(text, "timestamp");
	/* Of /health: time passes between two requests. */
	mask_member(text, "uptime_seconds");
	mask_member(text, "latency_ms");
	for (int i = 0; i < c->nsent; i++)
		if (strlen(c->sent[i]) > 8 && strncmp(c->sent[i], "tenant-", 7) == 0)
			mask_all(text, c->sent[i]);
	for (int i = 0; i < c->nsent; i++)
		mask_all(text, c->sent[i]);
	return text;
}
