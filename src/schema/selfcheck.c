/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/schema.h"

#include <string.h>

#include "check.h"
#include "value.h"

#define FIELDS_MAX 64   /* bits of `seen` */
#define NESTING_MAX 8   /* a table that contains itself would never end */

static const char *check_table(struct arena *a, const struct schema *s, int depth);

/* What must hold for a member that a client can send. */
static const char *check_input(const struct field *f)
{
	if (f->flags & F_VOLATILE)
		return "is volatile and can be sent";
	if (f->kind == K_TEXT && f->max <= 0)
		return "is text that can be sent and has no maximum";
	if (f->kind == K_STRS && (f->max <= 0 || (f->values == NULL && f->item_max <= 0)))
		return "is a list that can be sent and has no maximum";
	if (f->kind == K_JSON && f->sub != NULL && f->max <= 0)
		return "is a list that can be sent and has no maximum";
	return NULL;
}

static const char *check_kind(struct arena *a, const struct field *f, int depth)
{
	if (f->kind > K_BYTES)
		return "has no kind";
	if (f->kind == K_BYTES && f->flags & F_RW)
		return "is bytes, which have no JSON form";
	if (f->kind == K_ENUM && (f->values == NULL || f->values[0] == NULL))
		return "has no values";
	if (f->kind == K_OBJ && f->sub == NULL)
		return "has no table";
	if (f->flags & F_SORT && (f->kind == K_STRS || f->kind >= K_JSON))
		return "can be sorted by and has no order";
	if (f->flags & F_SORT && !(f->flags & F_OUT))
		return "can be sorted by and is not shown";
	if ((f->kind == K_OBJ || f->kind == K_BOOL) && f->flags & F_NULLABLE)
		return "is of a kind that has no null";
	return f->sub != NULL ? check_table(a, f->sub, depth + 1) : NULL;
}

static const char *check_text_form(struct arena *a, const struct field *f, const char *text, const char *what)
{
	struct ctx cx = { .arena = a };
	const struct place at = { .name = f->name };
	union value value;

	if (text == NULL)
		return NULL;
	if (f->kind == K_OBJ || f->kind == K_BYTES)
		return arena_printf(a, "cannot have a %s", what);
	if (f->kind == K_JSON)
		return json_text_valid(text) ? NULL : arena_printf(a, "has a %s that is not JSON", what);
	return read_text_value(&cx, &at, f, text, &value) ? NULL : cx.problem.faults->message;
}

static const char *check_field(struct arena *a, const struct schema *s, size_t i, int depth)
{
	const struct field *f = &s->fields[i];
	const char *wrong;

	if (f->name[0] == '\0' || strpbrk(f->name, ".[]`") != NULL)
		return "has a name that cannot be written in a path";
	if (schema_index(s, f->name) != i)
		return "is there twice";
	if (f->min > f->max)
		return "has a minimum above its maximum";
	if (f->flags & F_REQUIRED && !(f->flags & F_IN))
		return "is required and cannot be sent";
	wrong = check_kind(a, f, depth);
	if (wrong == NULL && f->flags & F_IN)
		wrong = check_input(f);
	if (wrong == NULL)
		wrong = check_text_form(a, f, f->def, "default");
	if (wrong == NULL)
		wrong = check_text_form(a, f, f->example, "example");
	if (wrong == NULL && (value_size(f) > s->size || f->offset > s->size - value_size(f)))
		wrong = "lies outside its struct";
	return wrong;
}

static const char *check_table(struct arena *a, const struct schema *s, int depth)
{
	if (depth > NESTING_MAX)
		return arena_printf(a, "%s: tables are nested too deeply", s->name);
	if (s->nfields > FIELDS_MAX)
		return arena_printf(a, "%s: has more than %d fields", s->name, FIELDS_MAX);
	for (size_t i = 0; i < s->nfields; i++) {
		const char *wrong = s->fields[i].name ? check_field(a, s, i, depth) : "has no name";

		if (wrong != NULL)
			return arena_printf(a, "%s.%s: %s", s->name, s->fields[i].name, wrong);
	}
	return NULL;
}

const char *schema_self_check(struct arena *a, const struct schema *s)
{
	return check_table(a, s, 0);
}
