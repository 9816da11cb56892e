/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/str.h"
#include "cc/core/linediff.h"

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

/* Reading a diff as patch(1) does -------------------------------------------------------------------- */

static const char *line_end(const char *s)
{
	const char *nl = strchr(s, '\n');

	return nl != NULL ? nl + 1 : s + strlen(s);
}

/* The text of a line of a diff; without its newline when the next line says so. */
static void take_line(struct str *out, const char **diff)
{
	const char *end = line_end(*diff);

	str_add_n(out, *diff + 1, (size_t)(end - *diff) - 1);
	*diff = end;
	if (strncmp(end, "\\ No newline at end of file\n", 28) != 0)
		return;
	out->data[--out->len] = '\0';
	*diff = end + 28;
}

/* What `from` becomes; fails the test when a line that the diff removes or keeps is not there. */
static char *patched(struct arena *a, const char *from, const char *diff)
{
	struct str out, line;
	size_t at = 0, start, n, start_to, n_to;

	str_init(&out, a, 256);
	if (diff[0] == '\0')
		return arena_strdup(a, from);
	assert_int_equal(0, strncmp(diff, "--- a\n+++ b\n@@ ", 15));
	diff += 12;
	while (*diff != '\0') {
		assert_int_equal(4, sscanf(diff, "@@ -%zu,%zu +%zu,%zu @@", &start, &n, &start_to, &n_to));
		diff = line_end(diff);
		for (at++; at < start + (n == 0); at++) {
			str_add_n(&out, from, (size_t)(line_end(from) - from));
			from = line_end(from);
		}
		at--;
		while (n > 0 || n_to > 0) {
			const char sign = *diff;

			str_init(&line, a, 64);
			take_line(&line, &diff);
			if (sign != '+') {
				const size_t len = (size_t)(line_end(from) - from);

				assert_int_equal(line.len, len);
				assert_memory_equal(line.data, from, len);
				from += len;
				at++;
				n--;
			}
			if (sign != '-') {
				str_add_n(&out, line.data, line.len);
				n_to--;
			}
		}
	}
	str_add(&out, from);
	return out.data;
}

static size_t count_lines(const char *diff, char sign)
{
	size_t n = 0;

	for (const char *p = line_end(line_end(diff)); *p != '\0'; p = line_end(p))
		n += *p == sign;
	return n;
}

static void makes(struct arena *a, const char *from, const char *to)
{
	assert_string_equal(to, patched(a, from, linediff(a, from, to, "a", "b")));
}

/* Cases ---------------------------------------------------------------------------------------------- */

static void equal_texts_have_no_difference(void **state)
{
	assert_string_equal("", linediff(*state, "", "", "a", "b"));
	assert_string_equal("", linediff(*state, "x\ny", "x\ny", "a", "b"));
}

static void a_change_is_shown_between_its_neighbours(void **state)
{
	assert_string_equal("--- version 1\n+++ version 2\n"
			    "@@ -2,7 +2,8 @@\n b\n c\n d\n-e\n+E\n+EE\n f\n g\n h\n",
		linediff(*state, "a\nb\nc\nd\ne\nf\ng\nh\ni\n", "a\nb\nc\nd\nE\nEE\nf\ng\nh\ni\n",
			"version 1", "version 2"));
}

static void what_is_far_apart_is_in_hunks_of_its_own(void **state)
{
	assert_string_equal(
		"--- a\n+++ b\n@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -8,3 +7,4 @@\n 8\n 9\n 10\n+11\n",
		linediff(*state, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "a",
			"b"));
}

static void the_last_newline_counts(void **state)
{
	assert_string_equal("--- a\n+++ b\n@@ -1,1 +1,1 @@\n-x\n\\ No newline at end of file\n+x\n",
		linediff(*state, "x", "x\n", "a", "b"));
	assert_string_equal("--- a\n+++ b\n@@ -0,0 +1,1 @@\n+x\n", linediff(*state, "", "x\n", "a", "b"));
	assert_string_equal("--- a\n+++ b\n@@ -1,1 +0,0 @@\n-x\n\\ No newline at end of file\n",
		linediff(*state, "x", "", "a", "b"));
	makes(*state, "a\nb", "a\nb\nc");
	makes(*state, "a\nb\nc", "a\nb");
	makes(*state, "\n\n", "\n");
}

