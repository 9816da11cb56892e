/* SPDX-License-Identifier: Apache-2.0 */
#include "gadget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = { "sidecar", "gateway", NULL };
static const char *const scopes[] = { "read", "write", NULL };

static const char *is_lower(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz") == strlen(s) ? NULL : "must be lower-case letters";
}

static const struct field limits_fields[] = {
	INT(struct limits, max_users, F_RW | F_REQUIRED, 0, 100, "Most users."),
	TEXT(struct limits, note, F_RW | F_NULLABLE, 0, 10, "A note."),
};
SCHEMA_IN(limits_schema, struct limits, "Limits", limits_fields);

static const struct field example_fields[] = {
	TEXT(struct example, expected, F_RW | F_REQUIRED, 1, 20, "What comes out."),
	INT(struct example, weight, F_RW, 1, 5, "How much it counts."),
};
SCHEMA(example_schema, struct example, "Example", example_fields);

#define T struct gadget
static const struct field gadget_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "Assigned by the server."),
	INT(T, revision, F_OUT | F_VOLATILE, 0, 0, "Changes by itself."),
	TIME(T, created_at, F_OUT, "When it was made."),
	TEXT(T, name, F_RW | F_REQUIRED, 1, 120, "Its name."),
	ENUM(T, kind, F_CREATE | F_OUT, kinds, "sidecar", "Fixed at creation."),
	TEXT(T, url, F_RW | F_NULLABLE, 8, 2048, "Where it is."),
	TEXT_LIKE(T, code, F_RW | F_NULLABLE, 0, 255, is_lower, "A word."),
	TEXT(T, secret, F_IN | F_SECRET | F_NULLABLE, 12, 64, "Never shown."),
	INT(T, size, F_RW, -5, 100, "How large."),
	INT(T, quota, F_RW | F_NULLABLE, 0, INT64_MAX, "Null is unlimited."),
	NUM(T, ratio, F_RW | F_NULLABLE, "A share."),
	BOOL(T, enabled, F_RW, "In use."),
	TIME(T, expires_at, F_RW | F_NULLABLE, "When it ends."),
	{ .name = "mode", .kind = K_TEXT, .flags = F_RW, .offset = FIELD_AT(T, mode, const char *), .min = 1,
	  .max = 20, .def = "plain", .doc = "How it works." },
	STRS(T, tags, F_RW, 0, 3, NULL, 5, "Labels."),
	STRS(T, scopes, F_RW, 1, 2, scopes, 0, "Rights."),
	JSON(T, config, F_RW | F_NULLABLE | F_FULL, 100, "Settings."),
	JSON(T, anything, F_RW | F_ANY_JSON, 0, "Any value."),
	JSON_LIST(T, examples, F_RW | F_OPTIONAL_OUT, 3, &example_schema, "Examples."),
	OBJ(T, limits, F_RW, struct limits, &limits_schema, "Limits."),
	BYTES(T, digest),
};
#undef T
SCHEMA_IN(gadget_schema, struct gadget, "Gadget", gadget_fields);

int ctx_setup(void **state)
{
	struct ctx *cx = calloc(1, sizeof(*cx));

	cx->arena = arena_create(0);
	*state = cx;
	return 0;
}

int ctx_teardown(void **state)
{
	struct ctx *cx = *state;

	arena_destroy(cx->arena);
	free(cx);
	return 0;
}

char *with_quotes(struct arena *a, const char *body)
{
	char *text = arena_strdup(a, body);

	for (char *p = text; *p != '\0'; p++) {
		if (*p == '\'')
			*p = '"';
	}
	return text;
}

enum err gadget_read(struct ctx *cx, enum read_mode mode, const char *body, struct gadget *ret)
{
	const char *text = with_quotes(cx->arena, body);

	ctx_clear_problem(cx);
	memset(ret, 0x5A, sizeof(*ret));
	return schema_read_json(cx, &gadget_schema, text, strlen(text), mode, ret);
}

const char *faults_of(struct ctx *cx)
{
	struct str out;

	str_init(&out, cx->arena, 0);
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		str_addf(&out, "%s%s %s", out.len ? ", " : "", f->field, f->error);
	return out.data;
}

void assert_faults(struct ctx *cx, enum read_mode mode, const char *body, const char *faults)
{
	struct gadget g;
	enum err e = gadget_read(cx, mode, body, &g);

	assert_string_equal(faults_of(cx), faults);
	if (e != (faults[0] ? ERR_VALIDATION : ERR_NONE))
		fail_msg("%s: %s", body, cx->problem.message ? cx->problem.message : err_info(e)->code);
}

const char *first_message(struct ctx *cx, enum read_mode mode, const char *body)
{
	struct gadget g;

	assert_int_equal(gadget_read(cx, mode, body, &g), ERR_VALIDATION);
	return cx->problem.faults->message;
}
