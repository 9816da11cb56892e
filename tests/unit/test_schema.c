/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gadget.h"

static void fields_are_found_by_their_dotted_names(void **state)
{
	(void)state;
	assert_string_equal(schema_field(&gadget_schema, "name")->name, "name");
	assert_string_equal(schema_field(&gadget_schema, "limits")->name, "limits");
	assert_string_equal(schema_field(&gadget_schema, "limits.note")->name, "note");
}

static void what_is_no_field_is_null(void **state)
{
	static const char *const wrong[] = {
		"", ".", "nam", "names", "name.", "name.x", "limits.", "limits.x", ".name", "limits..note",
		"note", "examples.expected",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (schema_field(&gadget_schema, wrong[i]) != NULL)
			fail_msg("\"%s\" was found", wrong[i]);
	}
}

static void members_are_where_the_struct_has_them(void **state)
{
	const struct field *f = NULL;
	struct gadget g;

	(void)state;
	assert_ptr_equal(schema_member(&g, schema_field(&gadget_schema, "size")), &g.size);
	assert_ptr_equal(schema_member_const(&g, schema_field(&gadget_schema, "name")), &g.name);
	assert_ptr_equal(schema_at(&gadget_schema, &g, "limits.max_users", &f), &g.limits.max_users);
	assert_string_equal(f->name, "max_users");
	assert_ptr_equal(schema_at(&gadget_schema, &g, "size", NULL), &g.size);
	assert_null(schema_at(&gadget_schema, &g, "limits.x", &f));
	assert_string_equal(f->name, "max_users");
}

static void a_new_object_has_defaults_and_nulls(void **state)
{
	struct ctx *cx = *state;
	const struct gadget *g = schema_new(cx->arena, &gadget_schema);

	assert_string_equal(g->kind, "sidecar");
	assert_string_equal(g->mode, "plain");
	assert_null(g->name);
	assert_int_equal(g->size, 0);
	assert_int_equal(g->quota, INT_NULL);
	assert_int_equal(g->created_at, TIME_NULL);
	assert_int_equal(g->limits.max_users, 0);
	assert_int_equal(g->seen, 0);
}

static void seen_is_false_where_nobody_looks(void **state)
{
	struct gadget g = { .seen = UINT64_MAX };
	struct example e = { .weight = 1 };

	(void)state;
	assert_true(schema_seen(&gadget_schema, &g, "name"));
	assert_false(schema_seen(&gadget_schema, &g, "limits.note"));
	assert_false(schema_seen(&gadget_schema, &g, "nonsense"));
	assert_false(schema_seen(&example_schema, &e, "weight"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_their_dotted_names),
		cmocka_unit_test(what_is_no_field_is_null),
		cmocka_unit_test(members_are_where_the_struct_has_them),
		cmocka_unit_test_setup_teardown(a_new_object_has_defaults_and_nulls, ctx_setup, ctx_teardown),
		cmocka_unit_test(seen_is_false_where_nobody_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
