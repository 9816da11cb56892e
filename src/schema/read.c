/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/read.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cc/schema/write.h"
#include "check.h"
#include "scan.h"
#include "tree.h"
#include "value.h"
#include "wipe.h"


struct reader {
	struct ctx *cx;
	enum read_mode mode;
	/*
	 * Inside a field that this request cannot change: values are taken as they are, for
	 * schema_overlay() to compare, and what does not even have the right type is `read_only`.
	 */
	bool locked;
	bool passing;                   /* … of a volatile field: it is looked at and forgotten */
};

static void read_object(struct reader *r, const struct place *up, const struct schema *s, json_t *o,
			void *obj);

static const char *type_name(enum kind k)
{
	static const char *const names[] = {
		[K_TEXT] = "a string",       [K_INT] = "an integer",         [K_BOOL] = "true or false",
		[K_TIME] = "a string",       [K_NUM] = "a number",           [K_ENUM] = "a string",
		[K_STRS] = "a list of strings", [K_JSON] = "an object",      [K_OBJ] = "an object",
		[K_BYTES] = "bytes",
	};

	return names[k];
}

static const char *json_type_name(const json_t *v)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "an integer", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false", [JSON_NULL] = "null",
	};

	return names[json_typeof(v)];
}

static bool wrong_type(struct reader *r, const struct place *at, const char *wanted, const json_t *v)
{
	if (r->locked && !r->passing)
		fault_add(r->cx, at, "read_only", "cannot be changed");
	else
		fault_add(r->cx, at, "type", "must be %s, is %s", wanted, json_type_name(v));
	return false;
}

