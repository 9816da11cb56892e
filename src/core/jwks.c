/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that issuers publish: fetched by one for all, kept while the issuer cannot be reached. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "jwks.h"
#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/core/issuer_keys.h"
#include "cc/net/http_client.h"

enum {
	FETCH_MS = 2000,
	ANSWER_MAX = 256 * 1024,
	STALE_MS = 24 * 60 * 60 * 1000, /* keys serve this long while no newer ones can be had */
	BUSY_RETRY_S = 1,
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

/* Notes on a URL, until some time ------------------------------------------------------------------ */

enum note {
	ASKED,  /* it was fetched lately */
	FAILED, /* … in vain */
	QUEUED, /* it will be, in the background */
};

static void note_tag(const char *url, enum note n, unsigned char ret[16])
{
	const uint64_t seed = 2 * (uint64_t)n + 1;
	const uint64_t h[2] = { hash64_of(url, strlen(url), seed), hash64_of(url, strlen(url), seed + 1) };

	memcpy(ret, h, sizeof(h));
}

static void note_set(struct registry *r, const char *url, enum note n, int64_t s)
{
	unsigned char tag[16];

	note_tag(url, n, tag);
	denied_add(r->jwks_notes, JWKS_NOTES, tag, clock_mono_ms() + s * 1000);
}

static bool note_has(const struct registry *r, const char *url, enum note n)
{
	unsigned char tag[16];

	note_tag(url, n, tag);
	return denied_has(r->jwks_notes, JWKS_NOTES, tag, clock_mono_ms());
}

/* Fetching ----------------------------------------------------------------------------------------- */

/* Not the token's fault: who was refused for it would be locked out by his issuer's outage. */
static enum err unavailable(struct ctx *cx, int64_t retry_s)
{
	cx->problem.retry_after = retry_s;
	return refuse(
		cx, ERR_UNAVAILABLE, "the keys of the token's issuer cannot be had at the moment; retry");
}

static enum err refuse_fetch(struct ctx *cx, const char *url, const char *why)
{
	cx->problem.cause = arena_printf(cx->arena, "%s: %s", url, why);
	return unavailable(cx, cx->world->settings->keys_retry_s);
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
	if (!keyset_parse(k->e.arena, got.body, got.len, KEYSET_PUBLISHED, &k->keys, &why)) {
		why = arena_strdup(cx->arena, why);
		entry_put(&k->e);
		return refuse_fetch(cx, url, why);
	}
	k->url = arena_strdup(k->e.arena, url);
	k->fetched_ms = clock_mono_ms();
	*ret = &k->e;
	return ERR_NONE;
}

/* Who looked before another's fetch had ended, and comes when it has, asks nobody. */
static bool loaded_meanwhile(struct registry *r, const char *url, struct entry **ret, bool *ret_failed)
{
	lock_take(&r->lock);
	*ret = note_has(r, url, ASKED) ? entry_ref(lru_find(&r->keysets, url)) : NULL;
	*ret_failed = *ret == NULL && note_has(r, url, FAILED);
	lock_drop(&r->lock);
	return *ret != NULL || *ret_failed;
}

/*
 * Kept here, whatever was forgotten meanwhile of the control database: this came from elsewhere, and will not
 * be asked for again soon.
 */
static enum err keyset_load(struct ctx *cx, const char *url, struct entry **ret)
{
	const struct settings *s = cx->world->settings;
	struct registry *r = cx->world->registry;
	bool failed;
	enum err e;

	if (loaded_meanwhile(r, url, ret, &failed))
		return failed ? unavailable(cx, s->keys_retry_s) : ERR_NONE;
	e = fetch(cx, url, ret);
	lock_take(&r->lock);
	if (e == ERR_NONE) {
		note_set(r, url, ASKED, s->keys_pause_s);
		keyset_keep(r, *ret);
	} else {
		note_set(r, url, FAILED, s->keys_retry_s);
	}
	lock_drop(&r->lock);
	return e;
}

static enum err fly(struct ctx *cx, const char *url, struct entry **ret)
{
	return flight_run(cx, arena_printf(cx->arena, "jwks %s", url), url, keyset_load, NULL, ret);
}

/* False: as many as may be here wait already. */
static bool wait_begin(struct registry *r)
{
	const int most = r->world->settings->key_waits > 1 ? r->world->settings->key_waits : 1;
	bool ok;

	lock_take(&r->lock);
	ok = r->key_waits < most;
	r->key_waits += ok;
	lock_drop(&r->lock);
	return ok;
}

static void wait_end(struct registry *r)
{
	lock_take(&r->lock);
	r->key_waits--;
	lock_drop(&r->lock);
}

/* Others may hang at their issuers, or at this one: a worker is not for waiting. */
static enum err fetch_bounded(struct ctx *cx, const char *url, struct entry **ret)
{
	struct registry *r = cx->world->registry;
	enum err e;

