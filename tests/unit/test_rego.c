/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The modules of tests/unit/rego: those of valid/ have no fault, those of invalid/ exactly the faults that
 * their first lines tell: "# fault LINE:COLUMN message".
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp.h"
#include "cc/model/policy.h"
#include "cc/model/rego.h"

#define MODULES_MAX 200

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

static struct rego_module check(struct arena *a, const char *text)
{
	struct rego_module m;

	rego_check(a, text, strlen(text), &m);
	return m;
}

/* Calls test with the path and the text of each module of a folder; returns how many there were. */
static int each_module(const char *which, void (*test)(const char *path, const char *text))
{
	const char *source = getenv("CC_SOURCE_DIR");
	char folder[600], path[1000];
	const struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(folder, sizeof(folder), "%s/tests/unit/rego/%s", source != NULL ? source : ".", which);
	dir = opendir(folder);
	if (dir == NULL)
		fail_msg("%s cannot be read", folder);
	while ((entry = readdir(dir)) != NULL && n < MODULES_MAX) {
		char *text;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		text = temp_read(path);
		test(entry->d_name, text);
		free(text);
		n++;
	}
	closedir(dir);
	return n;
}

static void is_valid(const char *path, const char *text)
{
	struct arena *a = arena_create(65536);
	const struct rego_module m = check(a, text);

	if (m.nfaults > 0)
		fail_msg("%s:%zu:%zu: %s", path, m.fault[0].line, m.fault[0].column, m.fault[0].message);
	assert_true(m.package_len > 0);
	assert_memory_equal(text + m.package_at - strlen("package "), "package ", strlen("package "));
	arena_destroy(a);
}

static void valid_modules_have_no_fault(void **state)
{
	(void)state;
	assert_true(each_module("valid", is_valid) >= 15);
}

static void has_its_faults(const char *path, const char *text)
{
	struct arena *a = arena_create(65536);
	const struct rego_module m = check(a, text);
	struct str got;

	str_init(&got, a, 256);
	for (int i = 0; i < m.nfaults; i++)
		str_addf(
			&got, "# fault %zu:%zu %s\n", m.fault[i].line, m.fault[i].column, m.fault[i].message);
	if (m.nfaults == 0 || strncmp(text, got.data, got.len) != 0 ||
		strncmp(text + got.len, "# fault", 7) == 0)
		fail_msg("%s has these faults:\n%s", path, got.data);
	arena_destroy(a);
}

static void invalid_modules_have_exactly_theirs(void **state)
{
	(void)state;
	assert_true(each_module("invalid", has_its_faults) >= 28);
}

/* Cut anywhere, and with any byte changed: whatever comes out, it ends and stays within the text. */
static void is_robust(const char *path, const char *text)
{
	static const char others[] = "(){}[]\"`#.:=,;\\\n$a0 \xC3";
	const size_t n = strlen(text);
	char *copy = malloc(n + 1);
	struct arena *a = arena_create(65536);
	struct rego_module m;

	(void)path;
	for (size_t i = 0; i <= n; i++) {
		rego_check(a, text, i, &m);
		memcpy(copy, text, n + 1);
		if (i < n)
			copy[i] = others[i % (sizeof(others) - 1)];
		rego_check(a, copy, n, &m);
		for (int k = 0; k < m.nfaults; k++)
			assert_true(
				m.fault[k].line >= 1 && m.fault[k].column >= 1 && m.fault[k].message != NULL);
		arena_reset(a);
	}
	free(copy);
	arena_destroy(a);
}

static void any_text_is_survived(void **state)
{
	(void)state;
	(void)each_module("valid", is_robust);
	(void)each_module("invalid", is_robust);
}

static void what_a_module_holds_is_told(void **state)
{
	struct rego_module m = check(*state, "# c\n  package a.b[\"c d\"] # e\nallow if true\n");

	assert_int_equal(0, m.nfaults);
	assert_true(m.has_rules && m.has_allow);
	assert_int_equal(14, m.package_at);
	assert_int_equal(strlen("a.b[\"c d\"]"), m.package_len);
	assert_int_equal(2, m.package_line);
	assert_int_equal(11, m.package_column);
	m = check(*state, "package a\ndefault deny := true");
	assert_true(m.has_rules && !m.has_allow);
	m = check(*state, "package a\nimport rego.v1");
	assert_true(!m.has_rules && !m.has_allow);
}

