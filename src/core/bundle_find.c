/* SPDX-License-Identifier: Apache-2.0 */
/* A look at where a tenant's bundle stands, and the steps that bring it up to date. */
#include "bundles_in.h"
#include "objects_in.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/crypto/digest.h"
#include "cc/model/q_tenant.h"
#include "cc/model/resource.h"
#include "cc/model/tally.h"

#define OLD_AT_A_TIME 20
#define WITHDRAW_MS 5000 /* to take back what was stored and not written down */
#define LATE_S 10        /* behind its deadline what was sent may still arrive */

struct look {
	const struct bundle_ask *ask;
	struct bundle_row row;
	const char *why; /* it cannot be had */
	bool over;       /* … and that is over */
};

static enum err look(struct ctx *cx, void *arg)
{
	struct look *l = arg;

	q_bundle_look_later(
		cx->db, &l->row, l->ask->environment, cx->world->settings->signing.id, &l->ask->has);
	return ERR_NONE;
}

static struct objstore *store_of(const struct ctx *cx)
{
	return region_store(cx->world, cx->tenant->region);
}

/*
 * Where the tenant lives, which may be somewhere else than a moment ago: *ret_fresh is the last that was
 * seen.
 */
static enum err unit(
	struct ctx *cx, enum db_mode mode, db_work work, void *arg, const struct tenant **ret_fresh)
{
	const struct tenant *fresh = NULL;
	enum err e = mode == DB_READ ? head_read(cx, work, arg, &fresh) : head_note(cx, work, arg, &fresh);

	if (fresh == NULL)
		return e;
	tenant_put(*ret_fresh);
	*ret_fresh = fresh;
	return e;
}

/* Getting ------------------------------------------------------------------------------------------ */

struct forgetting {
	const char *key;
	int64_t epoch;
};

static enum err forget(struct ctx *cx, void *arg)
{
	const struct forgetting *f = arg;

	q_object_forget_later(cx->db, f->key, f->epoch);
	return ERR_NONE;
}

/* The catalogue names what is not there, or is something else: it is forgotten, and will be made again. */
static enum err mend(struct ctx *cx, const struct bundle_row *row, const struct tenant **ret_fresh)
{
	struct forgetting f = { .key = row->key, .epoch = cx->tenant->epoch };

	return unit(cx, DB_WRITE, forget, &f, ret_fresh);
}

static enum err fetch(struct ctx *cx, const struct bundle_row *row, const struct bundle **ret,
	const struct tenant **ret_fresh)
{
	struct obj_key key;
	struct obj_got got;
	char *bytes;
	enum obj_result r;

	*ret = bundles_kept(cx->world->bundles, cx->tenant->id, row->key);
	if (*ret != NULL)
		return ERR_NONE;
	TRY(object_key(cx, cx->tenant->id, row->key, &key));
	r = obj_get_bytes(store_of(cx), cx->arena, &key, row->sha256.p, (size_t)row->size,
		cx->deadline_ms, &bytes, &got);
	if (r == OBJ_MISSING || r == OBJ_DIFFERENT || r == OBJ_TOO_LARGE)
		return mend(cx, row, ret_fresh);
	if (r != OBJ_OK)
		return refuse_store(cx, r, &got);
	*ret = bundles_keep(
		cx->world->bundles, cx->tenant->id, row->key, row->revision, bytes, (size_t)got.size);
	return ERR_NONE;
}

/* Making ------------------------------------------------------------------------------------------- */

/* What is announced, stored, and written down. */
struct recording {
	const char *key, *environment, *revision;
	struct bytes sha256;
	int64_t size, version, epoch, rows;
	struct db_rows old, known;
};

struct reading {
	struct bundle_content content;
	struct bundle_row row;
	struct tally weight;
};

static enum err weigh(struct ctx *cx, void *arg)
{
	static const struct strv nobodys = { 0 };
	struct reading *r = arg;

