/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: from the text of a key to who it speaks for. */
#include <stddef.h>
#include <string.h>

#include "registry_in.h"

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/core/failures.h"
#include "cc/core/scope.h"
#include "cc/model/q_control.h"

#define DENIED_MS 5000

static struct cred_entry *cred_at(struct entry *e)
{
	return (struct cred_entry *)(void *)e;
}

void cred_put(const struct actor *a)
{
	if (a != NULL)
		entry_put((struct entry *)((uintptr_t)a - offsetof(struct cred_entry, a)));
}

static void cred_forget(struct registry *r, struct entry *e)
{
	(void)map_take(r->creds.map, cred_at(e)->key_id);
	lru_unlink(&r->creds, e);
}

void creds_drop(struct registry *r, const char *key_id)
{
	struct entry *e = map_get(r->creds.map, key_id);

	if (e != NULL)
		cred_forget(r, e);
}

void creds_drop_all(struct registry *r)
{
	while (r->creds.count > 0)
		cred_forget(r, r->creds.ring.prev);
}

static void cred_keep(struct registry *r, struct entry *e)
{
	creds_drop(r, cred_at(e)->key_id);
	if (r->creds.count >= r->creds.max)
		cred_forget(r, r->creds.ring.prev);
	lru_link(&r->creds, e);
	(void)map_set(r->creds.map, cred_at(e)->key_id, e);
}

/* What cannot be read is nowhere: the key is then taken from less, never from more. */
static void set_home(struct actor *a, struct arena *arena, const struct strv *texts)
{
	struct cidr *v = ARENA_ARRAY(arena, struct cidr, texts->n + 1);

	a->bound = texts->n > 0;
	a->cidrs = v;
	for (size_t i = 0; i < texts->n; i++)
		a->ncidrs += cidr_parse(texts->v[i], &v[a->ncidrs]);
}

static struct entry *cred_make(const struct cred_row *row)
{
	struct cred_entry *c = entry_new(sizeof(*c));
	struct arena *a = c->e.arena;

	c->a = (struct actor){
		.kind = row->tenant_id == NULL ? ACTOR_OPERATOR : ACTOR_KEY,
		.id = arena_strdup(a, row->id),
		.name = arena_strdup(a, row->name),
		.tenant_id = arena_strdup(a, row->tenant_id),
		.scopes = scope_bits(&row->scopes),
		.expires_at = row->expires_at,
	};
	if (row->tenant_id != NULL)
		c->a.environment = row->test ? "sandbox" : "production";
	set_home(&c->a, a, &row->allowed_cidrs);
	/* Whatever a row says: the platform's scopes are for operators. */
	if (row->tenant_id != NULL)
		c->a.scopes &= scope_all_tenant();
	c->key_id = arena_strdup(a, row->key_id);
	memcpy(c->hash, row->hash.p, sizeof(c->hash));
	c->revoked_at = row->revoked_at;
	return &c->e;
}

struct lookup {
	const char *key_id;
	bool found;
	struct cred_row row;
};

static enum err look_up(struct ctx *cx, void *arg)
{
	struct lookup *l = arg;

	q_cred_by_key_id_later(cx->db, &l->row, &l->found, l->key_id);
	return ERR_NONE;
}

/* No such key is an answer too: *ret stays NULL. */
static enum err cred_load(struct ctx *cx, const char *key_id, struct entry **ret)
{
	struct lookup l = { .key_id = key_id };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_READ, look_up, &l));
	if (l.found && l.row.hash.n != APIKEY_HASH_LEN)
		return refuse(cx, ERR_INTERNAL, "key %s: its hash has the wrong length", l.row.id);
	if (l.found)
		*ret = cred_make(&l.row);
	return ERR_NONE;
}

/* True: memory is enough to decide; *ret is a reference, NULL for a text that was refused lately. */
static bool cached(struct registry *r, const char *key_id, const unsigned char *hash, struct entry **ret)
{
	bool known = false;

	*ret = NULL;
	lock_take(&r->lock);
	if (registry_usable(r)) {
		*ret = entry_ref(lru_find(&r->creds, key_id));
		known = *ret != NULL || denied_has(r->denied_creds, DENIED_CREDS, hash, clock_mono_ms());
	}
	lock_drop(&r->lock);
	return known;
}

static enum err unknown_key(struct ctx *cx)
{
	return refuse(cx, ERR_UNAUTHORIZED, "the credential is not valid");
}

/* The same steps for a key that is not there, with a hash that nothing has. */
static enum err judge(struct ctx *cx, struct entry *e, const unsigned char *hash, const struct actor **ret)
{
	static const unsigned char nothing[APIKEY_HASH_LEN];
	const struct cred_entry *c = e != NULL ? cred_at(e) : NULL;
	const bool same = bytes_equal_ct(c != NULL ? c->hash : nothing, hash, APIKEY_HASH_LEN);

	if (c == NULL || !same)
		return unknown_key(cx);
	if (c->revoked_at != TIME_NULL)
		return refuse(cx, ERR_KEY_REVOKED, "the API key was revoked");
	if (c->a.expires_at != TIME_NULL && c->a.expires_at <= clock_wall_us())
		return refuse(cx, ERR_KEY_EXPIRED, "the API key has expired");
	*ret = &c->a;
	return ERR_NONE;
}

static void remember_denied(struct registry *r, const unsigned char *hash)
{
	lock_take(&r->lock);
	denied_add(r->denied_creds, DENIED_CREDS, hash, clock_mono_ms() + DENIED_MS);
	lock_drop(&r->lock);
}

enum err cred_get(struct ctx *cx, const char *text, bool may_load, const struct actor **ret)
{
	const struct bytes *pepper = &cx->world->settings->pepper;
	struct registry *r = cx->world->registry;
	unsigned char hash[APIKEY_HASH_LEN];
	struct apikey key;
	struct entry *entry;
	enum err e;

	if (!apikey_parse(text, &key))
		return unknown_key(cx);
	apikey_hash(pepper->p, pepper->n, text, hash);
	if (!cached(r, key.id, hash, &entry)) {
		if (!may_load)
			return ERR_NEED_LOAD;
		TRY(failures_before_look(cx, key.id));
		TRY(flight_run(cx, arena_printf(cx->arena, "key %s", key.id), key.id, cred_load, cred_keep,
			       &entry));
		if (entry == NULL)
			remember_denied(r, hash);
	}
	e = judge(cx, entry, hash, ret);
	if (e != ERR_NONE)
		entry_put(entry);
	return e;
}
