/* SPDX-License-Identifier: Apache-2.0 */
#include "token_cache.h"

#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/crypto/digest.h"

static struct token_entry *token_at(struct entry *e)
{
	return (struct token_entry *)(void *)e;
}

const char *token_name(struct arena *a, const char *text)
{
	unsigned char hash[32];

	sha256_of(text, strlen(text), hash);
	return hex_encode(a, hash, sizeof(hash));
}

static void token_forget(struct registry *r, struct entry *e)
{
	(void)map_take(r->tokens.map, token_at(e)->name);
	lru_unlink(&r->tokens, e);
}

void tokens_drop_all(struct registry *r)
{
	while (r->tokens.count > 0)
		token_forget(r, r->tokens.ring.prev);
}

static bool is_still(const struct lru *l, const char *name, uint64_t serial)
{
	const struct entry *e = map_get(l->map, name);

	return e != NULL && e->serial == serial;
}

static bool is_recent(const struct token_entry *t, const char *hint)
{
	return clock_mono_ms() < t->until_ms && clock_wall_us() < t->c.a.expires_at &&
	       (t->hint == NULL || (hint != NULL && str_eq(t->hint, hint)));
}

/* The lock is held. */
static bool holds(const struct registry *r, const struct token_entry *t)
{
	return is_still(&r->tenants, t->c.a.tenant_id, t->tenant) &&
	       (t->url == NULL || is_still(&r->keysets, t->url, t->set));
}

struct token_entry *token_cached(struct ctx *cx, const char *name, const char *hint)
{
	struct registry *r = cx->world->registry;
	struct entry *e = NULL;
	bool recent;

	lock_take(&r->lock);
	if (registry_usable(r))
		e = lru_find(&r->tokens, name);
	recent = e != NULL && is_recent(token_at(e), hint);
	e = recent && holds(r, token_at(e)) ? entry_ref(e) : NULL;
	lock_drop(&r->lock);
	cx->rationed = cx->rationed || recent;
	return e != NULL ? token_at(e) : NULL;
}

static void drop(struct registry *r, const char *name)
{
	struct entry *e = map_get(r->tokens.map, name);

	if (e != NULL)
		token_forget(r, e);
}

void token_drop(struct ctx *cx, const char *name)
{
	struct registry *r = cx->world->registry;

	lock_take(&r->lock);
	drop(r, name);
	lock_drop(&r->lock);
}

void token_keep(struct ctx *cx, struct token_entry *t)
{
	struct registry *r = cx->world->registry;

	lock_take(&r->lock);
	drop(r, t->name);
	if (r->tokens.count >= r->tokens.max)
		token_forget(r, r->tokens.ring.prev);
	lru_link(&r->tokens, &t->c.e);
	(void)map_set(r->tokens.map, t->name, &t->c.e);
	lock_drop(&r->lock);
}
