/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/read.h"

#include <string.h>

#include "cc/schema/write.h"
#include "check.h"
#include "scan.h"
#include "value.h"

struct overlay {
	struct ctx *cx;
	enum read_mode mode;
	const char **changed;
	size_t nchanged, cap;
};

static void note_change(struct overlay *o, const struct place *at)
{
	if (o->nchanged == o->cap) {
		const char **more = ARENA_ARRAY(o->cx->arena, const char *, o->cap ? 2 * o->cap : 16);

		if (o->nchanged > 0)
			memcpy(more, o->changed, o->nchanged * sizeof(*more));
		o->changed = more;
		o->cap = o->cap ? 2 * o->cap : 16;
	}
	o->changed[o->nchanged++] = place_text(o->cx->arena, at);
}

static const char *printed(struct arena *a, const struct field *f, const void *member)
{
	struct str out;
	struct jw w;

	str_init(&out, a, 64);
	jw_init(&w, &out);
	schema_write_value(&w, f, member, WRITE_FULL);
	return out.data;
}

/*
 * What counts is what a client can see: times are equal to the second. JSON is compared as a value,
 * because the database gives it back with other blanks and in another order.
 */
static bool same(struct overlay *o, const struct field *f, const void *x, const void *y)
{
	struct arena_mark mark;
	bool equal;

	if (f->kind == K_JSON)
		return json_text_equal(*(const char *const *)x, *(const char *const *)y);
	mark = arena_mark(o->cx->arena);
	equal = str_eq(printed(o->cx->arena, f, x), printed(o->cx->arena, f, y));
	arena_rewind(o->cx->arena, mark);
	return equal;
}

static void replace(struct overlay *o, const struct place *at, const struct field *f, void *current,
		    const void *by)
{
	if (same(o, f, current, by))
		return;
	memcpy(current, by, value_size(f));
	note_change(o, at);
}

/* Objects of no fixed shape merge member by member, as the object that they are in does. */
static void merge_json(struct overlay *o, const struct place *at, const struct field *f, void *current,
		       const char *patch)
{
	const char *text = json_text_merge(o->cx->arena, *(const char *const *)current, patch);
	const size_t max = json_bytes_max(f), n = strlen(text);
	const char *wrong;
	size_t where;

	if (n > max) {
		fault_add(o->cx, at, "length", "would be more than %zu bytes of JSON", max);
		return;
	}
	wrong = json_scan(text, n, false, &where);
	if (wrong != NULL)
		fault_add(o->cx, at, "length", "would be too large: %s", wrong);
	else
		replace(o, at, f, current, &text);
}

static bool is_object_patch(const struct overlay *o, const struct field *f, const void *sent)
{
	const char *text;

	if (o->mode != READ_MERGE || f->kind != K_JSON)
		return false;
	text = *(const char *const *)sent;
	return text != NULL && text[0] == '{';
}

static void overlay_field(struct overlay *o, const struct place *at, const struct field *f, void *current,
			  const void *sent, bool may_change)
{
	union value unsent;

	if (!may_change) {
		if (sent != NULL && !(f->flags & F_VOLATILE) && !same(o, f, current, sent))
			fault_add(o->cx, at, "read_only", "cannot be changed");
		return;
	}
	if (sent != NULL && is_object_patch(o, f, sent)) {
		merge_json(o, at, f, current, *(const char *const *)sent);
	} else if (sent != NULL) {
		replace(o, at, f, current, sent);
	} else if (o->mode == READ_REPLACE && (f->flags & F_STICKY) == 0) {
		value_set_default(o->cx->arena, f, &unsent);
		replace(o, at, f, current, &unsent);
	}
}

/* sent is NULL when the object itself was not sent; locked: nothing inside can change. */
static void overlay_object(struct overlay *o, const struct place *up, const struct schema *s, void *current,
			   const void *sent, bool locked)
{
	const uint64_t seen = sent ? schema_seen_bits(s, sent) : 0;

	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const struct place at = { up, f->name, 0 };
		const void *from = seen >> i & 1 ? schema_member_const(sent, f) : NULL;
		const bool may_change = !locked && f->flags & F_UPDATE;

		if (f->kind != K_OBJ)
			overlay_field(o, &at, f, schema_member(current, f), from, may_change);
		else if (from != NULL || may_change)
			overlay_object(o, &at, f->sub, schema_member(current, f), from, !may_change);
	}
}

enum err schema_overlay(struct ctx *cx, const struct schema *s, void *current, const void *sent,
			enum read_mode mode, struct strv *ret_changed)
{
	struct overlay o = { .cx = cx, .mode = mode };

	overlay_object(&o, NULL, s, current, sent, false);
	if (ctx_faults(cx) == ERR_NONE && ret_changed != NULL)
		*ret_changed = (struct strv){ .v = o.changed, .n = o.nchanged };
	return ctx_faults(cx);
}
