/* SPDX-License-Identifier: Apache-2.0 */
/* Cells as RFC 4180 and careful spreadsheets want them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cc/schema/csv.h"

struct thing {
	const char *name, *word, *more;
	int64_t n, at;
	bool on;
	const char *hidden;
};
#define T struct thing
static const struct field fields[] = {
	TEXT(T, name, F_OUT, 0, 0, "A text."),
	TEXT(T, word, F_OUT | F_NULLABLE, 0, 0, "A word."),
	JSON(T, more, F_OUT | F_NULLABLE, 0, "An object."),
	INT(T, n, F_OUT, 0, 0, "A number."),
	TIME(T, at, F_OUT | F_NULLABLE | F_MILLIS, "A time."),
	BOOL(T, on, F_OUT, "Yes or no."),
	TEXT(T, hidden, 0, 0, 0, "Not shown."),
};
#undef T
static SCHEMA(schema, struct thing, "Thing", fields);

static void expect(const char *wanted, const struct thing *t)
{
	struct arena *a = arena_create(1024);
	struct str out;

	str_init(&out, a, 16);
	csv_row(&out, &schema, t);
	assert_string_equal(wanted, out.data);
	arena_destroy(a);
}

static void names_are_those_that_are_shown(void **state)
{
	struct arena *a = arena_create(1024);
	struct str out;

	(void)state;
	str_init(&out, a, 16);
	csv_head(&out, &schema);
	assert_string_equal("name,word,more,n,at,on\r\n", out.data);
	arena_destroy(a);
}

static void cells_are_quoted_where_they_must_be(void **state)
{
	(void)state;
	expect("plain,,,7,,true\r\n", &(struct thing){ "plain", NULL, NULL, 7, TIME_NULL, true, "x" });
	expect("\"a,b\",\"say \"\"so\"\"\",\"{\"\"k\"\":[1,2]}\",0,2026-01-31T12:00:00.250Z,false\r\n",
	       &(struct thing){ "a,b", "say \"so\"", "{\"k\":[1,2]}", 0, INT64_C(1769860800250000), false,
				"" });
	expect("\"two\r\nlines\",\"\n\",,0,,false\r\n",
	       &(struct thing){ "two\r\nlines", "\n", NULL, 0, TIME_NULL, false, "" });
	expect("\xc3\xa9,,,0,,false\r\n", &(struct thing){ "\xc3\xa9", "", NULL, 0, TIME_NULL, false, "" });
}

static void no_text_is_a_formula(void **state)
{
	static const char *const texts[][2] = { { "=1+1", "'=1+1" }, { "+1", "'+1" }, { "-1", "'-1" },
		{ "@SUM(A1)", "'@SUM(A1)" }, { "\t=1", "'\t=1" }, { "\r=1", "\"'\r=1\"" },
		{ "=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"" }, { "1=1", "1=1" } };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char wanted[100];

		snprintf(wanted, sizeof(wanted), "%s,,,-5,,false\r\n", texts[i][1]);
		expect(wanted, &(struct thing){ texts[i][0], NULL, NULL, -5, TIME_NULL, false, "" });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_that_are_shown),
		cmocka_unit_test(cells_are_quoted_where_they_must_be),
		cmocka_unit_test(no_text_is_a_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
