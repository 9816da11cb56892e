/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that issuers publish: fetched by one for all, kept while the issuer cannot be reached. */
#include <stddef.h>
#include <string.h>

#include "jwks.h"
#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/net/http_client.h"

enum {
	FETCH_MS = 5000,
	ANSWER_MAX = 256 * 1024,
	FRESH_MS = 10 * 60 * 1000,      /* older keys are asked for again … */
	STALE_MS = 24 * 60 * 60 * 1000, /* … and serve this long while that fails */
	PAUSE_MS = 60 * 1000,           /* between two questions, whatever tokens come */
	RETRY_MS = 10 * 1000,           /* after one that failed */
};

static struct keyset_entry *keyset_entry_at(struct entry *e)
{
	return (struct keyset_entry *)(void *)e;
}

static void keyset_forget(struct registry *r, struct entry *e)
{
	(void)map_take(r->keysets.map, keyset_entry_at(e)->url);
	lru_unlink(&r->keysets, e);
}

static void keyset_keep(struct registry *r, struct entry *e)
{
	struct keyset_entry *k = keyset_entry_at(e);
	struct entry *before = map_get(r->keysets.map, k->url);

	if (before != NULL)
		keyset_forget(r, before);
	if (r->keysets.count >= r->keysets.max)
		keyset_forget(r, r->keysets.ring.prev);
	lru_link(&r->keysets, e);
	(void)map_set(r->keysets.map, k->url, e);
}

static void url_tag(const char *url, unsigned char ret[16])
{
	const uint64_t h[2] = { hash64_of(url, strlen(url), 1), hash64_of(url, strlen(url), 2) };

	memcpy(ret, h, sizeof(h));
}

static enum err refuse_fetch(struct ctx *cx, const char *url, const char *why)
{
	cx->problem.cause = arena_printf(cx->arena, "%s: %s", url, why);
	return refuse(cx, ERR_INVALID_TOKEN, "the keys of the token's issuer cannot be had at the moment");
}

static enum err fetch(struct ctx *cx, const char *url, struct entry **ret)
{
	const struct http_ask ask = {
		.method = "GET",
		.url = url,
		.deadline_ms = clock_mono_ms() + FETCH_MS,
		.answer_max = ANSWER_MAX,
		.flags = cx->world->settings->private_issuers ? 0 : HTTP_PUBLIC_ONLY | HTTP_TLS_ONLY,
	};
	struct http_got got;
	const enum http_result result = http_client_send(cx->world->http, cx->arena, &ask, &got);
	struct keyset_entry *k;
	const char *why = NULL;

	if (result != HTTP_GOT)
		return refuse_fetch(cx, url, http_result_text(result));
	if (got.status != 200)
		return refuse_fetch(cx, url, arena_printf(cx->arena, "it answered %d", got.status));
	k = entry_new(sizeof(*k));
	if (!keyset_parse(k->e.arena, got.body, got.len, &k->keys, &why)) {
		why = arena_strdup(cx->arena, why);
		entry_put(&k->e);
		return refuse_fetch(cx, url, why);
	}
	k->url = arena_strdup(k->e.arena, url);
	k->fetched_ms = clock_mono_ms();
	*ret = &k->e;
	return ERR_NONE;
}

/*
 * Kept here, whatever was forgotten meanwhile of the control database: this came from elsewhere, and will not
 * be asked for again soon.
 */
static enum err keyset_load(struct ctx *cx, const char *url, struct entry **ret)
{
	struct registry *r = cx->world->registry;
	const enum err e = fetch(cx, url, ret);
	unsigned char tag[16];

	url_tag(url, tag);
	lock_take(&r->lock);
	denied_add(r->denied_jwks, DENIED_JWKS, tag, clock_mono_ms() + (e == ERR_NONE ? PAUSE_MS : RETRY_MS));
	if (e == ERR_NONE)
		keyset_keep(r, *ret);
	lock_drop(&r->lock);
	return e;
}

static void kept_already(struct registry *r, struct entry *e)
{
	(void)r;
	(void)e;
}

/* What memory knows; *ret_paused: it must not be asked for again now. */
static struct keyset_entry *remembered(struct registry *r, const char *url, bool *ret_paused)
{
	unsigned char tag[16];
	struct entry *e;

	url_tag(url, tag);
	lock_take(&r->lock);
	e = entry_ref(lru_find(&r->keysets, url));
	*ret_paused = denied_has(r->denied_jwks, DENIED_JWKS, tag, clock_mono_ms());
	lock_drop(&r->lock);
	return e != NULL ? keyset_entry_at(e) : NULL;
}

static bool copy_key(struct ctx *cx, const struct keyset_entry *k, const char *kid, struct jwk *ret)
{
	const struct jwk *key = k != NULL ? keyset_find(&k->keys, kid) : NULL;
	struct bytes *parts[] = { &ret->n, &ret->e, &ret->x, &ret->y };

	if (key == NULL || clock_mono_ms() - k->fetched_ms > STALE_MS)
		return false;
	*ret = *key;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		parts[i]->p = arena_memdup(cx->arena, parts[i]->p, parts[i]->n);
	return true;
}

static enum err no_such_key(struct ctx *cx)
{
	(void)refuse(cx, ERR_INVALID_TOKEN, "the token is signed by a key that its issuer does not have");
	return ERR_INVALID_TOKEN;
}

enum err jwks_key(struct ctx *cx, const char *url, const char *kid, bool may_load, struct jwk *ret)
{
	bool paused;
	struct keyset_entry *k = remembered(cx->world->registry, url, &paused);
	const bool found = copy_key(cx, k, kid, ret);
	const bool fresh = k != NULL && clock_mono_ms() - k->fetched_ms < FRESH_MS;
	struct entry *loaded = NULL;
	enum err e;

	if (k != NULL)
		entry_put(&k->e);
	if (found && (fresh || paused))
		return ERR_NONE;
	if (paused)
		return no_such_key(cx);
	if (!may_load)
		return ERR_NEED_LOAD;
	e = flight_run(cx, arena_printf(cx->arena, "jwks %s", url), url, keyset_load, kept_already, &loaded);
	if (e != ERR_NONE && found) {
		ctx_clear_problem(cx); /* the last good ones do */
		return ERR_NONE;
	}
	TRY(e);
	if (!copy_key(cx, keyset_entry_at(loaded), kid, ret))
		e = no_such_key(cx);
	entry_put(loaded);
	return e;
}

void keysets_drop_all(struct registry *r)
{
	while (r->keysets.count > 0)
		keyset_forget(r, r->keysets.ring.prev);
}