/* Small alphabets make many ways; the one found must lead there and be no longer than any. */
static size_t shortest(const char *a, const char *b)
{
	size_t best[16][16] = { 0 };
	const size_t n = strlen(a), m = strlen(b);

	for (size_t i = n + 1; i-- > 0;)
		for (size_t j = m + 1; j-- > 0;) {
			if (i == n || j == m)
				best[i][j] = n - i + m - j;
			else if (a[i] == b[j])
				best[i][j] = best[i + 1][j + 1];
			else
				best[i][j] = 1 + (best[i + 1][j] < best[i][j + 1] ? best[i + 1][j]
										  : best[i][j + 1]);
		}
	return best[0][0];
}

static void random_letters(uint64_t *seed, char ret[13], char lines[26])
{
	size_t n;

	*seed = *seed * UINT64_C(6364136223846793005) + 1;
	n = (size_t)(*seed >> 40) % 13;
	for (size_t i = 0; i < n; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) + 1;
		ret[i] = (char)('a' + (*seed >> 40) % 3);
		lines[2 * i] = ret[i];
		lines[2 * i + 1] = '\n';
	}
	ret[n] = lines[2 * n] = '\0';
}

static void the_script_leads_there_and_is_the_shortest(void **state)
{
	uint64_t seed = 7;

	for (int i = 0; i < 20000; i++) {
		char a[13], b[13], from[26], to[26];
		const char *diff;

		random_letters(&seed, a, from);
		random_letters(&seed, b, to);
		diff = linediff(*state, from, to, "a", "b");
		assert_string_equal(to, patched(*state, from, diff));
		if (diff[0] != '\0')
			assert_int_equal(shortest(a, b), count_lines(diff, '-') + count_lines(diff, '+'));
		arena_reset(*state);
	}
}

static char *numbers(struct arena *a, int n, int step, const char *tag)
{
	struct str s;

	str_init(&s, a, 1024);
	for (int i = 0; i < n; i++)
		str_addf(&s, "%s%d\n", i % step == 0 ? tag : "line ", i);
	return s.data;
}

static void long_texts_with_few_changes_stay_short(void **state)
{
	const char *from = numbers(*state, 20000, 200, "one "), *to = numbers(*state, 20000, 200, "two ");
	const char *diff = linediff(*state, from, to, "a", "b");

	assert_string_equal(to, patched(*state, from, diff));
	assert_int_equal(100, count_lines(diff, '-'));
	assert_int_equal(100, count_lines(diff, '+'));
}

/* Beyond its bounds the middle is replaced, and neither time nor memory runs away. */
static void texts_without_a_line_in_common_are_replaced(void **state)
{
	const char *from = numbers(*state, 30000, 1, "one "), *to = numbers(*state, 30000, 1, "two ");
	struct arena *a = arena_create(65536);
	const char *diff = linediff(a, from, to, "a", "b");

	assert_string_equal(to, patched(*state, from, diff));
	assert_int_equal(30000, count_lines(diff, '-'));
	assert_true(arena_bytes(a) < (size_t)32 << 20);
	arena_destroy(a);
}

static void many_empty_lines_are_no_trouble(void **state)
{
	char *from = arena_alloc(*state, 200001), *to = arena_alloc(*state, 100003);

	memset(from, '\n', 200000);
	memset(to, '\n', 100002);
	to[50000] = 'x';
	makes(*state, from, to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_texts_have_no_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_is_shown_between_its_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_far_apart_is_in_hunks_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_newline_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_script_leads_there_and_is_the_shortest, setup, teardown),
		cmocka_unit_test_setup_teardown(long_texts_with_few_changes_stay_short, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_without_a_line_in_common_are_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(many_empty_lines_are_no_trouble, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
