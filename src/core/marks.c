/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/marks.h"

#include <stdlib.h>
#include <string.h>

#include "registry_in.h"

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

#define EVERY_MS 60000
#define SLOTS 16384

struct mark {
	const char *tenant_id;          /* NULL: an operator's key, or any key */
	const char *name;               /* the key's id, the user's e-mail address */
	const char *at, *address;
};

struct marks {
	struct lock lock;
	/* guarded by: lock */
	struct denied *lately;          /* noted within the last minute */
	struct arena *arena;            /* of what waits */
	struct mark *wait;
	size_t n;
};

struct marks *marks_create(void)
{
	struct marks *m = mem_alloc(1, sizeof(*m));

	lock_init(&m->lock, RANK_MARKS);
	m->lately = mem_alloc(SLOTS, sizeof(*m->lately));
	m->wait = mem_alloc(MARKS_MAX, sizeof(*m->wait));
	m->arena = arena_create(16384);
	return m;
}

void marks_destroy(struct marks *m)
{
	if (m == NULL)
		return;
	arena_destroy(m->arena);
	free(m->lately);
	free(m->wait);
	lock_finish(&m->lock);
	free(m);
}

static void make_tag(const struct actor *a, const char *name, unsigned char ret[16])
{
	uint64_t h[2];

	for (uint64_t i = 0; i < 2; i++) {
		h[i] = hash64_of(name, strlen(name), i);
		if (a->kind == ACTOR_USER)
			h[i] = hash64_of(a->tenant_id, strlen(a->tenant_id), ~h[i]);
	}
	memcpy(ret, h, sizeof(h));
}

/* The lock is held. */
static void add(struct marks *m, const struct actor *a, const char *name, const char *address)
{
	m->wait[m->n++] = (struct mark){
		.tenant_id = a->kind == ACTOR_USER ? arena_strdup(m->arena, a->tenant_id) : NULL,
		.name = arena_strdup(m->arena, name),
		.at = time_format(m->arena, clock_wall_us()),
		.address = arena_strdup(m->arena, address != NULL ? address : ""),
	};
}

void marks_note(struct marks *m, const struct actor *a, const char *address)
{
	const char *name = a->kind == ACTOR_USER ? a->email : a->id;
	const int64_t now = clock_mono_ms();
	unsigned char tag[16];

	if (a->kind == ACTOR_SYSTEM || name == NULL)
		return;
	make_tag(a, name, tag);
	lock_take(&m->lock);
	if (m->n < MARKS_MAX && !denied_has(m->lately, SLOTS, tag, now)) {
		denied_add(m->lately, SLOTS, tag, now + EVERY_MS);
		add(m, a, name, address);
	}
	lock_drop(&m->lock);
}

/* Writing ---------------------------------------------------------------------------------------------- */

struct batch {
	const struct mark *wait;
	size_t n;
	const char *tenant_id;          /* whose people; NULL: keys */
	struct strv names, ats, addresses;
};

static bool is_of(const struct mark *m, const char *tenant_id)
{
	return tenant_id == NULL ? m->tenant_id == NULL : str_eq(m->tenant_id, tenant_id);
}

static void collect(struct arena *a, struct batch *b)
{
	const char **v = ARENA_ARRAY(a, const char *, 3 * b->n + 1);

	b->names.v = v;
	b->ats.v = v + b->n;
	b->addresses.v = v + 2 * b->n;
	b->names.n = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (!is_of(&b->wait[i], b->tenant_id))
			continue;
		v[b->names.n] = b->wait[i].name;
		v[b->n + b->names.n] = b->wait[i].at;
		v[2 * b->n + b->names.n++] = b->wait[i].address;
	}
	b->ats.n = b->addresses.n = b->names.n;
}

static enum err write_keys(struct ctx *cx, void *arg)
{
	const struct batch *b = arg;

	q_api_key_seen_later(cx->db, &b->names, &b->ats, &b->addresses);
	return ERR_NONE;
}

static enum err write_users(struct ctx *cx, void *arg)
{
	const struct batch *b = arg;

	q_user_seen_later(cx->db, &b->names, &b->ats, cx->tenant->epoch);
	return ERR_NONE;
}

/* A tenant that is gone or away has nobody to be seen. */
static enum err write_tenant(struct ctx *cx, struct batch *b)
{
	const struct tenant *t = NULL;
	struct db_place place;
	enum err e = tenant_get(cx, b->tenant_id, true, &t);

	if (e == ERR_TENANT_NOT_FOUND)
		return ERR_NONE;
	TRY(e);
	cx->tenant = t;
	collect(cx->arena, b);
	e = tenant_place(cx, t, &place);
	if (e == ERR_NONE)
		e = db_unit(cx, &place, DB_WRITE, write_users, b);
	cx->tenant = NULL;
	tenant_put(t);
	return e;
}

static bool came_before(const struct batch *b, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_of(&b->wait[k], b->wait[i].tenant_id))
			return true;
	return false;
}

static enum err write_all(struct ctx *cx, struct batch *b)
{
	enum err first = ERR_NONE;
	struct db_place place;

	for (size_t i = 0; i < b->n; i++) {
		enum err e;

		if (came_before(b, i))
			continue;
		ctx_clear_problem(cx);
		b->tenant_id = b->wait[i].tenant_id;
		if (b->tenant_id != NULL) {
			e = write_tenant(cx, b);
		} else {
			collect(cx->arena, b);
			place_platform(cx->world, &place);
			e = db_unit(cx, &place, DB_WRITE, write_keys, b);
		}
		if (first == ERR_NONE)
			first = e;
	}
	return first;
}

/* Requests go on noting while what waited is written. */
static struct marks take_over(struct marks *m)
{
	struct marks full = { .arena = arena_create(16384) };
	struct mark *wait = mem_alloc(MARKS_MAX, sizeof(*wait));
	struct arena *fresh = full.arena;

	lock_take(&m->lock);
	full.arena = m->arena;
	full.wait = m->wait;
	full.n = m->n;
	m->arena = fresh;
	m->wait = wait;
	m->n = 0;
	lock_drop(&m->lock);
	return full;
}

enum err marks_write(struct ctx *cx)
{
	const struct marks full = take_over(cx->world->marks);
	struct batch b = { .wait = full.wait, .n = full.n };
	enum err e = write_all(cx, &b);

	arena_destroy(full.arena);
	free(full.wait);
	return e;
}