	if (!wait_begin(r))
		return unavailable(cx, BUSY_RETRY_S);
	e = fly(cx, url, ret);
	wait_end(r);
	if (e != ERR_NONE && cx->problem.message == NULL) /* it was another's fetch */
		e = unavailable(cx, cx->world->settings->keys_retry_s);
	return e;
}

/* Refreshing --------------------------------------------------------------------------------------- */

/* One that finds no place is asked for when the next token comes. */
static void refresh_later(struct world *w, const char *url)
{
	struct registry *r = w->registry;
	bool queued = false;

	lock_take(&r->lock);
	if (r->nrefresh < REFRESHES_MAX && !note_has(r, url, QUEUED)) {
		r->refresh[r->nrefresh++] = mem_strdup(url);
		note_set(r, url, QUEUED, w->settings->keys_retry_s);
		queued = true;
	}
	lock_drop(&r->lock);
	if (queued && w->keys_due != NULL)
		w->keys_due(w);
}

/* The oldest, or NULL; the caller frees it. */
static char *refresh_take(struct registry *r)
{
	char *url = NULL;

	lock_take(&r->lock);
	if (r->nrefresh > 0) {
		url = r->refresh[0];
		memmove(r->refresh, r->refresh + 1, --r->nrefresh * sizeof(r->refresh[0]));
	}
	lock_drop(&r->lock);
	return url;
}

/* What memory knows of a URL. */
struct known {
	struct keyset_entry *set; /* a reference, or NULL */
	bool fresh;
	bool asked, failed; /* lately: not to be asked again now */
};

static struct known look(struct ctx *cx, const char *url)
{
	struct registry *r = cx->world->registry;
	struct known k;
	struct entry *e;

	lock_take(&r->lock);
	e = entry_ref(lru_find(&r->keysets, url));
	k.asked = e != NULL && note_has(r, url, ASKED); /* else it was forgotten since */
	k.failed = note_has(r, url, FAILED);
	lock_drop(&r->lock);
	k.set = e != NULL ? keyset_entry_at(e) : NULL;
	k.fresh = e != NULL && clock_mono_ms() - k.set->fetched_ms < cx->world->settings->keys_fresh_s * 1000;
	return k;
}

static void known_put(const struct known *k)
{
	if (k->set != NULL)
		entry_put(&k->set->e);
}

bool issuer_keys_refresh(struct ctx *cx, enum err *ret)
{
	char *url = refresh_take(cx->world->registry);
	struct entry *e = NULL;
	struct known k;

	*ret = ERR_NONE;
	if (url == NULL)
		return false;
	k = look(cx, url);
	if (!k.asked && !k.failed)
		*ret = fly(cx, url, &e);
	known_put(&k);
	entry_put(e);
	free(url);
	return true;
}

/* Keys --------------------------------------------------------------------------------------------- */

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

static enum err fetch_key(struct ctx *cx, const char *url, const char *kid, struct jwk *ret)
{
	struct entry *loaded = NULL;
	enum err e;

	TRY(fetch_bounded(cx, url, &loaded));
	e = copy_key(cx, keyset_entry_at(loaded), kid, ret) ? ERR_NONE : no_such_key(cx);
	entry_put(loaded);
	return e;
}

enum err jwks_key(struct ctx *cx, const char *url, const char *kid, bool may_load, struct jwk *ret)
{
	const struct known k = look(cx, url);
	const bool found = copy_key(cx, k.set, kid, ret);

	known_put(&k);
	if (found) {
		if (!k.fresh && !k.asked && !k.failed)
			refresh_later(cx->world, url);
		return ERR_NONE;
	}
	if (k.failed)
		return unavailable(cx, cx->world->settings->keys_retry_s);
	if (k.asked)
		return no_such_key(cx);
	return may_load ? fetch_key(cx, url, kid, ret) : ERR_NEED_LOAD;
}

void keysets_drop_all(struct registry *r)
{
	while (r->keysets.count > 0)
		keyset_forget(r, r->keysets.ring.prev);
	while (r->nrefresh > 0)
		free(r->refresh[--r->nrefresh]);
}