static bool read_string(struct reader *r, const struct place *at, const struct field *f, json_t *v,
			void *member)
{
	const char *s = json_string_value(v);

	if (s == NULL)
		return wrong_type(r, at, type_name(f->kind), v);
	if (f->kind == K_TIME) {
		if (time_parse(s, false, member))
			return true;
		if (r->locked && !r->passing)
			return wrong_type(r, at, type_name(f->kind), v);
		fault_add(r->cx, at, "format", "must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
		return false;
	}
	if (r->locked) {
		*(const char **)member = arena_strdup(r->cx->arena, s);
		return true;
	}
	return read_text_value(r->cx, at, f, s, member);
}

static bool read_number(struct reader *r, const struct place *at, const struct field *f, json_t *v,
			void *member)
{
	if (f->kind == K_NUM) {
		if (!json_is_number(v))
			return wrong_type(r, at, type_name(f->kind), v);
		if (!r->locked && !check_num(r->cx, at, f, json_number_value(v)))
			return false;
		*(double *)member = json_number_value(v);
		return true;
	}
	if (!json_is_integer(v))
		return wrong_type(r, at, type_name(f->kind), v);
	if (!r->locked && !check_int(r->cx, at, f, json_integer_value(v)))
		return false;
	*(int64_t *)member = json_integer_value(v);
	return true;
}

static const char *read_item(struct reader *r, const struct place *at, const struct field *f, json_t *v)
{
	const char *s = json_string_value(v);

	if (s == NULL)
		wrong_type(r, at, "a string", v);
	else if (r->locked)
		return arena_strdup(r->cx->arena, s);
	return s ? check_item(r->cx, at, f, s) : NULL;
}

static bool read_strings(struct reader *r, const struct place *at, const struct field *f, json_t *v,
			 void *member)
{
	struct strv list = { .n = json_array_size(v) };
	bool fine = true;
	const char **items;

	if (!json_is_array(v))
		return wrong_type(r, at, type_name(f->kind), v);
	if (!r->locked && !check_count(r->cx, at, f, list.n))
		return false;
	items = ARENA_ARRAY(r->cx->arena, const char *, list.n);
	for (size_t i = 0; i < list.n; i++) {
		const struct place item = { at, NULL, i };

		items[i] = read_item(r, &item, f, json_array_get(v, i));
		fine = fine && items[i] != NULL;
	}
	list.v = items;
	if (fine)
		*(struct strv *)member = list;
	return fine;
}

/* A list of objects: each must be what its table says, but the text is kept as it was sent. */
static bool check_objects(struct reader *r, const struct place *at, const struct field *f, json_t *v)
{
	struct reader inner = { .cx = r->cx, .mode = READ_CREATE };
	const int before = r->cx->problem.nfaults;
	void *scratch;

	if (!json_is_array(v))
		return wrong_type(r, at, "a list of objects", v);
	if (!check_count(r->cx, at, f, json_array_size(v)))
		return false;
	scratch = arena_alloc(r->cx->arena, f->sub->size);
	for (size_t i = 0; i < json_array_size(v); i++) {
		const struct place item = { at, NULL, i };
		json_t *o = json_array_get(v, i);

		if (json_is_object(o))
			read_object(&inner, &item, f->sub, o, scratch);
		else
			wrong_type(&inner, &item, "an object", o);
	}
	return r->cx->problem.nfaults == before;
}

static bool read_json(struct reader *r, const struct place *at, const struct field *f, json_t *v,
		      void *member)
{
	const size_t max = json_bytes_max(f);
	struct str text;
	struct jw w;

	if (f->sub != NULL && !r->locked && !check_objects(r, at, f, v))
		return false;
	if (f->sub == NULL && !(f->flags & F_ANY_JSON) && !json_is_object(v))
		return wrong_type(r, at, type_name(f->kind), v);
	str_init(&text, r->cx->arena, 256);
	jw_init(&w, &text);
	tree_write(&w, v);
	if (f->sub == NULL && !r->locked && text.len > max) {
		fault_add(r->cx, at, "length", "must be at most %zu bytes of JSON, is %zu", max, text.len);
		return false;
	}
	*(const char **)member = text.data;
	return true;
}

static bool read_nested(struct reader *r, const struct place *at, const struct field *f, json_t *v,
			void *member)
{
	if (!json_is_object(v))
		return wrong_type(r, at, type_name(f->kind), v);
	read_object(r, at, f->sub, v, member);
	return true;
}

static bool read_null(struct reader *r, const struct place *at, const struct field *f, void *member)
{
	bool can_be_null = f->kind != K_BOOL && f->kind != K_OBJ;

	if (f->flags & F_NULLABLE || (r->locked && can_be_null)) {
		value_set_null(f, member);
		return true;
	}
	if (r->locked && !r->passing)
		fault_add(r->cx, at, "read_only", "cannot be changed");
	else
		fault_add(r->cx, at, "null", "must not be null");
	return false;
}

static bool read_value(struct reader *r, const struct place *at, const struct field *f, json_t *v,
		       void *member)
{
	if (f->flags & F_SECRET)
		arena_hold_secret(r->cx->arena);
	if (json_is_null(v) && !(f->flags & F_ANY_JSON && !(f->flags & F_NULLABLE)))
		return read_null(r, at, f, member);
	switch (f->kind) {
	case K_TEXT:
	case K_ENUM:
	case K_TIME:
		return read_string(r, at, f, v, member);
	case K_INT:
	case K_NUM:
		return read_number(r, at, f, v, member);
	case K_BOOL:
		if (!json_is_boolean(v))
			return wrong_type(r, at, type_name(f->kind), v);
		*(bool *)member = json_is_true(v);
		return true;
	case K_STRS:
		return read_strings(r, at, f, v, member);
	case K_JSON:
		return read_json(r, at, f, v, member);
	case K_OBJ:
		return read_nested(r, at, f, v, member);
	case K_BYTES:
		break;
	}
	return false;
}

/* It may have changed since the client read it, so any value will do, if it is one that could be read. */
static void look_at_volatile(struct reader *r, const struct place *at, const struct field *f, json_t *v)
{
	struct reader inner = *r;
	void *scratch = arena_alloc(r->cx->arena, f->sub != NULL ? f->sub->size : sizeof(struct strv));

	inner.locked = inner.passing = true;
	if (!json_is_null(v) || f->kind == K_OBJ || f->kind == K_BOOL)
		(void)read_value(&inner, at, f, v, scratch);
}

/* One member of the object sent. True: it was read and counts as seen. */
static bool read_member(struct reader *r, const struct place *at, const struct field *f, json_t *v, void *obj)
{
	struct reader inner = *r;

	if (r->mode == READ_CREATE && !(f->flags & F_CREATE)) {
		fault_add(r->cx, at, "read_only", "cannot be set");
		return false;
	}
	if (r->mode != READ_CREATE) {
		if (!(f->flags & F_UPDATE) && f->flags & F_VOLATILE) {
			look_at_volatile(r, at, f, v);
			return false;
		}
		if (!(f->flags & F_UPDATE) && !(f->flags & F_OUT)) {
			fault_add(r->cx, at, "read_only", "cannot be changed");
			return false;
		}
		inner.locked = r->locked || !(f->flags & F_UPDATE);
	}
	return read_value(&inner, at, f, v, schema_member(obj, f));
}

static bool is_required(const struct reader *r, const struct field *f)
{
	if (r->locked || !(f->flags & F_REQUIRED) || r->mode == READ_MERGE)
		return false;
	return f->flags & (r->mode == READ_CREATE ? F_CREATE : F_UPDATE);
}

static void read_object(struct reader *r, const struct place *up, const struct schema *s, json_t *o,
			void *obj)
{
	uint64_t present = 0, seen = 0;
	const char *key;
	json_t *v;

	schema_set_defaults(r->cx->arena, s, obj);
	json_object_foreach(o, key, v) {
		const struct place at = { up, key, 0 };
		size_t i = schema_index(s, key);

		if (i == SIZE_MAX && s->loose)
			continue;
		/* Columns that never leave the database are not to be found out by asking. */
		if (i == SIZE_MAX || !(s->fields[i].flags & F_RW)) {
			fault_add(r->cx, &at, "unknown", "is not a field of %s", s->name);
			continue;
		}
		present |= UINT64_C(1) << i;
		if (read_member(r, &at, &s->fields[i], v, obj))
			seen |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < s->nfields; i++) {
		const struct place at = { up, s->fields[i].name, 0 };

		if (!(present >> i & 1) && is_required(r, &s->fields[i]))
			fault_add(r->cx, &at, "required", "is required");
	}
	schema_set_seen_bits(s, obj, seen);
}

/* The parser's own sentences quote the body, which may hold a secret: only the kind of fault is told. */
static const char *parser_fault(const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	if (code == json_error_duplicate_key)
		return "the key is there twice";
	if (code == json_error_premature_end_of_input)
		return "the body ends in the middle";
	if (code == json_error_end_of_input_expected)
		return "there is more after the end of the object";
	if (code == json_error_numeric_overflow)
		return "the number is too large";
	if (code == json_error_null_character || code == json_error_null_byte_in_key)
		return "U+0000 is not allowed";
	return "the body is not JSON";
}

static enum err not_json(struct ctx *cx, const char *text, size_t at, const char *what)
{
	size_t line, column;

	json_where(text, at, &line, &column);
	(void)refuse_line(cx, ERR_INVALID_REQUEST, "body", line, column, "line %zu, column %zu: %s", line,
			  column, what);
	return refuse(cx, ERR_INVALID_REQUEST, "line %zu, column %zu: %s", line, column, what);
}

enum err schema_read_json(struct ctx *cx, const struct schema *s, const char *text, size_t len,
			  enum read_mode mode, void *ret)
{
	struct reader r = { .cx = cx, .mode = mode };
	json_error_t error;
	const char *wrong;
	size_t at = 0;
	json_t *body;

	wrong = json_scan(text, len, s->loose, &at);
	if (wrong != NULL)
		return not_json(cx, text, at, wrong);
	jansson_wipes();
	body = json_loadb(
		text, len, JSON_REJECT_DUPLICATES | (s->loose ? JSON_DECODE_INT_AS_REAL : 0), &error);
	if (body == NULL) {
		at = error.position > 0 && (size_t)error.position <= len ? (size_t)error.position : 0;
		return not_json(cx, text, at, parser_fault(&error));
	}
	read_object(&r, NULL, s, body, ret);
	json_decref(body);
	return ctx_faults(cx);
}
