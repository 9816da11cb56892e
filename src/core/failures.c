/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/failures.h"

#include "cc/base/cidr.h"
#include "cc/base/clock.h"
#include "cc/core/limiter.h"
#include "cc/core/world.h"
#include "cc/crypto/apikey.h"

#define WINDOW_S 60
#define V6_SITE "/64"           /* one client has all addresses of it */

/* Look-ups for an address that has spent its failures: enough for its good credentials, little for floods. */
static const struct rate ration = { .limit = 100, .window = 1 };

static struct rate failure_rate(const struct ctx *cx)
{
	return (struct rate){ .limit = cx->world->settings->auth_failures, .window = WINDOW_S };
}

/* What is no address shares one meter. */
static const char *address_meter(struct ctx *cx, const char *what)
{
	char *text = arena_alloc(cx->arena, CIDR_TEXT_MAX);
	struct cidr c;

	if (cx->remote_ip == NULL || !cidr_parse(cx->remote_ip, &c))
		return what;
	if (!c.v4)
		(void)cidr_parse(arena_printf(cx->arena, "%s" V6_SITE, cx->remote_ip), &c);
	cidr_print(&c, text);
	return arena_printf(cx->arena, "%s:%s", what, text);
}

static const char *key_meter(struct ctx *cx, const char *key_id)
{
	return arena_printf(cx->arena, "key:%s", key_id);
}

static bool is_spent(struct ctx *cx, const char *meter)
{
	const struct rate rate = failure_rate(cx);
	struct limit_verdict v;

	limiter_take(cx->world->failures, meter, &rate, 0, clock_mono_us(), &v);
	return v.remaining <= 0;
}

static enum err too_many(struct ctx *cx, const struct limit_verdict *v, const char *whose)
{
	ctx_clear_problem(cx);
	cx->problem.limit = v->limit;
	cx->problem.retry_after = v->retry_after_s;
	return refuse(cx, ERR_RATE_LIMITED, "too many credentials were refused %s", whose);
}

enum err failures_before_look(struct ctx *cx, const char *key_id)
{
	const char *second = key_id != NULL ? key_meter(cx, key_id) : address_meter(cx, "unchecked");
	struct limit_verdict v;

	if (cx->rationed || (!is_spent(cx, address_meter(cx, "from")) && !is_spent(cx, second)))
		return ERR_NONE;
	limiter_take(cx->world->failures, address_meter(cx, "look"), &ration, 1, clock_mono_us(), &v);
	cx->rationed = v.allowed;
	return v.allowed ? ERR_NONE : too_many(cx, &v, "from this address");
}

enum err failures_before_origin(struct ctx *cx)
{
	struct limit_verdict v;

	limiter_take(cx->world->failures, address_meter(cx, "origin"), &ration, 1, clock_mono_us(), &v);
	if (v.allowed)
		return ERR_NONE;
	cx->problem.limit = v.limit;
	cx->problem.retry_after = v.retry_after_s;
	return refuse(cx, ERR_RATE_LIMITED, "too many preflights from this address");
}

static bool is_refusal(enum err e)
{
	return e == ERR_UNAUTHORIZED || e == ERR_INVALID_TOKEN || e == ERR_KEY_EXPIRED ||
	       e == ERR_KEY_REVOKED || e == ERR_ADDRESS;
}

static bool take(struct ctx *cx, const char *meter, struct limit_verdict *ret)
{
	const struct rate rate = failure_rate(cx);

	limiter_take(cx->world->failures, meter, &rate, 1, clock_mono_us(), ret);
	return ret->allowed;
}

void failures_unchecked(struct ctx *cx)
{
	struct limit_verdict ignored;

	(void)take(cx, address_meter(cx, "unchecked"), &ignored);
}

enum err failures_note(struct ctx *cx, const char *text, enum err e)
{
	struct limit_verdict address, key = { .allowed = true };
	struct apikey parsed;

	if (!is_refusal(e))
		return e;
	(void)take(cx, address_meter(cx, "from"), &address);
	/* A stolen key that is used elsewhere is not its owner's failure. */
	if (e != ERR_ADDRESS && apikey_parse(text, &parsed))
		(void)take(cx, key_meter(cx, parsed.id), &key);
	if (!address.allowed)
		return too_many(cx, &address, "from this address");
	return key.allowed ? e : too_many(cx, &key, "that name this key");
}
