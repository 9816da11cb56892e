/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <string.h>

#include "scan.h"
#include "value.h"

/* Real numbers keep a point or an exponent, so that 5.0 does not come back as an integer. */
static void write_real(struct jw *w, double v)
{
	char text[NUM_TEXT_SIZE + 2];

	num_text(text, v);
	if (strpbrk(text, ".e") == NULL)
		memcpy(text + strlen(text), ".0", sizeof(".0"));
	jw_raw(w, text);
}

/*
 * json_dumps() would print 0.1 as 0.10000000000000001; this prints the shortest form that reads
 * back the same. The depth is capped by json_scan().
 */
void tree_write(struct jw *w, json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		jw_object(w);
		json_object_foreach(v, key, item) {
			jw_key(w, key);
			tree_write(w, item);
		}
		jw_object_end(w);
		break;
	case JSON_ARRAY:
		jw_array(w);
		json_array_foreach(v, i, item)
			tree_write(w, item);
		jw_array_end(w);
		break;
	case JSON_STRING:
		jw_text(w, json_string_value(v));
		break;
	case JSON_INTEGER:
		jw_int(w, json_integer_value(v));
		break;
	case JSON_REAL:
		write_real(w, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		jw_bool(w, json_is_true(v));
		break;
	case JSON_NULL:
		jw_null(w);
		break;
	}
}

size_t json_bytes_max(const struct field *f)
{
	return f->max > 0 ? (size_t)f->max : (size_t)64 * 1024;
}

static json_t *load_any(const char *s)
{
	return s ? json_loads(s, JSON_DECODE_ANY, NULL) : json_null();
}

bool json_text_valid(const char *s)
{
	json_t *v = load_any(s);

	json_decref(v);
	return v != NULL;
}

bool json_text_equal(const char *a, const char *b)
{
	json_t *x = load_any(a), *y = load_any(b);
	/* PostgreSQL keeps numbers that jansson cannot hold: then the texts must do. */
	bool equal = x != NULL && y != NULL ? json_equal(x, y) : str_eq(a, b);

	json_decref(x);
	json_decref(y);
	return equal;
}

/* RFC 7396 on trees: changes target, or returns another one. The depth of both is capped. */
static json_t *merged(json_t *target, json_t *patch)
{
	const char *key;
	json_t *v;

	if (!json_is_object(patch))
		return json_incref(patch);
	target = json_is_object(target) ? json_incref(target) : json_object();
	json_object_foreach(patch, key, v) {
		if (json_is_null(v))
			json_object_del(target, key);
		else
			json_object_set_new(target, key, merged(json_object_get(target, key), v));
	}
	return target;
}

const char *json_text_merge(struct arena *a, const char *target, const char *patch)
{
	json_t *old = load_any(target), *by = load_any(patch), *both;
	struct str text;
	struct jw w;

	if (by == NULL)
		return patch;
	both = merged(old, by);
	str_init(&text, a, 256);
	jw_init(&w, &text);
	tree_write(&w, both);
	json_decref(both);
	json_decref(by);
	json_decref(old);
	return text.data;
}
