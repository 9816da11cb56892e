/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/write.h"

#include "value.h"

static bool is_sent(const struct field *f, enum schema_use use)
{
	return (f->flags & (use == USE_CREATE ? F_CREATE : F_UPDATE)) != 0;
}

/* What must be sent, and what the table shows an example of. */
static bool is_shown(const struct field *f, enum schema_use use)
{
	bool any = f->example != NULL || ((f->flags & F_REQUIRED) != 0 && use != USE_UPDATE);

	if (!is_sent(f, use))
		return false;
	for (size_t i = 0; !any && f->kind == K_OBJ && i < f->sub->nfields; i++)
		any = is_shown(&f->sub->fields[i], use);
	return any;
}

/* Where one value is as good as another the table needs to show none. */
static const char *text_of(const struct field *f)
{
	if (f->example != NULL)
		return f->example;
	if (f->def != NULL)
		return f->def;
	if (f->values != NULL)
		return f->values[0];
	return f->kind == K_BOOL ? "true" : f->kind == K_TIME ? "2030-01-31T12:00:00Z" : "1";
}

void schema_write_example_value(struct jw *w, const struct field *f, enum schema_use use)
{
	union value value;

	if (f->kind == K_OBJ) {
		schema_write_example(w, f->sub, use);
	} else if (f->kind == K_JSON && f->sub != NULL && f->example == NULL) {
		jw_array(w);
		schema_write_example(w, f->sub, USE_CREATE);
		jw_array_end(w);
	} else {
		value_set_text(w->out->arena, f, text_of(f), &value);
		schema_write_value(w, f, &value, WRITE_FULL);
	}
}

void schema_write_example(struct jw *w, const struct schema *s, enum schema_use use)
{
	jw_object(w);
	for (size_t i = 0; i < s->nfields; i++) {
		if (!is_shown(&s->fields[i], use))
			continue;
		jw_key(w, s->fields[i].name);
		schema_write_example_value(w, &s->fields[i], use);
	}
	jw_object_end(w);
}
