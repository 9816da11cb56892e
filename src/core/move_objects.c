/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tenant's objects, by its catalogue: first an object, then the row that knows of it. The catalogue has
 * no versions, and is not large: as long as it differs in the two regions, what is missing is brought and
 * what is gone is removed. Regions with one store share the objects; then the rows alone travel.
 */
#define _GNU_SOURCE /* mkostemp, O_TMPFILE */
#include "move_parts.h"
#include "objects_in.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/model/q_tenant.h"

#define PAGE 200
#define SLICE_MS 1000 /* then somebody else may have a turn */

/* A page of the source's catalogue, and what the target has of the same keys. */
struct objects {
	struct move *m;
	struct objstore *from, *to;
	char after[OBJ_KEY_MAX + 1];
	const char *upto; /* NULL: no page follows */
	struct db_rows there, here, beside;
	struct strv keys, lines, gone;
	int64_t rows, bytes; /* brought */
	struct move_sum sum[2];
};

/* Whether both say the same -------------------------------------------------------------------------- */

static enum err sum_up(struct ctx *cx, void *arg)
{
	return q_move_objects_sum(cx->db, arg);
}

static enum err compare(struct ctx *cx, struct objects *o, bool *ret_equal)
{
	TRY(db_unit(cx, &o->m->source, DB_READ, sum_up, &o->sum[0]));
	TRY(db_unit(cx, &o->m->target, DB_READ, sum_up, &o->sum[1]));
	*ret_equal = o->sum[0].rows == o->sum[1].rows && str_eq(o->sum[0].sum, o->sum[1].sum);
	return ERR_NONE;
}

/* One page ------------------------------------------------------------------------------------------- */

static const struct move_object *object_at(const struct db_rows *rows, size_t i)
{
	return DB_ROW(rows, struct move_object, i);
}

static enum err read_source(struct ctx *cx, void *arg)
{
	struct objects *o = arg;

	return q_move_objects(cx->db, &o->there, o->after, PAGE);
}

static enum err read_target(struct ctx *cx, void *arg)
{
	struct objects *o = arg;

	q_move_objects_of_later(cx->db, &o->here, &o->keys);
	return q_move_objects_beside(cx->db, &o->beside, o->after, o->upto, &o->keys, PAGE);
}

static enum err read_page(struct ctx *cx, struct objects *o)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, PAGE + 1);

	TRY(db_unit(cx, &o->m->source, DB_READ, read_source, o));
	for (size_t i = 0; i < o->there.n; i++)
		v[i] = object_at(&o->there, i)->key;
	o->keys = (struct strv){ .v = v, .n = o->there.n };
	o->upto = o->there.n == PAGE ? v[PAGE - 1] : NULL;
	return db_unit(cx, &o->m->target, DB_READ, read_target, o);
}

static const struct move_object *find(const struct db_rows *rows, const char *key)
{
	for (size_t i = 0; i < rows->n; i++)
		if (str_eq(object_at(rows, i)->key, key))
			return object_at(rows, i);
	return NULL;
}

struct untrue {
	struct strv keys;
};

static enum err forget_untrue(struct ctx *cx, void *arg)
{
	const struct untrue *u = arg;

	q_move_objects_forget_later(cx->db, &u->keys);
	return ERR_NONE;
}

/* The source's catalogue names what is not there, or is something else: it will be made again. */
static enum err mend_source(struct ctx *cx, const struct objects *o, const char *path)
{
	struct untrue u = { .keys = { .v = &path, .n = 1 } };

	LOG(LOG_WARN, "an object of a tenant that moves is not what was stored",
		LOG_TEXT("tenant", o->m->row.tenant_id), LOG_TEXT("object", path));
	return db_unit(cx, &o->m->source, DB_WRITE, forget_untrue, &u);
}

/* Where an object is between the two stores: in memory, or in a file without a name if it is large. */
struct bag {
	FILE *file; /* NULL: in memory */
	char *bytes;
	int64_t size;
};

