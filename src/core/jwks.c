/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that issuers publish: fetched by one for all, kept while the issuer cannot be reached. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "jwks.h"
#include "key_waits.h"
#include "registry_in.h"

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"
#include "cc/core/issuer_keys.h"
#include "cc/core/limiter.h"
#include "cc/net/http_client.h"

enum {
	FETCH_MS = 2000,
	ANSWER_MAX = 256 * 1024,
	STALE_MS = 24 * 60 * 60 * 1000, /* keys serve this long while no newer ones can be had */
	BUSY_RETRY_S = 1,
	DOUBLINGS_MAX = 3,    /* of the pause before a set is asked for again in the background */
	REFRESH_SHARE = 4,    /* of those, for one tenant */
	OLD_TOO_LONG = 2,     /* times keys_fresh_s */
};

/*
 * Fetches that requests for one tenant's issuers start: one for each issuer it can have, however often it
 * names others.
 */
static const struct rate fetches = { .limit = 16, .window = 60 };

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
	cx->problem.elsewhere = true;
	return refuse(
		cx, ERR_UNAVAILABLE, "the keys of the token's issuer cannot be had at the moment; retry");
}

static enum err refuse_fetch(struct ctx *cx, const char *url, const char *why)
{
	cx->problem.cause = arena_printf(cx->arena, "%s: %s", url, why);
	return unavailable(cx, cx->world->settings->keys_retry_s);
}

/* *ret_cut: it had no time to fail, because the request's own was nearly over. */
static enum err fetch(struct ctx *cx, const char *url, struct entry **ret, bool *ret_cut)
{
	const int64_t full_ms = clock_mono_ms() + FETCH_MS;
	const bool hasty = cx->deadline_ms > 0 && cx->deadline_ms < full_ms;
	const struct http_ask ask = {
		.method = "GET",
		.url = url,
		.deadline_ms = hasty ? cx->deadline_ms : full_ms,
		.answer_max = ANSWER_MAX,
		.flags = cx->world->settings->private_issuers ? 0 : HTTP_PUBLIC_ONLY | HTTP_TLS_ONLY,
	};
	struct http_got got;
	const enum http_result result = http_client_send(cx->world->http, cx->arena, &ask, &got);
	struct keyset_entry *k;
	const char *why = NULL;

	*ret_cut = hasty && result == HTTP_LATE;
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

/* Until the next attempt in the background, after so many in vain. */
static int64_t pause_s(const struct settings *s, int failures)
{
	const int doublings = failures - 1 < DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX;

	return s->keys_retry_s << (doublings > 0 ? doublings : 0);
}

/* The lock is held. */
static void note_success(struct registry *r, const char *url, struct entry *e)
{
	note_set(r, url, ASKED, r->world->settings->keys_pause_s);
	note_set(r, url, QUEUED, 0);
	keyset_keep(r, e);
}

/* The lock is held. What was had before serves on. */
static void note_failure(struct registry *r, const char *url)
{
	const struct settings *s = r->world->settings;
	struct entry *e = map_get(r->keysets.map, url);

	note_set(r, url, FAILED, s->keys_retry_s);
	if (e == NULL)
		return;
	keyset_entry_at(e)->tried_ms = clock_mono_ms();
	note_set(r, url, QUEUED, pause_s(s, ++keyset_entry_at(e)->failures));
}

/*
 * Kept here, whatever was forgotten meanwhile of the control database: this came from elsewhere, and will not
 * be asked for again soon.
 */
static enum err keyset_load(struct ctx *cx, const char *url, struct entry **ret)
{
	struct registry *r = cx->world->registry;
	bool failed, cut;
	enum err e;

