/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/negotiate.h"

static void media_types_are_taken_by_the_range_that_fits_best(void **state)
{
	static const struct {
		const char *accept, *type;
		bool takes;
	} cases[] = {
		{ NULL, "application/json", true },
		{ "", "application/json", true },
		{ "*/*", "application/json", true },
		{ "application/*", "application/json", true },
		{ "APPLICATION/Json", "application/json", true },
		{ "application/json", "application/json; charset=utf-8", true },
		{ "text/html", "application/json", false },
		{ "text/html, */*;q=0.1", "application/json", true },
		{ "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", true },
		{ "application/json;q=0", "application/json", false },
		{ "*/*, application/json;q=0", "application/json", false },
		{ "*/*, application/json;q=0.0", "text/html", true },
		{ "application/*;q=0, application/json;q=0.001", "application/json", true },
		{ "application/*;q=0, */*", "application/json", false },
		{ "text/*", "application/json", false },
		{ "app/*", "application/json", false },
		{ "application/jso", "application/json", false },
		{ "application/json2", "application/json", false },
		{ "text/plain;version=0.0.4;q=0.5", "text/plain; version=0.0.4", true },
		{ "text/html;a=\"x,y;q=0\", application/json", "application/json", true },
		{ "text/html;a=\"application/json,*/*\"", "application/json", false },
		/* What is no range says nothing. */
		{ "json", "application/json", true },
		{ ",,;", "application/json", true },
		{ "application/json;q=2", "application/json", true },
		{ "text/html, application/json;q=x", "application/json", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (accept_has(cases[i].accept, cases[i].type) != cases[i].takes)
			fail_msg("%s: %s", cases[i].accept, cases[i].type);
}

static void media_types_are_asked_for_by_name(void **state)
{
	static const char type[] = "application/problem+json";
	static const struct {
		const char *accept;
		bool names;
	} cases[] = {
		{ NULL, false },
		{ "", false },
		{ "*/*", false },
		{ "application/*", false },
		{ "application/json", false },
		{ "application/problem+json", true },
		{ "application/json, Application/Problem+JSON;q=0.1", true },
		{ "application/problem+json;q=0, */*", false },
		{ "application/problem+json2", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (accept_names(cases[i].accept, type) != cases[i].names)
			fail_msg("%s", cases[i].accept);
}

static void gzip_is_taken_where_it_is_welcome(void **state)
{
	static const struct {
		const char *accept;
		enum coding coding;
	} cases[] = {
		{ NULL, CODING_NONE },
		{ "", CODING_NONE },
		{ "gzip", CODING_GZIP },
		{ "GZIP", CODING_GZIP },
		{ "x-gzip", CODING_GZIP },
		{ "gzip, deflate, br", CODING_GZIP },
		{ "br;q=1.0, gzip;q=0.2", CODING_GZIP },
		{ "gzip;q=0", CODING_NONE },
		{ "gzip; q=0.000", CODING_NONE },
		{ "*", CODING_GZIP },
		{ "*;q=0", CODING_NONE },
		{ "gzip, *;q=0", CODING_ONLY_GZIP },
		{ "gzip, identity;q=0", CODING_ONLY_GZIP },
		{ "identity, gzip;q=0.5", CODING_NONE },
		{ "identity;q=0.5, gzip", CODING_GZIP },
		{ "identity;q=0.5, gzip;q=0.5", CODING_GZIP },
		{ "identity;q=0", CODING_NONE },
		{ "deflate", CODING_NONE },
		{ "gzipped", CODING_NONE },
		{ "gzip;q=1.5", CODING_NONE },
		{ "gzip;q=0.1234", CODING_NONE },
		{ "gzip;q=", CODING_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (accept_coding(cases[i].accept) != cases[i].coding)
			fail_msg("%s", cases[i].accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_types_are_taken_by_the_range_that_fits_best),
		cmocka_unit_test(media_types_are_asked_for_by_name),
		cmocka_unit_test(gzip_is_taken_where_it_is_welcome),
	};

	return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