/* Where file systems know no files without a name, one that loses it at once. */
static int nameless_file(struct arena *a, const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *path;

	if (fd >= 0)
		return fd;
	path = arena_printf(a, "%s/.moving-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

/* In a container nothing else may be there to be written to. */
static FILE *bag_file(struct ctx *cx)
{
	const char *folder = cx->world->settings->state_dir;
	const int fd = folder != NULL ? nameless_file(cx->arena, folder) : -1;
	FILE *f;

	if (folder == NULL)
		return tmpfile();
	f = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (f == NULL && fd >= 0)
		(void)close(fd);
	return f;
}

static bool write_bag(void *arg, const void *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n;
}

static int64_t read_bag(void *arg, void *buf, size_t max)
{
	const size_t n = fread(buf, 1, max, arg);

	return n == 0 && ferror(arg) ? -1 : (int64_t)n;
}

static void bag_close(struct bag *b)
{
	if (b->file != NULL)
		(void)fclose(b->file);
}

static enum obj_result fill(struct ctx *cx, const struct objects *o, const struct obj_key *key,
	const struct move_object *row, struct bag *b, struct obj_got *got)
{
	enum obj_result r;

	*b = (struct bag){ .size = row->size };
	if (row->size <= OBJ_PART)
		return obj_get_bytes(o->from, cx->arena, key, row->sha256.p, (size_t)row->size,
			cx->deadline_ms, &b->bytes, got);
	b->file = bag_file(cx);
	if (b->file == NULL)
		return OBJ_FULL;
	r = obj_get(o->from, key, row->sha256.p, row->size, write_bag, b->file, cx->deadline_ms, got);
	return r == OBJ_STOPPED || (r == OBJ_OK && fflush(b->file) != 0) ? OBJ_FULL : r;
}

static enum obj_result pour(struct ctx *cx, const struct objects *o, const struct obj_key *key, struct bag *b,
	struct obj_got *got)
{
	if (b->file == NULL)
		return obj_put_bytes(o->to, key, 0, b->bytes, (size_t)b->size, cx->deadline_ms, got);
	rewind(b->file);
	return obj_put(o->to, key, 0, read_bag, b->file, cx->deadline_ms, got);
}

/* Read back: what the target says it has is what will be asked for. */
static enum err put_object(struct ctx *cx, const struct objects *o, const struct obj_key *key,
	const struct move_object *row, struct bag *b)
{
	struct obj_got got;
	enum obj_result r = pour(cx, o, key, b, &got);

	if (r == OBJ_OK)
		r = obj_check(o->to, key, row->sha256.p, row->size, cx->deadline_ms, &got);
	return r == OBJ_OK ? ERR_NONE : refuse_store(cx, r, &got);
}

static enum err copy_object(
	struct ctx *cx, struct objects *o, const struct move_object *row, bool *ret_copied)
{
	const struct arena_mark mark = arena_mark(cx->arena);
	struct obj_key key;
	struct obj_got got = { .size = 0 };
	enum obj_result r;
	enum err e = ERR_NONE;
	struct bag b;

	TRY(object_key(cx, o->m->row.tenant_id, row->key, &key));
	r = fill(cx, o, &key, row, &b, &got);
	*ret_copied = r == OBJ_OK;
	if (r == OBJ_OK)
		e = put_object(cx, o, &key, row, &b);
	bag_close(&b);
	TRY(e);
	if (r == OBJ_MISSING || r == OBJ_DIFFERENT || r == OBJ_TOO_LARGE)
		return mend_source(cx, o, row->key);
	if (r != OBJ_OK)
		return refuse_store(cx, r, &got);
	arena_rewind(cx->arena, mark);
	o->bytes += row->size;
	FAILPOINT("move.object.copied");
	return ERR_NONE;
}

static bool same_object(const struct move_object *a, const struct move_object *b)
{
	return a != NULL && a->size == b->size && a->sha256.n == b->sha256.n &&
	       memcmp(a->sha256.p, b->sha256.p, a->sha256.n) == 0;
}

/* *ret_all false: the time was over before. */
static enum err bring(struct ctx *cx, struct objects *o, int64_t until, bool *ret_all)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, o->there.n + 1);
	size_t n = 0;

	*ret_all = true;
	for (size_t i = 0; i < o->there.n && *ret_all; i++) {
		const struct move_object *row = object_at(&o->there, i), *known = find(&o->here, row->key);
		bool copied = true;

		if (known != NULL && str_eq(known->line, row->line))
			continue;
		if (o->from != o->to && !same_object(known, row))
			TRY(copy_object(cx, o, row, &copied));
		if (copied)
			v[n++] = row->line;
		*ret_all = clock_mono_ms() < until;
	}
	o->lines = (struct strv){ .v = v, .n = n };
	o->rows += (int64_t)n;
	return ERR_NONE;
}

