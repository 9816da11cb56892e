/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may be: never more than the one that makes it, and of what it was never more. */
#include "apikeys_in.h"

#include "cc/base/cidr.h"
#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/scope.h"

#define WIDER "cannot_widen"

void apikeys_check_scopes(struct ctx *cx, const struct strv *names)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < names->n; i++) {
		const uint64_t bit = scope_bit(names->v[i]);
		const char *field = arena_printf(cx->arena, "scopes[%zu]", i);

		if (bit == 0)
			(void)refuse_field(cx, field, "unknown_scope", "`%s` is not a scope", field);
		else if (seen & bit)
			(void)refuse_field(cx, field, "duplicate", "`%s` is there twice: %s", field,
					   names->v[i]);
		seen |= bit;
	}
}

static const char *joined(struct arena *a, uint64_t bits)
{
	const struct strv names = scope_list(a, bits);
	struct str out;

	str_init(&out, a, 64);
	for (size_t i = 0; i < names.n; i++)
		str_addf(&out, "%s%s", i > 0 ? ", " : "", names.v[i]);
	return out.data;
}

enum err apikeys_check_grant(struct ctx *cx, uint64_t wanted, uint64_t grantable)
{
	if (wanted & ~grantable)
		return refuse(cx, ERR_SCOPE_GRANT, "this credential cannot grant %s",
			      joined(cx->arena, wanted & ~grantable));
	return ERR_NONE;
}

enum err apikeys_check_held(struct ctx *cx, const struct strv *scopes, uint64_t held)
{
	const uint64_t more = scope_bits(scopes) & ~held;

	if (more != 0)
		return refuse(cx, ERR_SCOPE, "the API key may do what this credential may not: %s",
			      joined(cx->arena, more));
	return ERR_NONE;
}

void apikeys_check_expiry(struct ctx *cx, int64_t expires_at)
{
	const struct actor *a = cx->actor;
	/* A person outlives every token: that it ends says nothing of what they may hand on. */
	const int64_t most = a != NULL && a->kind != ACTOR_USER ? a->expires_at : TIME_NULL;

	if (expires_at != TIME_NULL && expires_at <= clock_wall_us())
		(void)refuse_field(cx, "expires_at", "expires_in_past", "`expires_at` must be in the future");
	else if (most != TIME_NULL && (expires_at == TIME_NULL || expires_at > most))
		(void)refuse_field(cx, "expires_at", "beyond_creator",
				    "`expires_at` must not be later than that of the key that asks: %s",
				    time_format(cx->arena, most));
}

static const char *cidr_field(struct ctx *cx, size_t i)
{
	return arena_printf(cx->arena, "allowed_cidrs[%zu]", i);
}

struct strv apikeys_cidrs(struct ctx *cx, const struct strv *texts)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, texts->n + 1);
	struct strv ret = { .v = v };

	for (size_t i = 0; i < texts->n; i++) {
		char *text = arena_alloc(cx->arena, CIDR_TEXT_MAX);
		struct cidr c;

		if (!cidr_parse(texts->v[i], &c)) {
			(void)refuse_field(cx, cidr_field(cx, i), "format",
					   "`%s` must be a network or an address of IPv4 or IPv6, "
					   "such as 192.0.2.0/24", cidr_field(cx, i));
			continue;
		}
		cidr_print(&c, text);
		if (strv_has(&ret, text))
			(void)refuse_field(cx, cidr_field(cx, i), "duplicate", "`%s` is there twice: %s",
					   cidr_field(cx, i), text);
		v[ret.n++] = text;
	}
	return ret;
}

static bool is_within(const struct cidr *c, const struct cidr *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_within(c, &v[i]))
			return true;
	return false;
}

static void keep_within(struct ctx *cx, const struct strv *cidrs, const struct cidr *v, size_t n,
			const char *error, const char *whose)
{
	struct cidr c;

	if (cidrs->n == 0)
		(void)refuse_field(cx, "allowed_cidrs", error,
				   "`allowed_cidrs` must not be empty: that would be more than %s", whose);
	for (size_t i = 0; i < cidrs->n; i++)
		if (!cidr_parse(cidrs->v[i], &c) || !is_within(&c, v, n))
			(void)refuse_field(cx, cidr_field(cx, i), error, "`%s` must lie in %s: %s",
					   cidr_field(cx, i), whose, cidrs->v[i]);
}

void apikeys_check_cidrs(struct ctx *cx, const struct strv *cidrs)
{
	const struct actor *a = cx->actor;

	if (a != NULL && a->bound)
		keep_within(cx, cidrs, a->cidrs, a->ncidrs, "beyond_creator",
			    "the networks of the key that asks");
}

static void check_fewer_scopes(struct ctx *cx, const struct strv *was, const struct strv *is)
{
	for (size_t i = 0; i < is->n; i++) {
		const char *field = arena_printf(cx->arena, "scopes[%zu]", i);

		if (scope_bit(is->v[i]) != 0 && !strv_has(was, is->v[i]))
			(void)refuse_field(cx, field, WIDER, "`%s` must be a scope that the key has: %s",
					   field, is->v[i]);
	}
}

static void check_fewer_addresses(struct ctx *cx, const struct strv *was, const struct strv *is)
{
	struct cidr *v = ARENA_ARRAY(cx->arena, struct cidr, was->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < was->n; i++)
		n += cidr_parse(was->v[i], &v[n]);
	if (was->n > 0)
		keep_within(cx, is, v, n, WIDER, "the networks that the key has");
}

void apikeys_check_narrower(struct ctx *cx, const struct api_key_row *was, const struct api_key_row *is)
{
	apikeys_check_scopes(cx, &is->scopes);
	check_fewer_scopes(cx, &was->scopes, &is->scopes);
	check_fewer_addresses(cx, &was->allowed_cidrs, &is->allowed_cidrs);
	if (is->expires_at == was->expires_at)
		return;
	if (was->expires_at != TIME_NULL && (is->expires_at == TIME_NULL || is->expires_at > was->expires_at))
		(void)refuse_field(cx, "expires_at", WIDER, "`expires_at` must not be later than it is: %s",
				   time_format(cx->arena, was->expires_at));
	else if (is->expires_at <= clock_wall_us())
		(void)refuse_field(cx, "expires_at", "expires_in_past", "`expires_at` must be in the future");
}
