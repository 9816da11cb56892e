/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/schema/read.h"

#include "check.h"
#include "value.h"

static bool has_text_form(const struct field *f)
{
	return f->flags & F_IN && f->kind != K_OBJ && f->kind != K_JSON && f->kind != K_BYTES;
}

enum err schema_read_kv(struct ctx *cx, const struct schema *s, const struct kv *pairs, size_t n, void *ret)
{
	uint64_t present = 0, seen = 0;

	schema_set_defaults(cx->arena, s, ret);
	for (size_t p = 0; p < n; p++) {
		const struct place at = { .name = pairs[p].key };
		size_t i = schema_index(s, pairs[p].key);
		const struct field *f;

		if (i == SIZE_MAX || !has_text_form(&s->fields[i])) {
			fault_add(cx, &at, "unknown", "is not a parameter here");
			continue;
		}
		f = &s->fields[i];
		if (present >> i & 1)
			fault_add(cx, &at, "repeated", "must be given once");
		else if (read_text_value(cx, &at, f, pairs[p].value, schema_member(ret, f)))
			seen |= UINT64_C(1) << i;
		present |= UINT64_C(1) << i;
	}
	for (size_t i = 0; i < s->nfields; i++) {
		const struct place at = { .name = s->fields[i].name };

		if (!(present >> i & 1) && s->fields[i].flags & F_REQUIRED)
			fault_add(cx, &at, "required", "is required");
	}
	schema_set_seen_bits(s, ret, seen);
	return ctx_faults(cx);
}