static enum err remove_object(struct ctx *cx, const struct objects *o, struct objstore *s, const char *path)
{
	struct obj_key key;
	struct obj_got got;
	enum obj_result r;

	TRY(object_key(cx, o->m->row.tenant_id, path, &key));
	r = obj_delete(s, &key, cx->deadline_ms, &got);
	return r == OBJ_OK ? ERR_NONE : refuse_store(cx, r, &got);
}

/* What the source has no more. */
static enum err remove_gone(struct ctx *cx, struct objects *o)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, o->beside.n + 1);

	for (size_t i = 0; i < o->beside.n; i++) {
		v[i] = object_at(&o->beside, i)->key;
		if (o->from != o->to)
			TRY(remove_object(cx, o, o->to, v[i]));
	}
	o->gone = (struct strv){ .v = v, .n = o->beside.n };
	return ERR_NONE;
}

static enum err write_target(struct ctx *cx, void *arg)
{
	struct objects *o = arg;
	struct head head;

	TRY(move_touch_target(cx, o->m, &head));
	q_move_objects_forget_later(cx->db, &o->gone);
	q_move_objects_put_later(cx->db, &o->lines);
	return ERR_NONE;
}

static enum err follow_page(struct ctx *cx, struct objects *o, int64_t until, bool *ret_all)
{
	TRY(read_page(cx, o));
	TRY(bring(cx, o, until, ret_all));
	TRY(remove_gone(cx, o));
	if (o->lines.n + o->gone.n > 0)
		TRY(db_unit(cx, &o->m->target, DB_WRITE, write_target, o));
	FAILPOINT("move.objects.page");
	return ERR_NONE;
}

/* All of them ---------------------------------------------------------------------------------------- */

static enum err begin(struct ctx *cx, struct move *m, struct objects *o)
{
	*o = (struct objects){ .m = m,
		.from = region_store(cx->world, m->row.from_region),
		.to = region_store(cx->world, m->row.to_region) };
	if ((o->from == NULL) == (o->to == NULL))
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE, "region %s has no store of objects",
		o->from == NULL ? m->row.from_region : m->row.to_region);
}

static enum err walk(struct ctx *cx, struct objects *o, int64_t until, bool *ret_all)
{
	*ret_all = true;
	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		TRY(follow_page(cx, o, until, ret_all));
		if (o->upto != NULL)
			(void)snprintf(o->after, sizeof(o->after), "%s", o->upto);
		arena_rewind(cx->arena, mark);
		*ret_all = *ret_all && (o->upto == NULL || clock_mono_ms() < until);
	} while (*ret_all && o->upto != NULL);
	return ERR_NONE;
}

enum err move_objects(struct ctx *cx, struct move *m, bool *ret_whole)
{
	const int64_t began = clock_mono_ms();
	struct move_figures f = { .lag = INT_NULL, .verified_version = INT_NULL, .verified_seq = INT_NULL };
	struct objects o;
	bool all;

	*ret_whole = true;
	if (m->row.bare)
		return ERR_NONE;
	TRY(begin(cx, m, &o));
	TRY(compare(cx, &o, ret_whole));
	if (*ret_whole)
		return ERR_NONE;
	TRY(walk(cx, &o, began + SLICE_MS, &all));
	if (all)
		TRY(compare(cx, &o, ret_whole));
	f.rows = o.rows;
	f.bytes = o.bytes;
	f.copy_ms = clock_mono_ms() - began + 1;
	return move_figures_add(cx, m, &f);
}

/*
 * A move that leaves the data behind, in a store that both regions have: nobody would know of the objects any
 * more. Those that the tenant has made again since have the same names, and stay.
 */
enum err move_objects_discard(struct ctx *cx, struct move *m)
{
	struct objects o;

	TRY(begin(cx, m, &o));
	if (!m->row.bare || o.from == NULL || o.from != o.to)
		return ERR_NONE;
	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		TRY(read_page(cx, &o));
		for (size_t i = 0; i < o.there.n; i++)
			if (find(&o.here, object_at(&o.there, i)->key) == NULL)
				TRY(remove_object(cx, &o, o.from, object_at(&o.there, i)->key));
		if (o.upto != NULL)
			(void)snprintf(o.after, sizeof(o.after), "%s", o.upto);
		arena_rewind(cx->arena, mark);
	} while (o.upto != NULL);
	return ERR_NONE;
}