	TRY(q_bundle_weight(cx->db, &r->weight, r->content.environment));
	if (r->weight.total > BUNDLE_BYTES_MAX)
		return refuse(cx, ERR_UNAVAILABLE,
			"a bundle holds %d MiB at most, and that of %s would have %" PRId64,
			BUNDLE_BYTES_MAX >> 20, r->content.environment, r->weight.total >> 20);
	q_bundle_look_later(
		cx->db, &r->row, r->content.environment, cx->world->settings->signing.id, &nobodys);
	q_bundle_policies_later(cx->db, &r->content.policies, r->content.environment);
	q_bundle_resources_later(cx->db, &r->content.resources, r->content.environment);
	return ERR_NONE;
}

static enum err record(struct ctx *cx, void *arg)
{
	struct recording *r = arg;

	TRY(q_bundle_put(cx->db, &r->rows, r->key, r->size, r->sha256, r->environment, r->revision,
		r->version, r->epoch, cx->world->settings->signing.id));
	if (r->rows == 0)
		return ERR_TENANT_MOVING;
	q_storing_done_later(cx->db, r->key);
	return q_bundle_old(cx->db, &r->old, r->environment, BUNDLES_KEPT, OLD_AT_A_TIME);
}

/* Before it is there: who removes the tenant, or what nobody knows, finds this. */
static enum err announce(struct ctx *cx, void *arg)
{
	struct recording *r = arg;
	const int64_t left_ms = cx->deadline_ms - clock_mono_ms();

	TRY(q_storing_put(
		cx->db, &r->rows, r->key, (left_ms + WITHDRAW_MS) / 1000 + LATE_S, r->epoch));
	return r->rows == 0 ? ERR_TENANT_MOVING : ERR_NONE;
}

static enum err look_up(struct ctx *cx, void *arg)
{
	struct recording *r = arg;
	const struct strv keys = { .v = &r->key, .n = 1 };

	return q_object_known(cx->db, &r->known, &keys);
}

static enum err touch(struct ctx *cx, void *arg)
{
	struct recording *r = arg;

	TRY(q_bundle_seen(cx->db, &r->rows, r->key, r->version, r->epoch));
	return r->rows == 0 ? ERR_TENANT_MOVING : ERR_NONE;
}

/*
 * What nobody asks for any more: first the object, then what is known of it, so that nothing is left
 * unknown.
 */
static enum err drop_old(struct ctx *cx, const struct db_rows *old, const struct tenant **ret_fresh)
{
	for (size_t i = 0; i < old->n; i++) {
		const char *path = DB_ROW(old, struct object_row, i)->key;
		struct bundle_row gone = { .key = path };
		struct obj_key key;
		struct obj_got got;
		enum obj_result r;

		TRY(object_key(cx, cx->tenant->id, path, &key));
		r = obj_delete(store_of(cx), &key, cx->deadline_ms, &got);
		if (r != OBJ_OK)
			return refuse_store(cx, r, &got);
		FAILPOINT("bundle.dropped");
		TRY(mend(cx, &gone, ret_fresh));
	}
	return ERR_NONE;
}

/* The newest is there, whatever becomes of the old ones: they are tried again with the next. */
static void drop_old_if_possible(struct ctx *cx, const struct db_rows *old, const struct tenant **ret_fresh)
{
	if (drop_old(cx, old, ret_fresh) == ERR_NONE)
		return;
	LOG(LOG_WARN, "bundles that nobody asks for any more are not removed yet",
		LOG_TEXT("tenant", cx->tenant->id), LOG_TEXT("cause", cx->problem.cause));
	ctx_clear_problem(cx);
}

/*
 * There is one of this revision that the catalogue does not have: of another node that is making it, or what
 * became of one. Only the bytes that were made here are known to be right; the catalogue says whose they are
 * in the end, and who reads others makes it once more.
 */
static enum err replace(
	struct ctx *cx, const struct bundle_bytes *made, const struct obj_key *key, struct obj_got *got)
{
	unsigned char sum[OBJ_SHA_LEN];
	const int64_t most = (int64_t)2 * BUNDLE_BYTES_MAX;
	enum obj_result o = obj_check(store_of(cx), key, NULL, most, cx->deadline_ms, got);

