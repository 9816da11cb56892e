/* SPDX-License-Identifier: Apache-2.0 */
/* Replies against the tables they were printed from. */
#include <stdio.h>
#include <string.h>

#include "contract.h"

#include "cc/base/clock.h"

static char told[300];

static const char *say(const char *name, const char *what)
{
	snprintf(told, sizeof(told), "%.100s %.150s", name, what);
	return told;
}

static bool is_one_of(const char *const *values, const char *text)
{
	for (; values != NULL && *values != NULL; values++)
		if (strcmp(*values, text) == 0)
			return true;
	return values == NULL;
}

static bool is_time(const json_t *v)
{
	const char *text = json_string_value(v);
	int64_t t;

	return text != NULL && time_parse(text, false, &t) && text[strlen(text) - 1] == 'Z';
}

static bool are_texts(const struct field *f, const json_t *v)
{
	for (size_t i = 0; i < json_array_size(v); i++) {
		const char *text = json_string_value(json_array_get(v, i));

		if (text == NULL || !is_one_of(f->values, text))
			return false;
	}
	return json_is_array(v);
}

static bool is_kind(const struct field *f, const json_t *v)
{
	switch (f->kind) {
	case K_TEXT:
		return json_is_string(v);
	case K_INT:
		/* A proxy that reads and writes JSON anew makes 99.00 the same number, 99. */
		return f->flags & F_HUNDREDTHS ? json_is_number(v) : json_is_integer(v);
	case K_BOOL:
		return json_is_boolean(v);
	case K_TIME:
		return is_time(v);
	case K_NUM:
		return json_is_number(v);
	case K_ENUM:
		return json_is_string(v) && is_one_of(f->values, json_string_value(v));
	case K_STRS:
		return are_texts(f, v);
	case K_JSON:
		return f->sub != NULL ? json_is_array(v) : (f->flags & F_ANY_JSON) != 0 || json_is_object(v);
	case K_OBJ:
		return json_is_object(v);
	case K_BYTES:
		break;
	}
	return false;
}

static const char *misfit(const struct schema *s, const json_t *v, unsigned without);

static const char *member_misfit(const struct field *f, const json_t *v, unsigned without)
{
	if (json_is_null(v))
		return (f->flags & F_NULLABLE) != 0 ? NULL : say(f->name, "is null");
	if (!is_kind(f, v))
		return say(f->name, "is not of its kind");
	return f->kind == K_OBJ ? misfit(f->sub, v, without) : NULL;
}

/* without: flags of fields that are left out. */
static const char *misfit(const struct schema *s, const json_t *v, unsigned without)
{
	size_t expected = 0;

	if (!json_is_object(v))
		return say(s->name, "is not an object");
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const json_t *member = json_object_get(v, f->name);
		const bool left_out = (f->flags & F_OUT) == 0 || (f->flags & without) != 0;
		const char *wrong = NULL;

		if (left_out || (member == NULL && (f->flags & F_OPTIONAL_OUT) != 0))
			continue;
		expected++;
		wrong = member != NULL ? member_misfit(f, member, without) : say(f->name, "is missing");
		if (wrong != NULL)
			return wrong;
	}
	return json_object_size(v) == expected ? NULL
					       : say(s->name, "has members that its table does not print");
}

const char *reply_misfit(const struct schema *s, const json_t *v, bool list_item)
{
	return misfit(s, v, list_item ? F_FULL : 0);
}

const char *reply_misfit_kept(const struct schema *s, const json_t *v)
{
	return misfit(s, v, F_SECRET);
}
