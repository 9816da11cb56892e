/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/conn.h"

static void each_sqlstate_has_one_meaning(void **state)
{
	static const struct {
		const char *state;
		enum err err;
	} cases[] = {
		{"23505",  ERR_CONFLICT     },
                { "23503", ERR_CONFLICT     },
                { "23514", ERR_CONFLICT     },
		{ "23502", ERR_INTERNAL     },
                { "40001", ERR_RETRY        },
                { "40P01", ERR_RETRY        },
		{ "0A000", ERR_RETRY        },
                { "08000", ERR_UNAVAILABLE  },
                { "08006", ERR_UNAVAILABLE  },
		{ "57P01", ERR_UNAVAILABLE  },
                { "57P03", ERR_UNAVAILABLE  },
                { "53300", ERR_UNAVAILABLE  },
		{ "53100", ERR_UNAVAILABLE  },
                { "53200", ERR_UNAVAILABLE  },
                { "58030", ERR_UNAVAILABLE  },
                { "25006", ERR_INTERNAL     },
                { "57014", ERR_UNAVAILABLE  },
                { "55P03", ERR_LOCK_WAIT    },
		{ "25P03", ERR_UNAVAILABLE  },
                { "42P01", ERR_TENANT_MOVING},
                { "42501", ERR_TENANT_MOVING},
		{ "3F000", ERR_TENANT_MOVING},
                { "42703", ERR_INTERNAL     },
                { "22012", ERR_INTERNAL     },
		{ "XX000", ERR_INTERNAL     },
                { "",      ERR_INTERNAL     }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].err, sqlstate_class(cases[i].state));
	assert_int_equal(ERR_UNAVAILABLE, sqlstate_class(NULL));
}

static const struct db_constraint table[] = {
	{"a_name_key", ERR_NAME_TAKEN, "name", "another has it" },
	{ "a_ref_fkey",      ERR_IN_USE, NULL, "others refer to it" },
	{ "a_mute",           ERR_CONFLICT, NULL, NULL },
	{ .constraint = NULL},
};

static int start(void **state)
{
	static struct ctx cx;

	cx = (struct ctx){ .arena = arena_create(1024) };
	db_constraints_register(table);
	*state = &cx;
	return 0;
}

static int stop(void **state)
{
	struct ctx *cx = *state;

	db_constraints_register(NULL);
	arena_destroy(cx->arena);
	return 0;
}

static void a_known_constraint_names_its_field(void **state)
{
	struct ctx *cx = *state;

	assert_int_equal(ERR_NAME_TAKEN, sqlstate_constraint(cx, "23505", "a_name_key"));
	assert_string_equal("another has it", cx->problem.message);
	assert_int_equal(1, cx->problem.nfaults);
	assert_string_equal("name", cx->problem.faults->field);
	assert_string_equal("taken", cx->problem.faults->error);
}

static void a_constraint_without_a_field_has_a_sentence_only(void **state)
{
	struct ctx *cx = *state;

	assert_int_equal(ERR_IN_USE, sqlstate_constraint(cx, "23503", "a_ref_fkey"));
	assert_string_equal("others refer to it", cx->problem.message);
	assert_int_equal(0, cx->problem.nfaults);
}

static void an_unknown_constraint_is_a_conflict_without_words(void **state)
{
	struct ctx *cx = *state;

	assert_int_equal(ERR_CONFLICT, sqlstate_constraint(cx, "23514", "b_other"));
	assert_int_equal(ERR_CONFLICT, sqlstate_constraint(cx, "23514", NULL));
	assert_int_equal(ERR_CONFLICT, sqlstate_constraint(cx, "23514", "a_mute"));
	db_constraints_register(NULL);
	assert_int_equal(ERR_CONFLICT, sqlstate_constraint(cx, "23505", "a_name_key"));
	assert_null(cx->problem.message);
	assert_int_equal(0, cx->problem.nfaults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sqlstate_has_one_meaning),
		cmocka_unit_test_setup_teardown(a_known_constraint_names_its_field, start, stop),
		cmocka_unit_test_setup_teardown(
			a_constraint_without_a_field_has_a_sentence_only, start, stop),
		cmocka_unit_test_setup_teardown(
			an_unknown_constraint_is_a_conflict_without_words, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