	sha256_of(made->p, made->n, sum);
	if (o == OBJ_OK && memcmp(got->sha256, sum, sizeof(sum)) == 0)
		return ERR_NONE;
	o = obj_put_bytes(store_of(cx), key, 0, made->p, made->n, cx->deadline_ms, got);
	return o == OBJ_OK ? ERR_NONE : refuse_store(cx, o, got);
}

static enum err store(
	struct ctx *cx, const struct bundle_bytes *made, struct recording *r, struct obj_got *got)
{
	struct obj_key key;
	enum obj_result o;

	TRY(object_key(cx, cx->tenant->id, r->key, &key));
	o = obj_put_bytes(store_of(cx), &key, OBJ_ONCE, made->p, made->n, cx->deadline_ms, got);
	FAILPOINT("bundle.stored");
	if (o == OBJ_EXISTS)
		return replace(cx, made, &key, got);
	return o == OBJ_OK ? ERR_NONE : refuse_store(cx, o, got);
}

/*
 * It may be in the store, and is not written down: unless another has done so, it goes. Where nobody can say
 * so, or it cannot be removed, it stays announced for a while, and what is left then is found by
 * check-objects.
 */
static void withdraw(struct ctx *cx, struct recording *r, struct objstore *where)
{
	struct ctx own = *cx;
	const struct tenant *fresh = NULL;
	struct obj_key key;
	struct obj_got got;

	own.deadline_ms = clock_mono_ms() + WITHDRAW_MS;
	ctx_clear_problem(&own);
	if (head_read(&own, look_up, r, &fresh) != ERR_NONE) {
		tenant_put(fresh);
		LOG(LOG_WARN, "an object may have been stored and not written down", LOG_TEXT("key", r->key),
			LOG_TEXT("tenant", cx->tenant->id), LOG_TEXT("cause", own.problem.cause));
		return;
	}
	tenant_put(fresh);
	if (r->known.n > 0 || !obj_key_make(&key, cx->tenant->id, r->key))
		return;
	if (obj_delete(where, &key, own.deadline_ms, &got) != OBJ_OK)
		LOG(LOG_WARN, "an object was stored and not written down", LOG_TEXT("key", key.text),
			LOG_TEXT("cause", got.error));
}

static enum err store_and_record(struct ctx *cx, const struct bundle_bytes *made, struct recording *r,
	const struct tenant **ret_fresh)
{
	struct objstore *where;
	struct obj_got got;
	enum err e;

	TRY(unit(cx, DB_WRITE, announce, r, ret_fresh));
	where = store_of(cx);
	e = store(cx, made, r, &got);
	r->sha256 = (struct bytes){ got.sha256, sizeof(got.sha256) };
	if (e == ERR_NONE)
		e = unit(cx, DB_WRITE, record, r, ret_fresh);
	if (e != ERR_NONE)
		withdraw(cx, r, where);
	return e;
}

static enum err make(
	struct ctx *cx, const char *environment, const struct bundle **ret, const struct tenant **ret_fresh)
{
	struct reading in = { .content = { .environment = environment } };
	struct recording r = { .environment = environment };
	struct bundle_bytes made;
	struct bundle_key key;

	TRY(unit(cx, DB_READ, weigh, &in, ret_fresh));
	in.content.tenant_id = cx->tenant->id;
	bundle_key_make(&cx->world->settings->signing, cx->tenant->id, &key);
	TRY(bundle_make(cx, &in.content, &key, &made));
	bytes_wipe(&key, sizeof(key));
	r.key = arena_printf(cx->arena, "bundles/%s/%s.tar.gz", environment, made.revision);
	r.revision = made.revision;
	r.size = (int64_t)made.n;
	r.version = in.row.head_version;
	r.epoch = in.row.epoch;
	TRY(store_and_record(cx, &made, &r, ret_fresh));
	FAILPOINT("bundle.recorded");
	*ret = bundles_keep(cx->world->bundles, cx->tenant->id, r.key, r.revision, made.p, made.n);
	drop_old_if_possible(cx, &r.old, ret_fresh);
	return ERR_NONE;
}

