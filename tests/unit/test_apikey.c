/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/str.h"
#include "cc/crypto/apikey.h"
#include "cc/crypto/digest.h"

static int setup(void **state)
{
	*state = arena_create(0);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static const char *made(struct arena *a, enum apikey_kind kind)
{
	const char *display;
	struct apikey key;

	return apikey_new(a, kind, &key, &display);
}

static void a_new_key_is_well_formed(void **state)
{
	static const char *const prefixes[] = { "cc_live_", "cc_test_", "cc_op_" };

	for (int kind = APIKEY_LIVE; kind <= APIKEY_OPERATOR; kind++) {
		const char *display, *text;
		struct apikey key, parsed;
		const size_t before = strlen(prefixes[kind]);

		text = apikey_new(*state, (enum apikey_kind)kind, &key, &display);
		assert_int_equal(strlen(text), before + 48);
		assert_true(str_starts(text, prefixes[kind]));
		assert_int_equal(strspn(text + before, ALPHABET_BASE62), 48);
		assert_true(apikey_parse(text, &parsed));
		assert_int_equal(parsed.kind, kind);
		assert_string_equal(parsed.id, key.id);
		assert_memory_equal(text + before, key.id, 10);
	}
}

static void what_is_displayed_is_the_prefix_and_the_last_four(void **state)
{
	const char *display, *text;
	struct apikey key;

	text = apikey_new(*state, APIKEY_LIVE, &key, &display);
	assert_int_equal(strlen(display), strlen("cc_live_...abcd"));
	assert_true(str_starts(display, "cc_live_..."));
	assert_true(str_ends(text, display + strlen("cc_live_...")));
}

static void two_keys_differ_in_id_and_secret(void **state)
{
	const char *a = made(*state, APIKEY_LIVE), *b = made(*state, APIKEY_LIVE);

	assert_memory_not_equal(a + 8, b + 8, 10);
	assert_memory_not_equal(a + 18, b + 18, 32);
}

/* The format is a contract with scanners for leaked keys: this text stays a key for ever. */
static void a_key_of_the_first_day_stays_a_key(void **state)
{
	struct apikey key;

	(void)state;
	assert_true(apikey_parse("cc_live_0123456789abcdefghijklmnopqrstuvwxyzABCDEF2ZrgKs", &key));
	assert_string_equal(key.id, "0123456789");
	assert_int_equal(key.kind, APIKEY_LIVE);
}

static void any_changed_character_is_noticed(void **state)
{
	char *text = arena_strdup(*state, made(*state, APIKEY_LIVE));
	struct apikey key;

	for (size_t i = 0; text[i] != '\0'; i++) {
		const char was = text[i];

		text[i] = was == 'x' ? 'y' : 'x';
		assert_false(apikey_parse(text, &key));
		text[i] = was;
	}
	assert_true(apikey_parse(text, &key));
}

static void another_kind_is_not_the_same_key(void **state)
{
	const char *text = made(*state, APIKEY_LIVE);
	struct apikey key;

	assert_false(apikey_parse(arena_printf(*state, "cc_test_%s", text + 8), &key));
	assert_false(apikey_parse(arena_printf(*state, "cc_op_%s", text + 8), &key));
}

static void other_lengths_are_no_keys(void **state)
{
	const char *text = made(*state, APIKEY_OPERATOR);
	struct apikey key;

	for (size_t n = 0; n < strlen(text); n++)
		assert_false(apikey_parse(arena_strndup(*state, text, n), &key));
	assert_false(apikey_parse(arena_printf(*state, "%sx", text), &key));
	assert_false(apikey_parse(arena_printf(*state, "%s ", text), &key));
	assert_false(apikey_parse(arena_printf(*state, " %s", text), &key));
	assert_false(apikey_parse(arena_printf(*state, "%0*d", 100000, 0), &key));
}

static void hostile_texts_are_no_keys(void **state)
{
	static const char *const wrong[] = {
		"", "cc_", "cc_live_", "Bearer", "CC_LIVE_0123456789abcdefghijklmnopqrstuvwxyzABCDEF012345",
		"cc_live_0123456789abcdefghijklmnopqrstuvwxyzABCDEF012345",
		"cc_live_01234567_9abcdefghijklmnopqrstuvwxyzABCDEF012345",
		"cc_live_g\xC3\xA4g3456789abcdefghijklmnopqrstuvwxyzABCDEF012345",
	};
	struct apikey key = { .id = "untouched" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(apikey_parse(wrong[i], &key));
	assert_string_equal(key.id, "untouched");
}

static void the_hash_is_an_hmac_of_the_whole_text(void **state)
{
	unsigned char hash[APIKEY_HASH_LEN], expected[32];

	(void)state;
	apikey_hash("pepper", 6, "cc_live_x", hash);
	hmac_sha256("pepper", 6, "cc_live_x", 9, expected);
	assert_memory_equal(hash, expected, 32);
	apikey_hash("peppes", 6, "cc_live_x", hash);
	assert_memory_not_equal(hash, expected, 32);
}

static void a_key_is_found_among_other_bytes(void **state)
{
	static const enum apikey_kind kinds[] = { APIKEY_LIVE, APIKEY_TEST, APIKEY_OPERATOR };

	for (size_t i = 0; i < 3; i++) {
		const char *key = made(*state, kinds[i]);
		const char *text = arena_printf(*state, "cc_live_ cc_ x=\\n%s0ccc_live_", key);
		struct apikey_found f;

		assert_true(apikey_find(text, strlen(text), 0, &f));
		assert_int_equal(17, f.at);
		assert_int_equal(strlen(key), f.len);
		assert_int_equal(kinds[i], f.key.kind);
		assert_memory_equal(f.key.id, key + strlen(key) - 48, APIKEY_ID_LEN);
		assert_string_equal(key + strlen(key) - 4, f.display + strlen(f.display) - 4);
		assert_null(strstr(f.display, f.key.id));
		assert_false(apikey_find(text, strlen(text), f.at + 1, &f));
		assert_false(apikey_find(text, 17 + strlen(key) - 1, 0, &f));
	}
}

static void what_only_looks_like_a_key_is_not_found(void **state)
{
	char *text = arena_strdup(*state, made(*state, APIKEY_LIVE));
	struct apikey_found f;

	text[20] = text[20] == 'a' ? 'b' : 'a';
	assert_false(apikey_find(text, strlen(text), 0, &f));
	assert_false(apikey_find("", 0, 0, &f));
	assert_false(apikey_find("cc_op_", 6, 0, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_key_is_well_formed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_displayed_is_the_prefix_and_the_last_four, setup, teardown),
		cmocka_unit_test_setup_teardown(two_keys_differ_in_id_and_secret, setup, teardown),
		cmocka_unit_test(a_key_of_the_first_day_stays_a_key),
		cmocka_unit_test_setup_teardown(any_changed_character_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(another_kind_is_not_the_same_key, setup, teardown),
		cmocka_unit_test_setup_teardown(other_lengths_are_no_keys, setup, teardown),
		cmocka_unit_test(hostile_texts_are_no_keys),
		cmocka_unit_test(the_hash_is_an_hmac_of_the_whole_text),
		cmocka_unit_test_setup_teardown(a_key_is_found_among_other_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_only_looks_like_a_key_is_not_found, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