/* Bundles name files and roots by it: however a path is written, it is one text, or none. */
static void paths_of_packages_are_plain(void **state)
{
	static const struct {
		const char *package, *path;
	} cases[] = {
		{ "app", "app" },
		{ "app.authz", "app/authz" },
		{ "app[\"authz\"]", "app/authz" },
		{ "app[ \"authz\" ]", "app/authz" },
		{ "app[`authz`].x_1", "app/authz/x_1" },
		{ "app[\"v1.2-rc~3\"]", "app/v1.2-rc~3" },
		{ "app[\"...\"]", "app/..." },
		{ "app[\"a b\"]", NULL },
		{ "app[\"a@b\"]", NULL },
		{ "app[\"a\\\"b\"]", NULL },
		{ "app[\"\\u0061\"]", NULL },
		{ "app[\"..\"].evil", NULL },
		{ "app[\".\"]", NULL },
		{ "app[\"\"].y", NULL },
		{ "app[\"a/b\"]", NULL },
		{ "app[$\"b\"]", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = arena_printf(*state, "package %s\n\nx := 1\n", cases[i].package);
		const struct rego_module m = check(*state, text);

		assert_int_equal(0, m.nfaults);
		if (cases[i].path == NULL)
			assert_null(m.package_path);
		else
			assert_string_equal(cases[i].path, m.package_path);
	}
}

static void the_old_syntax_is_known(void **state)
{
	static const struct {
		const char *rest;
		bool old;
	} cases[] = {
		{ "allow { input.x }", true },
		{ "deny[msg] { msg := \"no\" }", true },
		{ "f(x) = y { y := x } else = 1 { true }", true },
		{ "import future.keywords\n\nallow { input.x }", true },
		{ "import rego.v1\n\nallow if { input.x }", false },
		{ "allow if input.x", false },
		{ "deny contains \"no\" if input.x", false },
		{ "default allow := false", false },
		{ "o := { \"a\": 1 }", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rego_module m =
			check(*state, arena_printf(*state, "package a\n\n%s\n", cases[i].rest));

		assert_int_equal(0, m.nfaults);
		assert_int_equal(cases[i].old, m.old_syntax);
	}
}

static void columns_count_characters(void **state)
{
	const struct rego_module m = check(*state, "package a\na := \"\xC3\xA4\xE2\x82\xAC\" ^ 1\n");

	assert_int_equal(1, m.nfaults);
	assert_int_equal(2, m.fault[0].line);
	assert_int_equal(11, m.fault[0].column);
}

/* However many there are, the first are told, in their order. */
static void of_many_faults_the_first_are_told(void **state)
{
	struct rego_module m;
	struct str text;

	str_init(&text, *state, 1024);
	str_add(&text, "package a\n");
	for (int i = 0; i < 1000; i++)
		str_add(&text, "[ ^\n");
	m = check(*state, text.data);
	assert_int_equal(REGO_FAULTS_MAX, m.nfaults);
	for (int i = 0; i < REGO_FAULTS_MAX; i++) {
		assert_int_equal(2 + i / 2, m.fault[i].line);
		assert_int_equal(i % 2 == 0 ? 1 : 3, m.fault[i].column);
	}
}

static char *repeated(struct arena *a, const char *start, const char *what, size_t most)
{
	struct str text;

	str_init(&text, a, most + 1);
	str_add(&text, start);
	while (text.len + strlen(what) <= most)
		str_add(&text, what);
	return text.data;
}

/* The worst texts of full size take no more than a pass or two. */
static void large_texts_are_taken_in_one_pass(void **state)
{
	static const char *const whats[] = { "(", "[{(", ")", "a", "\"", "`", "$\"{", "$`{`", "a.", "a,",
		"\n", "{}", "#\n", "- ", "a:=", "p{x}", "\\", "\xC3\xA4", "not ", "else ", "default ",
		"package a\n", "import data.a\n" };

	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		struct arena *a = arena_create(65536);
		const struct rego_module m =
			check(a, repeated(*state, "package a\nb := ", whats[i], REGO_BYTES_MAX));

		assert_true(m.nfaults <= REGO_FAULTS_MAX);
		assert_true(arena_bytes(a) < (size_t)40 * REGO_BYTES_MAX);
		arena_destroy(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_modules_have_no_fault),
		cmocka_unit_test(invalid_modules_have_exactly_theirs),
		cmocka_unit_test(any_text_is_survived),
		cmocka_unit_test_setup_teardown(what_a_module_holds_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_of_packages_are_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(the_old_syntax_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(columns_count_characters, setup, teardown),
		cmocka_unit_test_setup_teardown(of_many_faults_the_first_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(large_texts_are_taken_in_one_pass, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
