/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gadget.h"

#define READ(cx, g, ...) \
	read_pairs(cx, g, (const struct kv[]){ __VA_ARGS__ }, \
		   sizeof((const struct kv[]){ __VA_ARGS__ }) / sizeof(struct kv))

static enum err read_pairs(struct ctx *cx, struct gadget *g, const struct kv *pairs, size_t n)
{
	ctx_clear_problem(cx);
	memset(g, 0x5A, sizeof(*g));
	return schema_read_kv(cx, &gadget_schema, pairs, n, g);
}

static void assert_pair(struct ctx *cx, const char *key, const char *value, const char *faults)
{
	struct gadget g;
	enum err e = READ(cx, &g, { "name", "n" }, { key, value });

	assert_string_equal(faults_of(cx), faults);
	assert_int_equal(e, faults[0] ? ERR_VALIDATION : ERR_NONE);
}

static void every_scalar_is_read_from_its_text(void **state)
{
	struct gadget g;

	assert_int_equal(READ(*state, &g, { "name", "n" }, { "kind", "gateway" }, { "size", "-5" },
			      { "ratio", "-2.5e-1" }, { "enabled", "true" }, { "expires_at", "2026-01-31" },
			      { "tags", "a,b" }), ERR_NONE);
	assert_string_equal(g.name, "n");
	assert_string_equal(g.kind, "gateway");
	assert_int_equal(g.size, -5);
	assert_true(g.ratio > -0.26 && g.ratio < -0.24);
	assert_true(g.enabled);
	assert_int_equal(g.expires_at, 1769817600 * TIME_SECOND);
	assert_int_equal(g.tags.n, 2);
	assert_string_equal(g.tags.v[0], "a");
	assert_string_equal(g.tags.v[1], "b");
	assert_string_equal(g.mode, "plain");
	assert_int_equal(g.quota, INT_NULL);
	assert_true(schema_seen(&gadget_schema, &g, "size"));
	assert_false(schema_seen(&gadget_schema, &g, "mode"));
}

static void bounds_are_those_of_bodies(void **state)
{
	assert_pair(*state, "size", "-6", "size range");
	assert_pair(*state, "size", "100", "");
	assert_pair(*state, "size", "101", "size range");
	assert_pair(*state, "url", "1234567", "url length");
	assert_pair(*state, "kind", "zeppelin", "kind enum");
	assert_pair(*state, "code", "aB", "code format");
	assert_pair(*state, "code", "a\nb", "code format");
	assert_pair(*state, "tags", "", "");
	assert_pair(*state, "tags", "a,b,c", "");
	assert_pair(*state, "tags", "a,b,c,d", "tags items");
	assert_pair(*state, "tags", "a,,123456", "tags[1] length, tags[2] length");
	assert_pair(*state, "scopes", "", "scopes items");
	assert_pair(*state, "scopes", "read,admin", "scopes[1] enum");
}

static void texts_of_another_kind_are_refused(void **state)
{
	static const char *const numbers[] = {
		"", "x", " 1", "1 ", "+1", "0x10", "inf", "nan", "1e999", ".5", "1e", "--1", "1,5",
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_pair(*state, "ratio", numbers[i], "ratio type");
		assert_pair(*state, "size", numbers[i], "size type");
	}
	assert_pair(*state, "size", "1.0", "size type");
	assert_pair(*state, "size", "9223372036854775808", "size type");
	assert_pair(*state, "enabled", "1", "enabled type");
	assert_pair(*state, "enabled", "", "enabled type");
	assert_pair(*state, "expires_at", "now", "expires_at format");
}

static void unknown_and_structured_parameters_are_faults(void **state)
{
	assert_pair(*state, "nonsense", "1", "nonsense unknown");
	assert_pair(*state, "", "1", " unknown");
	assert_pair(*state, "id", "x", "id unknown");
	assert_pair(*state, "limits", "x", "limits unknown");
	assert_pair(*state, "limits.max_users", "1", "limits.max_users unknown");
	assert_pair(*state, "config", "{}", "config unknown");
	assert_pair(*state, "digest", "x", "digest unknown");
}

static void a_repeated_parameter_is_a_fault_even_when_equal(void **state)
{
	assert_pair(*state, "name", "n", "name repeated");
}

static void a_required_parameter_is_required(void **state)
{
	struct gadget g;

	assert_int_equal(schema_read_kv(*state, &gadget_schema, NULL, 0, &g), ERR_VALIDATION);
	assert_string_equal(faults_of(*state), "name required");
}

static void what_is_not_utf8_is_refused_and_not_repeated(void **state)
{
	assert_pair(*state, "url", "12345678\xFF", "url format");
	assert_pair(*state, "kind", "\xFF", "kind enum");
	assert_pair(*state, "a\xFF", "1", "(not UTF-8) unknown");
	assert_pair(*state, "tags", "\xC3", "tags[0] format");
}

static void all_faults_are_told_at_once(void **state)
{
	struct gadget g;

	assert_int_equal(READ(*state, &g, { "size", "x" }, { "kind", "y" }, { "z", "" }), ERR_VALIDATION);
	assert_string_equal(faults_of(*state), "size type, kind enum, z unknown, name required");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_scalar_is_read_from_its_text, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(bounds_are_those_of_bodies, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(texts_of_another_kind_are_refused, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			unknown_and_structured_parameters_are_faults, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_repeated_parameter_is_a_fault_even_when_equal, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(a_required_parameter_is_required, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_utf8_is_refused_and_not_repeated, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(all_faults_are_told_at_once, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
