/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "cc/base/ctx.h"
#include "cc/base/str.h"

static int setup(void **state)
{
	struct ctx *cx = calloc(1, sizeof(*cx));

	cx->arena = arena_create(0);
	*state = cx;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *cx = *state;

	arena_destroy(cx->arena);
	free(cx);
	return 0;
}

static void a_refusal_returns_its_error_and_keeps_the_sentence(void **state)
{
	struct ctx *cx = *state;

	assert_int_equal(refuse(cx, ERR_QUOTA, "%d of %d in use", 10, 10), ERR_QUOTA);
	assert_string_equal(cx->problem.message, "10 of 10 in use");
}

static void the_last_sentence_counts(void **state)
{
	struct ctx *cx = *state;

	(void)refuse(cx, ERR_CONFLICT, "first");
	(void)refuse(cx, ERR_NOT_FOUND, "second");
	assert_string_equal(cx->problem.message, "second");
}

static void faults_are_kept_in_order(void **state)
{
	struct ctx *cx = *state;
	const struct fault *f;
	char field[] = "name";

	assert_int_equal(ctx_faults(cx), ERR_NONE);
	assert_int_equal(refuse_field(cx, field, "length", "`%s` is long", field), ERR_VALIDATION);
	field[0] = 'X';
	assert_int_equal(refuse_field(cx, "kind", "enum", "no"), ERR_VALIDATION);
	f = cx->problem.faults;
	assert_string_equal(f->field, "name");
	assert_string_equal(f->error, "length");
	assert_string_equal(f->message, "`name` is long");
	assert_string_equal(f->next->field, "kind");
	assert_null(f->next->next);
	assert_int_equal(cx->problem.nfaults, 2);
	assert_int_equal(ctx_faults(cx), ERR_VALIDATION);
}

static void faults_of_one_kind_make_the_answer_of_that_kind(void **state)
{
	struct ctx *cx = *state;
	const struct fault *f;

	assert_int_equal(refuse_line(cx, ERR_REGO_INVALID, "code", 3, 7, "no %s", "}"), ERR_REGO_INVALID);
	assert_int_equal(refuse_line(cx, ERR_REGO_INVALID, "code", 4, 1, "no"), ERR_REGO_INVALID);
	f = cx->problem.faults;
	assert_string_equal(f->field, "code");
	assert_string_equal(f->error, "syntax");
	assert_string_equal(f->message, "no }");
	assert_int_equal(f->line, 3);
	assert_int_equal(f->column, 7);
	assert_int_equal(ctx_faults(cx), ERR_REGO_INVALID);
	assert_int_equal(refuse_field(cx, "kind", "enum", "no"), ERR_VALIDATION);
	assert_int_equal(ctx_faults(cx), ERR_VALIDATION);
	assert_int_equal(f->next->next->line, 0);
}

static void at_most_a_hundred_faults_are_kept(void **state)
{
	struct ctx *cx = *state;
	size_t held = 0;
	int n = 0;

	for (int i = 0; i < 100000; i++) {
		assert_int_equal(refuse_field(cx, "f", "type", "%d", i), ERR_VALIDATION);
		if (i == FAULTS_MAX)
			held = arena_bytes(cx->arena);
	}
	assert_int_equal(arena_bytes(cx->arena), held);
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		assert_string_equal(f->message, arena_printf(cx->arena, "%d", n++));
	assert_int_equal(n, 100);
	assert_int_equal(cx->problem.nfaults, 100);
}

static void clearing_forgets_all_but_the_tenant(void **state)
{
	struct ctx *cx = *state;

	cx->problem.tenant_id = "tenant-acme";
	cx->problem.retry_after = 5;
	(void)refuse(cx, ERR_CONFLICT, "no");
	(void)refuse_field(cx, "f", "type", "no");
	ctx_clear_problem(cx);
	assert_null(cx->problem.message);
	assert_null(cx->problem.faults);
	assert_int_equal(cx->problem.retry_after, 0);
	assert_int_equal(ctx_faults(cx), ERR_NONE);
	assert_string_equal(cx->problem.tenant_id, "tenant-acme");
	(void)refuse_field(cx, "g", "type", "again");
	assert_string_equal(cx->problem.faults->field, "g");
}

static void a_copied_context_keeps_its_own_faults(void **state)
{
	struct ctx *cx = *state;
	struct ctx copy;

	(void)refuse_field(cx, "f", "type", "one");
	ctx_clear_problem(cx);
	copy = *cx;
	(void)refuse_field(&copy, "g", "type", "two");
	assert_null(cx->problem.faults);
	assert_string_equal(copy.problem.faults->field, "g");
}

static void what_the_client_believes_is_compared(void **state)
{
	static const int64_t some[] = { 7, 9 };
	struct ctx *cx = *state;

	assert_int_equal(ERR_NONE, ctx_check_version(cx, 7));
	assert_true(cx->belief.checked);
	cx->belief.is = (struct versions){ .sent = true, .v = some, .n = 2 };
	assert_int_equal(ERR_NONE, ctx_check_version(cx, 9));
	assert_int_equal(0, cx->problem.row_version);
	assert_int_equal(ERR_PRECONDITION, ctx_check_version(cx, 8));
	assert_int_equal(8, cx->problem.row_version);
	cx->belief.is = (struct versions){ .sent = true };
	assert_int_equal(ERR_PRECONDITION, ctx_check_version(cx, 0));
	cx->belief.is.any = true;
	assert_int_equal(ERR_NONE, ctx_check_version(cx, 8));
	cx->belief.is_not = (struct versions){ .sent = true, .v = some, .n = 2 };
	assert_int_equal(ERR_NONE, ctx_check_version(cx, 8));
	assert_int_equal(ERR_PRECONDITION, ctx_check_version(cx, 7));
	cx->belief.is_not.any = true;
	assert_int_equal(ERR_PRECONDITION, ctx_check_version(cx, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_refusal_returns_its_error_and_keeps_the_sentence, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_sentence_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_are_kept_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			faults_of_one_kind_make_the_answer_of_that_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(at_most_a_hundred_faults_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(clearing_forgets_all_but_the_tenant, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copied_context_keeps_its_own_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_client_believes_is_compared, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