/* Something changed, and nothing that counts here: a bundle remains what it is. */
static enum err pass(struct ctx *cx, const struct bundle_row *row, const struct tenant **ret_fresh)
{
	struct recording r = { .key = row->key, .version = row->head_version, .epoch = row->epoch };

	return unit(cx, DB_WRITE, touch, &r, ret_fresh);
}

/*
 * Who has waited, or would wait in vain, takes what there is, as long as it is newer than what he has:
 * another node, with another key, may have given him what holds more than the newest of this one, and what
 * was revoked stays revoked.
 */
static bool takes_older(const struct look *l)
{
	const enum bundle_wish wish = l->ask->wish;
	const bool vain = wish == BUNDLE_NOW && l->row.trouble != NULL;

	return (wish == BUNDLE_NEWEST || vain) && l->row.key != NULL && l->row.newer;
}

static enum err bring_up(
	struct ctx *cx, const struct look *l, const struct bundle **ret, const struct tenant **ret_fresh)
{
	if (l->row.key != NULL && l->row.version == l->row.head_version)
		return fetch(cx, &l->row, ret, ret_fresh);
	if (takes_older(l))
		return fetch(cx, &l->row, ret, ret_fresh);
	if (l->ask->wish != BUNDLE_MAKE)
		return l->row.trouble != NULL ? refuse(cx, ERR_UNAVAILABLE, "%s", l->row.trouble) : ERR_NONE;
	if (l->row.touched)
		return make(cx, l->ask->environment, ret, ret_fresh);
	TRY(pass(cx, &l->row, ret_fresh));
	return fetch(cx, &l->row, ret, ret_fresh);
}

/* What nobody asks for is told by nobody: the tenant sees it, as long as it lasts. */
static enum err note_trouble(struct ctx *cx, void *arg)
{
	const struct look *l = arg;
	const char *why = l->why != NULL ? l->why : "the bundle cannot be made at the moment";

	if (l->over)
		q_bundle_trouble_over_later(cx->db, l->ask->environment);
	else
		q_bundle_trouble_put_later(
			cx->db, l->ask->environment, why, l->row.epoch, cx->world->settings->signing.id);
	return ERR_NONE;
}

static void keep_books(struct ctx *cx, struct look *l, enum err e)
{
	struct ctx own = *cx;
	const struct tenant *fresh = NULL;

	l->over = e == ERR_NONE;
	l->why = cx->problem.message;
	if (e == ERR_TENANT_MOVING || (l->over && l->row.trouble == NULL) ||
		(!l->over && l->why != NULL && str_eq(l->why, l->row.trouble)))
		return;
	ctx_clear_problem(&own);
	own.deadline_ms = clock_mono_ms() + WITHDRAW_MS;
	/* Where this cannot be written either, the job's own complaint and other alerts tell why. */
	if (head_note(&own, note_trouble, l, &fresh) != ERR_NONE)
		LOG(LOG_DEBUG, "what is wrong with a bundle is not written down",
			LOG_TEXT("tenant", cx->tenant->id));
	tenant_put(fresh);
}

enum err bundle_look(struct ctx *cx, const struct bundle_ask *ask, const struct bundle **ret,
	const char **ret_newest, const struct tenant **ret_fresh)
{
	const bool may_make = ask->wish == BUNDLE_MAKE;
	struct look l = { .ask = ask };
	enum err e;

	*ret = NULL;
	*ret_newest = NULL;
	*ret_fresh = NULL;
	if (store_of(cx) == NULL)
		return refuse(cx, ERR_STORE_MISSING, "no store of objects is configured (section store)");
	TRY(unit(cx, DB_READ, look, &l, ret_fresh));
	*ret_newest = l.row.revision;
	e = bring_up(cx, &l, ret, ret_fresh);
	if (may_make && (e != ERR_NONE || *ret != NULL))
		keep_books(cx, &l, e);
	/* What was wrong with it may be over: who may make it sees to that, and writes it down. */
	if (!may_make && *ret != NULL && l.row.trouble != NULL)
		bundle_expect(cx, ask->environment);
	return e;
}
