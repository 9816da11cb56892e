/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/write.h"


#include "value.h"

static bool is_shown(enum schema_use use)
{
	return use == USE_OUT || use == USE_KEPT;
}

static bool is_part(const struct field *f, enum schema_use use)
{
	if (use == USE_CREATE)
		return f->flags & F_CREATE;
	if (is_shown(use))
		return f->flags & F_OUT;
	/* What was read may be sent back with a change. */
	return f->flags & (F_UPDATE | F_OUT);
}

static bool is_required(const struct field *f, enum schema_use use)
{
	/* What clients may leave out is not there in what is kept as they sent it. */
	if (use == USE_KEPT && f->flags & F_IN && !(f->flags & F_REQUIRED))
		return false;
	if (use == USE_KEPT)
		use = USE_OUT;
	if (use == USE_OUT)
		return f->flags & F_OUT && !(f->flags & (F_OPTIONAL_OUT | F_FULL | F_SECRET));
	if (use == USE_CREATE)
		return f->flags & F_CREATE && f->flags & F_REQUIRED;
	return use == USE_REPLACE && f->flags & F_UPDATE && f->flags & F_REQUIRED;
}

static void key_text(struct jw *w, const char *key, const char *text)
{
	jw_key(w, key);
	jw_text(w, text);
}

static void key_int(struct jw *w, const char *key, int64_t v)
{
	jw_key(w, key);
	jw_int(w, v);
}

static void write_type(struct jw *w, const struct field *f, const char *type)
{
	if (!(f->flags & F_NULLABLE)) {
		key_text(w, "type", type);
		return;
	}
	jw_key(w, "type");
	jw_array(w);
	jw_text(w, type);
	jw_text(w, "null");
	jw_array_end(w);
}

static void write_values(struct jw *w, const char *const *values, bool nullable)
{
	jw_key(w, "enum");
	jw_array(w);
	for (; *values != NULL; values++)
		jw_text(w, *values);
	if (nullable)
		jw_null(w);
	jw_array_end(w);
}

static void write_bounds(struct jw *w, const char *lowest, const char *highest, int64_t lo, int64_t hi)
{
	if (lo > 0)
		key_int(w, lowest, lo);
	if (hi > 0 && hi < INT64_MAX)
		key_int(w, highest, hi);
}

static void write_range(struct jw *w, const struct field *f)
{
	if (f->min == 0 && f->max == 0)
		return;
	if (f->min > INT64_MIN)
		key_int(w, "minimum", f->min);
	if (f->max < INT64_MAX)
		key_int(w, "maximum", f->max);
}

static void write_items(struct jw *w, const struct field *f)
{
	jw_key(w, "items");
	jw_object(w);
	key_text(w, "type", "string");
	if (f->values != NULL)
		write_values(w, f->values, false);
	else
		write_bounds(w, "minLength", "maxLength", 1, f->item_max);
	jw_object_end(w);
	write_bounds(w, "minItems", "maxItems", f->min, f->max);
}

static void write_json(struct jw *w, const struct field *f, enum schema_use use)
{
	if (f->sub != NULL) {
		write_type(w, f, "array");
		jw_key(w, "items");
		/* The items are kept as they were sent to create. */
		schema_write_jsonschema(w, f->sub, is_shown(use) ? USE_KEPT : USE_CREATE);
		write_bounds(w, "minItems", "maxItems", f->min, f->max);
	} else if (!(f->flags & F_ANY_JSON)) {
		write_type(w, f, "object");
	}
}

/* The members of an object's description, inside the braces. */
static void write_object(struct jw *w, const struct schema *s, enum schema_use use)
{
	bool any = false;

	jw_key(w, "properties");
	jw_object(w);
	for (size_t i = 0; i < s->nfields; i++) {
		if (!is_part(&s->fields[i], use))
			continue;
		jw_key(w, s->fields[i].name);
		schema_write_field_jsonschema(w, &s->fields[i], use);
		any = any || is_required(&s->fields[i], use);
	}
	jw_object_end(w);
	if (any) {
		jw_key(w, "required");
		jw_array(w);
		for (size_t i = 0; i < s->nfields; i++) {
			if (is_required(&s->fields[i], use))
				jw_text(w, s->fields[i].name);
		}
		jw_array_end(w);
	}
	if (!is_shown(use)) {
		jw_key(w, "additionalProperties");
		jw_bool(w, s->loose);
	}
}

static void write_kind(struct jw *w, const struct field *f, enum schema_use use)
{
	switch (f->kind) {
	case K_TEXT:
		write_type(w, f, "string");
		write_bounds(w, "minLength", "maxLength", f->min, f->max);
		break;
	case K_ENUM:
		write_type(w, f, "string");
		write_values(w, f->values, f->flags & F_NULLABLE);
		break;
	case K_TIME:
		write_type(w, f, "string");
		key_text(w, "format", "date-time");
		break;
	case K_INT:
		write_type(w, f, f->flags & F_HUNDREDTHS ? "number" : "integer");
		if (f->flags & F_HUNDREDTHS)
			break;
		key_text(w, "format", "int64");
		write_range(w, f);
		break;
	case K_NUM:
		write_type(w, f, "number");
		write_range(w, f);
		break;
	case K_BOOL:
		write_type(w, f, "boolean");
		break;
	case K_STRS:
		write_type(w, f, "array");
		write_items(w, f);
		break;
	case K_JSON:
		write_json(w, f, use);
		break;
	case K_OBJ:
		write_type(w, f, "object");
		write_object(w, f->sub, use);
		break;
	case K_BYTES:
		break;
	}
}

static void write_default(struct jw *w, const struct field *f)
{
	union value value;

	if (f->def == NULL)
		return;
	value_set_default(w->out->arena, f, &value);
	jw_key(w, "default");
	schema_write_value(w, f, &value, WRITE_FULL);
}

void schema_write_field_jsonschema(struct jw *w, const struct field *f, enum schema_use use)
{
	jw_object(w);
	write_kind(w, f, use);
	if (f->doc != NULL)
		key_text(w, "description", f->doc);
	/* What is not sent to change stays as it is. */
	if (use == USE_CREATE || use == USE_REPLACE)
		write_default(w, f);
	if (!is_shown(use) && f->example != NULL) {
		jw_key(w, "examples");
		jw_array(w);
		schema_write_example_value(w, f, use);
		jw_array_end(w);
	}
	if (!is_shown(use) && use != USE_CREATE && !(f->flags & F_UPDATE)) {
		jw_key(w, "readOnly");
		jw_bool(w, true);
	}
	jw_object_end(w);
}

void schema_write_jsonschema(struct jw *w, const struct schema *s, enum schema_use use)
{
	jw_object(w);
	key_text(w, "type", "object");
	write_object(w, s, use);
	jw_object_end(w);
}