	if (loaded_meanwhile(r, url, ret, &failed))
		return failed ? unavailable(cx, cx->world->settings->keys_retry_s) : ERR_NONE;
	e = fetch(cx, url, ret, &cut);
	lock_take(&r->lock);
	if (e == ERR_NONE)
		note_success(r, url, *ret);
	else if (!cut)
		note_failure(r, url);
	lock_drop(&r->lock);
	/* Once for all who will be refused until it is tried again. */
	if (e != ERR_NONE && !cut)
		LOG(LOG_INFO, "the keys of an issuer cannot be had", LOG_TEXT("cause", cx->problem.cause));
	return e;
}

static enum err fly(struct ctx *cx, const char *url, struct entry **ret)
{
	return flight_run(cx, arena_printf(cx->arena, "jwks %s", url), url, keyset_load, NULL, ret);
}

static struct key_place *wait_begin(struct registry *r, const struct key_ask *k, bool *ret_first)
{
	const uint64_t url = hash64_of(k->url, strlen(k->url), 0);
	struct key_place *p;

	lock_take(&r->lock);
	p = key_place_take(r->key_places, r->world->settings->key_waits, key_owner(k->tenant_id), url);
	*ret_first = p != NULL && p->users == 1;
	lock_drop(&r->lock);
	return p;
}

static void wait_end(struct registry *r, struct key_place *p)
{
	lock_take(&r->lock);
	key_place_leave(p);
	lock_drop(&r->lock);
}

/* The platform's issuers are always the same, so that the pauses of their URLs are enough. */
static enum err count_fetch(struct ctx *cx, const struct key_ask *k)
{
	struct limit_verdict v;

	if (k->tenant_id == NULL)
		return ERR_NONE;
	limiter_take(cx->world->failures, arena_printf(cx->arena, "fetch:%s", k->tenant_id), &fetches, 1,
		clock_mono_us(), &v);
	return v.allowed ? ERR_NONE : unavailable(cx, v.retry_after_s);
}

/* Others may hang at their issuers, or at this one: a worker is not for waiting. */
static enum err fetch_bounded(struct ctx *cx, const struct key_ask *k, struct entry **ret)
{
	struct registry *r = cx->world->registry;
	bool first;
	struct key_place *p = wait_begin(r, k, &first);
	enum err e = ERR_NONE;

	if (p == NULL)
		return unavailable(cx, BUSY_RETRY_S);
	if (first)
		e = count_fetch(cx, k);
	if (e == ERR_NONE)
		e = fly(cx, k->url, ret);
	wait_end(r, p);
	if (e != ERR_NONE && cx->problem.message == NULL) /* it was another's fetch */
		e = unavailable(cx, cx->world->settings->keys_retry_s);
	return e;
}

/* Refreshing --------------------------------------------------------------------------------------- */

/* The lock is held. */
static bool may_queue(const struct registry *r, const char *url, uint64_t owner)
{
	int mine = 0;

	for (size_t i = 0; i < r->nrefresh; i++)
		mine += r->refresh[i].owner == owner;
	return r->nrefresh < REFRESHES_MAX && mine < REFRESH_SHARE && !note_has(r, url, QUEUED);
}

/* One that finds no place is asked for when the next token comes. */
static void refresh_later(struct world *w, const struct key_ask *k)
{
	const uint64_t owner = key_owner(k->tenant_id);
	struct registry *r = w->registry;
	bool queued;

	lock_take(&r->lock);
	queued = may_queue(r, k->url, owner);
	if (queued) {
		r->refresh[r->nrefresh++] =
			(struct key_refresh){ .url = mem_strdup(k->url), .owner = owner };
		note_set(r, k->url, QUEUED, w->settings->keys_retry_s);
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
		url = r->refresh[0].url;
		memmove(r->refresh, r->refresh + 1, --r->nrefresh * sizeof(r->refresh[0]));
	}
	lock_drop(&r->lock);
	return url;
}

/* What memory knows of a URL. */
struct known {
	struct keyset_entry *set; /* a reference, or NULL */
	bool old;                 /* to be asked for again … */
	bool unsure;              /* … before it is used: nobody has tried for long */
	bool asked, failed;       /* lately: not to be asked again now */
};

/* The lock is held. A set outlives an outage, but nobody knows of one while nobody asks. */
static bool is_unsure(const struct settings *s, const struct keyset_entry *k)
{
	const bool in_vain = k->failures > 0;
	const int64_t seen_ms = in_vain ? k->tried_ms : k->fetched_ms;
	const int64_t most_s = OLD_TOO_LONG * s->keys_fresh_s + (in_vain ? pause_s(s, k->failures) : 0);

	return clock_mono_ms() - seen_ms > most_s * 1000;
}

static struct known look(struct ctx *cx, const char *url)
{
	const struct settings *s = cx->world->settings;
	struct registry *r = cx->world->registry;
	struct known k = { 0 };
	struct entry *e;

