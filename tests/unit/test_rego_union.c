/* SPDX-License-Identifier: Apache-2.0 */
/* Which modules engines do not take together, as far as heads of rules tell; what may go together must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/str.h"
#include "cc/model/rego.h"

static int setup(void **state)
{
	*state = arena_create(65536);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static bool add(struct arena *a, struct rego_union *u, const char *text, int64_t tag, struct rego_clash *ret)
{
	struct rego_module m;

	rego_check(a, text, strlen(text), &m);
	if (m.nfaults > 0)
		fail_msg("%s: %s", text, m.fault[0].message);
	return rego_union_add(u, text, &m, tag, ret);
}

struct pair {
	const char *a, *b;
};

/* In both orders. */
static void check(struct arena *a, const struct pair *p, bool go)
{
	for (int turn = 0; turn < 2; turn++) {
		struct rego_union *u = rego_union_create(a);
		struct rego_clash clash;

		assert_true(add(a, u, "package elsewhere\nallow := 1", 6, &clash));
		assert_true(add(a, u, turn == 0 ? p->a : p->b, 7, &clash));
		if (add(a, u, turn == 0 ? p->b : p->a, 8, &clash) != go)
			fail_msg("%s\n---\n%s\n(%s %s)", p->a, p->b, go ? clash.why : "they go",
				go ? clash.rule : "");
		if (!go)
			assert_int_equal(7, clash.tag);
		rego_union_destroy(u);
	}
}

static void what_engines_refuse_does_not_go(void **state)
{
	static const struct pair pairs[] = {
		{ "package p\ndefault allow := false", "package p\ndefault allow := true" },
		{ "package p\ndefault a[\"x\"] := 1", "package p\ndefault a[\"x\"] := 2" },
		{ "package p.q\ndefault r := false", "package p\ndefault q.r := true" },
		{ "package p\nusers := 1", "package p.users\nx := 1" },
		{ "package p\nusers if input.x", "package p[\"users\"]\nx := 1" },
		{ "package p\nusers contains 1", "package p.users\nx := 1" },
		{ "package p\nusers(x) := x", "package p.users\nx := 1" },
		{ "package p\nusers { input.x }", "package p.users\nx = 1" },
		{ "package p\na.b := 1", "package p.a.b\nx := 1" },
		{ "package p\nusers := 1", "package p.users.more\nx := 1" },
		{ "package p\na := 1", "package p\na.b := 1" },
		{ "package p\na := 1", "package p\na[\"b\"] := 1" },
		{ "package p\na := 1", "package p\na[x] := y if some x, y in input" },
		{ "package p\na if input.x", "package p\na[x].b contains 1 if some x in input" },
		{ "package p\ndefault a := {}", "package p\na[x] { input[x] }" },
		{ "package p\na.b := 1", "package p\na.b[\"c.d\"] := 1" },
		{ "package p\na := 1", "package p\ndefault a[\"b/c\"] := 1" },
		{ "package p\na := 1", "package p.a\nb[x] := 1 if some x in input" },
		{ "package p\nallow := true", "package p\nallow contains 1" },
		{ "package p\nallow if input.x", "package p\nallow contains 1 if input.x" },
		{ "package p\ndefault allow := true", "package p\nallow contains 1" },
		{ "package p\nf(x) := x", "package p\nf contains 1" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check(*state, &pairs[i], false);
}

static void what_they_take_goes(void **state)
{
	static const struct pair pairs[] = {
		{ "package p\nallow if input.a", "package p\nallow if input.b" },
		{ "package p\nallow := true if input.a", "package p\ndefault allow := false" },
		{ "package p\nallow contains 1", "package p\nallow contains 2" },
		{ "package p\nallow contains 1", "package q\nallow := 1" },
		{ "package p\nallow contains 1", "package p.q\nallow := 1" },
		{ "package p\nusers := 1", "package p.user\nx := 1" },
		{ "package p\nusers := 1", "package p.users_too\nx := 1" },
		{ "package p\nusers[x] := y if some x, y in input", "package p.users\nx := 1" },
		{ "package p\nusers[x] { input[x] }", "package p.users\nx := 1" },
		{ "package p\nusers contains 1", "package p.users.more\nx := 1" },
		{ "package p\na.b := 1", "package p\na.c := 1" },
		{ "package p\na.b := 1", "package p\na.b := 1 if input.x" },
		{ "package p\ndefault a[\"x\"] := 1", "package p\ndefault a[\"y\"] := 2" },
		{ "package p\ndefault a[\"x.y\"] := 1", "package p\ndefault a[\"x/y\"] := 2" },
		{ "package p\na[\"x\"] := 1", "package p\na[y] := 1 if some y in input" },
		{ "package p\na[x] := 1 if some x in input", "package p\na.b := 1" },
		{ "package p\na := 1", "package p\nab[x] := 1 if some x in input" },
		{ "package p\na contains 1", "package p\na[x] contains 1 if some x in input" },
		{ "package p\nf(x) := x", "package p\nf(y) := y if y > 1" },
		{ "package p\nx := 1", "package p\ny := 1" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check(*state, &pairs[i], true);
}

/* What does not go leaves nothing behind. */
static void what_was_not_added_is_in_nobodys_way(void **state)
{
	struct rego_union *u = rego_union_create(*state);
	struct rego_clash clash;

	assert_true(add(*state, u, "package p\ndefault allow := true", 1, &clash));
	assert_false(add(*state, u, "package p\ndefault allow := true\ndeny contains 1", 2, &clash));
	assert_string_equal("p/allow", clash.rule);
	assert_true(add(*state, u, "package p\ndeny := 1", 3, &clash));
	assert_false(add(*state, u, "package p\ndeny contains 1", 4, &clash));
	assert_int_equal(3, clash.tag);
	rego_union_destroy(u);
}

static int rules_of(struct arena *a, int names, int rules)
{
	struct rego_module m;
	struct str text;

	str_init(&text, a, 1 << 18);
	str_addf(&text, "package p\n");
	for (int i = 0; i < rules; i++) {
		str_addf(&text, "a%d", i);
		for (int k = 1; k < names; k++)
			str_addf(&text, ".b");
		str_addf(&text, " := 1\na0 := %d\n", i);
	}
	rego_check(a, text.data, text.len, &m);
	assert_int_equal(0, m.nfaults);
	return m.nrules;
}

/* Each step of each name costs an entry: the product of both is bounded. */
static void deep_names_are_not_looked_at(void **state)
{
	assert_int_equal(3, rules_of(*state, REGO_NAMES_MAX, 2));
	assert_int_equal(1, rules_of(*state, REGO_NAMES_MAX + 1, 2));
	assert_int_equal(1, rules_of(*state, 1000, 64));
	assert_int_equal(REGO_RULES_MAX, rules_of(*state, 2, 4000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_engines_refuse_does_not_go, setup, teardown),
		cmocka_unit_test_setup_teardown(what_they_take_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(deep_names_are_not_looked_at, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_not_added_is_in_nobodys_way, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
