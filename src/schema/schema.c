/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/schema.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "value.h"

size_t schema_index(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->nfields; i++) {
		if (strcmp(s->fields[i].name, name) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* Splits a dotted name at each dot and adds up the offsets of the structs passed. */
static const struct field *descend(const struct schema *s, const char *name, const struct schema **ret_in,
				   size_t *ret_offset)
{
	*ret_offset = 0;
	for (;;) {
		size_t len = strcspn(name, "."), i = 0;

		while (i < s->nfields &&
		       (strncmp(s->fields[i].name, name, len) != 0 || s->fields[i].name[len] != '\0'))
			i++;
		if (i == s->nfields)
			return NULL;
		if (name[len] == '\0') {
			*ret_in = s;
			return &s->fields[i];
		}
		if (s->fields[i].kind != K_OBJ)
			return NULL;
		*ret_offset += s->fields[i].offset;
		s = s->fields[i].sub;
		name += len + 1;
	}
}

const struct field *schema_field(const struct schema *s, const char *name)
{
	const struct schema *in;
	size_t offset;

	return descend(s, name, &in, &offset);
}

void *schema_member(void *obj, const struct field *f)
{
	return (char *)obj + f->offset;
}

const void *schema_member_const(const void *obj, const struct field *f)
{
	return (const char *)obj + f->offset;
}

void *schema_at(const struct schema *s, void *obj, const char *dotted, const struct field **ret_field)
{
	const struct schema *in;
	size_t offset;
	const struct field *f = descend(s, dotted, &in, &offset);

	if (f == NULL)
		return NULL;
	if (ret_field != NULL)
		*ret_field = f;
	return schema_member((char *)obj + offset, f);
}

uint64_t schema_seen_bits(const struct schema *s, const void *obj)
{
	uint64_t seen;

	if (s->seen_at == SEEN_NONE)
		return UINT64_MAX;
	memcpy(&seen, (const char *)obj + s->seen_at, sizeof(seen));
	return seen;
}

void schema_set_seen_bits(const struct schema *s, void *obj, uint64_t seen)
{
	if (s->seen_at != SEEN_NONE)
		memcpy((char *)obj + s->seen_at, &seen, sizeof(seen));
}

bool schema_seen(const struct schema *s, const void *obj, const char *name)
{
	const struct schema *in;
	size_t offset;
	const struct field *f = descend(s, name, &in, &offset);

	if (f == NULL || in->seen_at == SEEN_NONE)
		return false;
	return schema_seen_bits(in, (const char *)obj + offset) >> (f - in->fields) & 1;
}

size_t value_size(const struct field *f)
{
	static const size_t sizes[] = {
		[K_TEXT] = sizeof(const char *), [K_INT] = sizeof(int64_t),
		[K_BOOL] = sizeof(bool),         [K_TIME] = sizeof(int64_t),
		[K_NUM] = sizeof(double),        [K_ENUM] = sizeof(const char *),
		[K_STRS] = sizeof(struct strv),  [K_JSON] = sizeof(const char *),
		[K_BYTES] = sizeof(struct bytes),
	};

	return f->kind == K_OBJ ? f->sub->size : sizes[f->kind];
}

bool value_is_null(const struct field *f, const void *member)
{
	switch (f->kind) {
	case K_TEXT:
	case K_ENUM:
	case K_JSON:
		return *(const char *const *)member == NULL;
	case K_INT:
	case K_TIME:
		return *(const int64_t *)member == INT_NULL;
	case K_NUM:
		return isnan(*(const double *)member);
	case K_BYTES:
		return ((const struct bytes *)member)->p == NULL;
	case K_BOOL:
	case K_STRS:
	case K_OBJ:
		break;
	}
	return false;
}

void value_set_null(const struct field *f, void *member)
{
	memset(member, 0, value_size(f));
	if (f->kind == K_INT || f->kind == K_TIME)
		*(int64_t *)member = INT_NULL;
	else if (f->kind == K_NUM)
		*(double *)member = NAN;
}

void value_set_text(struct arena *a, const struct field *f, const char *text, void *member)
{
	struct ctx cx = { .arena = a };
	const struct place at = { .name = f->name };

	value_set_null(f, member);
	/* schema_self_check() has seen to it that the texts of the table are valid. */
	if (f->kind == K_JSON)
		*(const char **)member = text;
	else
		(void)read_text_value(&cx, &at, f, text, member);
}

void value_set_default(struct arena *a, const struct field *f, void *member)
{
	if (f->kind == K_OBJ) {
		schema_set_defaults(a, f->sub, member);
		return;
	}
	value_set_null(f, member);
	/* A number that cannot be null is 0; "no time" has no such stand-in. */
	if (!(f->flags & F_NULLABLE) && (f->kind == K_INT || f->kind == K_NUM))
		memset(member, 0, value_size(f));
	if (f->def != NULL)
		value_set_text(a, f, f->def, member);
}

void schema_set_defaults(struct arena *a, const struct schema *s, void *obj)
{
	memset(obj, 0, s->size);
	for (size_t i = 0; i < s->nfields; i++)
		value_set_default(a, &s->fields[i], schema_member(obj, &s->fields[i]));
}

void *schema_new(struct arena *a, const struct schema *s)
{
	void *obj = arena_alloc(a, s->size);

	schema_set_defaults(a, s, obj);
	return obj;
}