	lock_take(&r->lock);
	e = entry_ref(lru_find(&r->keysets, url));
	k.failed = note_has(r, url, FAILED);
	if (e != NULL) {
		k.set = keyset_entry_at(e);
		k.asked = note_has(r, url, ASKED); /* else it was forgotten since */
		k.old = clock_mono_ms() - k.set->fetched_ms >= s->keys_fresh_s * 1000;
		k.unsure = k.old && is_unsure(s, k.set);
	}
	lock_drop(&r->lock);
	return k;
}

static void known_put(const struct known *k)
{
	if (k->set != NULL)
		entry_put(&k->set->e);
}

bool issuer_keys_refresh(struct ctx *cx)
{
	char *url = refresh_take(cx->world->registry);
	struct entry *e = NULL;
	struct known k;
	enum err ignored = ERR_NONE;

	if (url == NULL)
		return false;
	k = look(cx, url);
	if (!k.asked && !k.failed)
		ignored = fly(cx, url, &e);
	(void)ignored; /* it was logged */
	known_put(&k);
	entry_put(e);
	free(url);
	return true;
}

/* Keys --------------------------------------------------------------------------------------------- */

static bool copy_key(
	struct ctx *cx, const struct keyset_entry *k, const char *kid, struct issuer_key *ret)
{
	const struct jwk *key = k != NULL ? keyset_find(&k->keys, kid) : NULL;
	struct bytes *parts[] = { &ret->key.n, &ret->key.e, &ret->key.x, &ret->key.y };

	if (key == NULL || clock_mono_ms() - k->fetched_ms > STALE_MS)
		return false;
	ret->key = *key;
	ret->set = k->e.serial;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		parts[i]->p = arena_memdup(cx->arena, parts[i]->p, parts[i]->n);
	return true;
}

static enum err no_such_key(struct ctx *cx)
{
	(void)refuse(cx, ERR_INVALID_TOKEN, "the token is signed by a key that its issuer does not have");
	return ERR_INVALID_TOKEN;
}

static enum err fetch_key(struct ctx *cx, const struct key_ask *k, struct issuer_key *ret)
{
	struct entry *loaded = NULL;
	enum err e;

	TRY(fetch_bounded(cx, k, &loaded));
	e = copy_key(cx, keyset_entry_at(loaded), k->kid, ret) ? ERR_NONE : no_such_key(cx);
	entry_put(loaded);
	return e;
}

enum err jwks_key(struct ctx *cx, const struct key_ask *k, struct issuer_key *ret)
{
	const struct known known = look(cx, k->url);
	const bool found = copy_key(cx, known.set, k->kid, ret);

	known_put(&known);
	if (found)
		return ERR_NONE;
	if (known.failed)
		return unavailable(cx, cx->world->settings->keys_retry_s);
	if (known.asked)
		return no_such_key(cx);
	return k->may_load ? fetch_key(cx, k, ret) : ERR_NEED_LOAD;
}

enum err jwks_proven(struct ctx *cx, const struct key_ask *k, struct issuer_key *ret)
{
	const struct known known = look(cx, k->url);
	enum err e;

	known_put(&known);
	if (!known.old || known.asked || known.failed)
		return ERR_NONE;
	if (known.unsure && !k->may_load)
		return ERR_NEED_LOAD;
	e = known.unsure ? fetch_key(cx, k, ret) : ERR_UNAVAILABLE;
	if (e != ERR_UNAVAILABLE)
		return e;
	ctx_clear_problem(cx);
	refresh_later(cx->world, k);
	return ERR_NONE;
}

void keysets_drop_all(struct registry *r)
{
	while (r->keysets.count > 0)
		keyset_forget(r, r->keysets.ring.prev);
	while (r->nrefresh > 0)
		free(r->refresh[--r->nrefresh].url);
}
