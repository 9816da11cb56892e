/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/doc.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cc/schema/read.h"
#include "cc/schema/write.h"

#define INTEGER_MAX (INT64_C(1) << 53)

struct doc {
	struct arena *arena;
	json_t *root;
};

static struct doc *doc_of(struct arena *a, json_t *root)
{
	struct doc *d = ARENA_NEW(a, struct doc);

	d->arena = a;
	d->root = root;
	return d;
}

struct doc *doc_parse(struct arena *a, const char *text, size_t len, const char **ret_error)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL) {
		*ret_error = arena_printf(a, "not JSON: %s", error.text);
		return NULL;
	}
	if (!json_is_object(root)) {
		*ret_error = "not a JSON object";
		json_decref(root);
		return NULL;
	}
	return doc_of(a, root);
}

void doc_free(struct doc *d)
{
	if (d != NULL)
		json_decref(d->root);
}

const char *doc_text(const struct doc *d, const char *key)
{
	return json_string_value(json_object_get(d->root, key));
}

bool doc_texts(const struct doc *d, const char *key, struct strv *ret)
{
	const json_t *v = json_object_get(d->root, key), *item;
	const size_t n = json_is_array(v) ? json_array_size(v) : 1;
	const char **texts = ARENA_ARRAY(d->arena, const char *, n);

	for (size_t i = 0; i < n; i++) {
		item = json_is_array(v) ? json_array_get(v, i) : v;
		if (!json_is_string(item))
			return false;
		texts[i] = arena_strdup(d->arena, json_string_value(item));
	}
	*ret = (struct strv){ .v = texts, .n = n };
	return true;
}

const struct doc *doc_object(const struct doc *d, const char *key)
{
	json_t *v = json_object_get(d->root, key);

	return json_is_object(v) ? doc_of(d->arena, v) : NULL;
}

const char *doc_name(const struct doc *d, size_t i)
{
	void *at = json_object_iter(d->root);

	while (at != NULL && i-- > 0)
		at = json_object_iter_next(d->root, at);
	return at != NULL ? json_object_iter_key(at) : NULL;
}

const char *doc_value(const struct doc *d, const char *key)
{
	const json_t *v = json_object_get(d->root, key);
	char *text = v != NULL ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const char *copy = arena_strdup(d->arena, text);

	free(text);
	return copy;
}

bool doc_int(const struct doc *d, const char *key, int64_t *ret)
{
	const json_t *v = json_object_get(d->root, key);

	if (!json_is_integer(v))
		return false;
	*ret = json_integer_value(v);
	return true;
}

bool doc_true(const struct doc *d, const char *key)
{
	return json_is_true(json_object_get(d->root, key));
}

bool doc_has(const struct doc *d, const char *key)
{
	return json_object_get(d->root, key) != NULL;
}

const struct doc *doc_item(const struct doc *d, const char *key, size_t i)
{
	json_t *item = json_array_get(json_object_get(d->root, key), i);

	return json_is_object(item) ? doc_of(d->arena, item) : NULL;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool left_out(const char *const *without, const char *key)
{
	for (; without != NULL && *without != NULL; without++)
		if (strcmp(*without, key) == 0)
			return true;
	return false;
}

static bool write_value(struct jw *w, json_t *v);

static bool write_object(struct jw *w, json_t *o, const char *const *without)
{
	const char **keys = ARENA_ARRAY(w->out->arena, const char *, json_object_size(o) + 1);
	bool good = true;
	size_t n = 0;
	const char *key;
	json_t *item;

	json_object_foreach(o, key, item) if (!left_out(without, key)) keys[n++] = key;
	qsort(keys, n, sizeof(keys[0]), by_bytes);
	jw_object(w);
	for (size_t i = 0; i < n && good; i++) {
		jw_key(w, keys[i]);
		good = write_value(w, json_object_get(o, keys[i]));
	}
	jw_object_end(w);
	return good;
}

static bool write_array(struct jw *w, json_t *v)
{
	bool good = true;
	json_t *item;
	size_t i;

	jw_array(w);
	json_array_foreach(v, i, item) good = good && write_value(w, item);
	jw_array_end(w);
	return good;
}

static bool write_integer(struct jw *w, json_int_t v)
{
	jw_int(w, v);
	return v >= -INTEGER_MAX && v <= INTEGER_MAX;
}

static bool write_value(struct jw *w, json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return w->depth < JSON_DEPTH_MAX && write_object(w, v, NULL);
	case JSON_ARRAY:
		return w->depth < JSON_DEPTH_MAX && write_array(w, v);
	case JSON_STRING:
		jw_text(w, json_string_value(v));
		return true;
	case JSON_INTEGER:
		return write_integer(w, json_integer_value(v));
	case JSON_REAL:
		return false;
	case JSON_TRUE:
	case JSON_FALSE:
		jw_bool(w, json_is_true(v));
		return true;
	case JSON_NULL:
		jw_null(w);
		return true;
	}
	return false;
}

bool doc_canonical(const struct doc *d, const char *const *without, struct str *out)
{
	struct jw w;

	jw_init(&w, out);
	return write_object(&w, d->root, without);
}

const char *json_canonical(struct arena *a, const char *text, const char **ret_error)
{
	const size_t n = strlen(text);
	struct doc *d = doc_parse(a, text, n, ret_error);
	struct str out;
	bool good;

	if (d == NULL)
		return NULL;
	str_init(&out, a, n + 1);
	good = doc_canonical(d, NULL, &out);
	doc_free(d);
	if (good)
		return out.data;
	*ret_error = "it is nested too deep, or holds a number that is no integer of at most 2^53";
	return NULL;
}

/* An escape as Go writes it: its digits are small letters. Returns its last character. */
static const char *add_escape(struct str *out, const char *p)
{
	const int n = p[1] == 'u' ? 6 : 2;

	for (int i = 0; i < n; i++)
		str_add_char(out, i > 1 && p[i] >= 'A' && p[i] <= 'F' ? (char)(p[i] - 'A' + 'a') : p[i]);
	return p + n - 1;
}

/* Line separators, which Go escapes and jansson does not, and control characters, which both do. */
static void add_escaped(struct str *out, const char *p)
{
	for (; *p != '\0'; p++) {
		if (*p == '\\') {
			p = add_escape(out, p);
			continue;
		}
		if (strncmp(p, "\xe2\x80\xa8", 3) != 0 && strncmp(p, "\xe2\x80\xa9", 3) != 0) {
			str_add_char(out, *p);
			continue;
		}
		str_add(out, p[2] == '\xa8' ? "\\u2028" : "\\u2029");
		p += 2;
	}
}

const char *json_sorted(struct arena *a, const char *text, const char **ret_error)
{
	json_error_t error;
	json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	char *sorted = NULL;
	struct str out;

	if (v != NULL)
		sorted = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	json_decref(v);
	if (sorted == NULL) {
		*ret_error = arena_printf(a, "not JSON: %s", error.text);
		return NULL;
	}
	str_init(&out, a, strlen(sorted) + 1);
	add_escaped(&out, sorted);
	free(sorted);
	return out.data;
}
