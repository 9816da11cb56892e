/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/logline.h"

/* One line as a JSON object; whatever went in, it must be one. */
static json_t *line_of(enum log_level level, const char *msg, const struct log_field *fields, int n)
{
	struct logline *l = malloc(sizeof(*l));
	json_error_t error;
	json_t *o;

	memset(l, 0x5A, sizeof(*l));
	logline_make(l, level, msg, fields, n);
	assert_in_range(l->len, 2, LOGLINE_SIZE);
	assert_int_equal(l->text[l->len - 1], '\n');
	assert_ptr_equal(memchr(l->text, '\n', l->len), l->text + l->len - 1);
	o = json_loadb(l->text, l->len, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		fail_msg("%s: %.*s", error.text, (int)l->len, l->text);
	free(l);
	return o;
}

static const char *text_in(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void a_line_has_time_level_message_and_fields(void **state)
{
	const struct log_field fields[] = { LOG_TEXT("op", "getTenant"), LOG_INT("status", 200) };
	json_t *o = line_of(LOG_WARN, "slow", fields, 2);

	(void)state;
	assert_int_equal(strlen(text_in(o, "ts")), strlen("2026-01-31T12:00:00.000Z"));
	assert_string_equal(text_in(o, "level"), "warn");
	assert_string_equal(text_in(o, "msg"), "slow");
	assert_string_equal(text_in(o, "op"), "getTenant");
	assert_int_equal(json_integer_value(json_object_get(o, "status")), 200);
	json_decref(o);
}

static void fields_without_a_text_are_left_out(void **state)
{
	const char *none = NULL;
	const struct log_field fields[] = { LOG_TEXT("tenant", none), LOG_INT("n", INT64_MIN) };
	json_t *o = line_of(LOG_INFO, "m", fields, 2);

	(void)state;
	assert_null(json_object_get(o, "tenant"));
	assert_true(json_integer_value(json_object_get(o, "n")) == INT64_MIN);
	json_decref(o);
}

static void a_value_cannot_end_the_line_or_its_quotes(void **state)
{
	const struct log_field fields[] = { LOG_TEXT("k", "a\"},\n{\"level\":\"x\\\r\t\x1b[2J\x7F") };
	json_t *o = line_of(LOG_INFO, "m", fields, 1);

	(void)state;
	assert_string_equal(text_in(o, "k"), "a\"},\n{\"level\":\"x\\\r\t\x1b[2J\x7F");
	json_decref(o);
}

static void controls_of_terminals_are_escaped(void **state)
{
	struct logline l;

	(void)state;
	logline_make(&l, LOG_INFO, "\x1b\x7F\xC2\x9B\xC2\xA0", NULL, 0);
	l.text[l.len] = '\0';
	assert_non_null(strstr(l.text, "\"\\u001b\\u007f\\u009b\xC2\xA0\""));
}

static void what_is_not_utf8_is_replaced(void **state)
{
	json_t *o = line_of(LOG_INFO, "a\xFF\xC3(\xED\xA0\x80z\xE2\x82", NULL, 0);

	(void)state;
	assert_string_equal(text_in(o, "msg"),
		"a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
	json_decref(o);
}

static void every_byte_alone_makes_a_valid_line(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		const char text[2] = { (char)c, '\0' };

		json_decref(line_of(LOG_DEBUG, text, NULL, 0));
	}
}

static void a_long_text_is_cut(void **state)
{
	char text[4000];
	json_t *o;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	o = line_of(LOG_INFO, text, NULL, 0);
	assert_int_equal(strlen(text_in(o, "msg")), 1024);
	json_decref(o);
}

static void the_worst_message_still_fits(void **state)
{
	char text[2000];
	json_t *o;

	(void)state;
	memset(text, 1, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	o = line_of(LOG_ERROR, text, NULL, 0);
	assert_int_equal(strlen(text_in(o, "msg")), 1024);
	assert_null(json_object_get(o, "truncated"));
	json_decref(o);
}

/* Every length of a text near the end of the room, so that the cut falls on each byte of the syntax. */
static void fields_that_do_not_fit_are_left_out_and_the_line_says_so(void **state)
{
	char long_text[1025], text[1025];
	int cut = 0, whole = 0;

	(void)state;
	memset(long_text, 'y', 1024);
	long_text[1024] = '\0';
	for (size_t n = 600; n <= 1024; n++) {
		const struct log_field fields[] = {
			LOG_TEXT("a", long_text), LOG_TEXT("b", long_text), LOG_TEXT("c", long_text),
			LOG_TEXT("d", long_text), LOG_TEXT("e", long_text), LOG_TEXT("f", long_text),
			LOG_TEXT("g", long_text), LOG_TEXT("h", text),
		};
		json_t *o;

		memset(text, 'z', n);
		text[n] = '\0';
		o = line_of(LOG_INFO, "m", fields, 8);
		if (json_object_get(o, "h") == NULL)
			assert_true(json_is_true(json_object_get(o, "truncated")));
		else
			assert_null(json_object_get(o, "truncated"));
		cut += json_object_get(o, "h") == NULL;
		whole += json_object_get(o, "h") != NULL;
		json_decref(o);
	}
	assert_true(cut > 0);
	assert_true(whole > 0);
}

static void levels_are_read_by_name(void **state)
{
	enum log_level level = LOG_ERROR;

	(void)state;
	assert_true(log_parse_level("debug", &level) && level == LOG_DEBUG);
	assert_true(log_parse_level("error", &level) && level == LOG_ERROR);
	assert_true(log_parse_level("info", &level) && level == LOG_INFO);
	assert_true(log_parse_level("warn", &level) && level == LOG_WARN);
	assert_false(log_parse_level("warning", &level));
	assert_false(log_parse_level("", &level));
	assert_int_equal(level, LOG_WARN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_message_and_fields),
		cmocka_unit_test(fields_without_a_text_are_left_out),
		cmocka_unit_test(a_value_cannot_end_the_line_or_its_quotes),
		cmocka_unit_test(controls_of_terminals_are_escaped),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(every_byte_alone_makes_a_valid_line),
		cmocka_unit_test(a_long_text_is_cut),
		cmocka_unit_test(the_worst_message_still_fits),
		cmocka_unit_test(fields_that_do_not_fit_are_left_out_and_the_line_says_so),
		cmocka_unit_test(levels_are_read_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
