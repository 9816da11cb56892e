/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/etag.h"

static int start(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int stop(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void lists_of_tags_are_read(void **state)
{
	static const struct {
		const char *value;
		size_t n;
	} cases[] = {
		{"\"a\"",                          1},
		{ "\"\"",			  1},
		{ "W/\"a\"",                       1},
		{ "\"a\", \"b\",W/\"c\" ,\t\"d\"", 4},
		{ ", ,\"a\", ,",                   1},
		{ "\"a,b\", \"*\"",                2},
		{ "\"\xc3\xa4!#\"",                1},
		{ "\"W/\"",                        1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct etags l;

		assert_true(etags_parse(*state, cases[i].value, &l));
		assert_true(l.sent);
		assert_false(l.any);
		assert_int_equal(cases[i].n, l.n);
	}
}

static void nothing_and_everything_are_no_lists(void **state)
{
	struct etags l;

	assert_true(etags_parse(*state, NULL, &l));
	assert_false(l.sent);
	assert_true(etags_parse(*state, "*", &l));
	assert_true(l.sent && l.any);
	assert_int_equal(0, l.n);
}

static void what_is_no_list_of_tags_is_refused(void **state)
{
	static const char *const cases[] = { "", " ", ",", ", ,", "a", "\"a", "a\"", "\"a\"b", "\"a\" \"b\"",
		"*, \"a\"", "\"a\", *", "w/\"a\"", "W\"a\"", "W/a", "W/", "\"a\"\"b\"", "\"a b\"", "\"\x7f\"",
		"**", "* " };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct etags l;

		if (etags_parse(*state, cases[i], &l))
			fail_msg("taken: %s", cases[i]);
	}
}

static void strong_comparison_leaves_weak_tags_out(void **state)
{
	struct etags l;

	assert_true(etags_parse(*state, "W/\"7\", \"8-a\"", &l));
	assert_false(etags_have(&l, "7", ETAG_STRONG));
	assert_true(etags_have(&l, "7", ETAG_WEAK));
	assert_true(etags_have(&l, "8-a", ETAG_STRONG));
	assert_false(etags_have(&l, "8", ETAG_WEAK));
	assert_true(etags_parse(*state, "*", &l));
	assert_true(etags_have(&l, "whatever", ETAG_STRONG));
}

static void a_tag_names_a_row_version_before_its_dash(void **state)
{
	struct versions v;
	struct etags l;

	assert_true(etags_parse(*state,
		"\"7-0a\", \"8\", W/\"9-0a\", \"-1\", \"\", \"x-1\", \"1x\", \"99999999999999999999\", "
		"\"0-\"",
		&l));
	v = etags_versions(*state, &l, ETAG_STRONG);
	assert_true(v.sent);
	assert_int_equal(3, v.n);
	assert_int_equal(7, v.v[0]);
	assert_int_equal(8, v.v[1]);
	assert_int_equal(0, v.v[2]);
	v = etags_versions(*state, &l, ETAG_WEAK);
	assert_int_equal(4, v.n);
}

struct thing {
	int64_t id, version, seen_at;
};
#define T struct thing
static const struct field plain_fields[] = {
	INT(T, id, F_OUT, 0, 0, "id"),
	INT(T, version, F_OUT | F_ROW_VERSION, 0, 0, "version"),
};
static const struct field lively_fields[] = {
	INT(T, id, F_OUT, 0, 0, "id"),
	INT(T, version, F_ROW_VERSION, 0, 0, "version"),
	INT(T, seen_at, F_OUT | F_VOLATILE, 0, 0, "seen_at"),
};
static SCHEMA(plain_schema, T, "Plain", plain_fields);
static SCHEMA(lively_schema, T, "Lively", lively_fields);
static SCHEMA(other_schema, T, "Other", plain_fields);
static const struct schema versionless_schema = {
	.name = "Versionless", .fields = plain_fields, .nfields = 1, .size = sizeof(T), .seen_at = SEEN_NONE
};
#undef T

static struct entry entry_of(const struct route *r, const struct entry *get)
{
	struct entry e = { .route = r, .path = "/things" };

	etag_derive(&e, get);
	return e;
}

#define TENANT .auth = AUTH_TENANT, .store = STORE_TENANT
static const struct route get_plain = { M_GET, TENANT, .reply = &plain_schema };
static const struct route get_lively = { M_GET, TENANT, .reply = &lively_schema };
static const struct route put_lively = { M_PUT, TENANT, .mode = DB_WRITE, .reply = &lively_schema };
static const struct route delete_plain = { M_DELETE, TENANT, .mode = DB_WRITE, .reply = &versionless_schema };

static void what_a_tag_is_made_of_follows_from_the_table(void **state)
{
	const struct route list = { M_GET, TENANT, .reply = &plain_schema, .list = "things" };
	const struct route volatile_list = { M_GET, TENANT, .flags = ROUTE_VOLATILE, .reply = &plain_schema,
		.list = "things" };
	const struct route control_list = { M_GET, .auth = AUTH_TENANT, .store = STORE_CONTROL,
		.reply = &plain_schema, .list = "things" };
	const struct route secret = { M_GET, TENANT, .flags = ROUTE_NO_STORE, .reply = &plain_schema };
	const struct route probe = { M_GET, .auth = AUTH_PUBLIC, .flags = ROUTE_VOLATILE };
	const struct route document = { M_GET, .auth = AUTH_PUBLIC };
	const struct route post = { M_POST, TENANT, .mode = DB_WRITE, .reply = &plain_schema };

	(void)state;
	assert_int_equal(ETAG_ROW, entry_of(&get_plain, NULL).etag);
	assert_int_equal(ETAG_ROW_AND_BODY, entry_of(&get_lively, NULL).etag);
	assert_int_equal(ETAG_ROW_AND_BODY, entry_of(&put_lively, NULL).etag);
	assert_int_equal(ETAG_ROW, entry_of(&post, NULL).etag);
	assert_int_equal(ETAG_NONE, entry_of(&delete_plain, NULL).etag);
	assert_int_equal(ETAG_LIST, entry_of(&list, NULL).etag);
	assert_int_equal(ETAG_BODY, entry_of(&volatile_list, NULL).etag);
	assert_int_equal(ETAG_BODY, entry_of(&control_list, NULL).etag);
	assert_int_equal(ETAG_NONE, entry_of(&secret, NULL).etag);
	assert_int_equal(ETAG_NONE, entry_of(&probe, NULL).etag);
	assert_int_equal(ETAG_BODY, entry_of(&document, NULL).etag);
}

static void tags_differ_by_all_that_shows_in_the_answer(void **state)
{
	const struct route get_other = { M_GET, TENANT, .reply = &other_schema };
	struct entry plain = entry_of(&get_plain, NULL), other = entry_of(&get_other, NULL);
	struct entry lively = entry_of(&get_lively, NULL);
	const char *tag = etag_of_row(*state, &plain, "tenant-a 1", 7, "{}", 2);

	assert_memory_equal("7-", tag, 2);
	assert_int_equal(18, strlen(tag));
	assert_string_equal(tag, etag_of_row(*state, &plain, "tenant-a 1", 7, "[]", 2));
	assert_string_not_equal(tag, etag_of_row(*state, &plain, "tenant-b 1", 7, "{}", 2));
	assert_string_not_equal(tag, etag_of_row(*state, &plain, "tenant-a 2", 7, "{}", 2));
	assert_string_not_equal(tag, etag_of_row(*state, &plain, "tenant-a 1", 8, "{}", 2));
	assert_string_not_equal(tag, etag_of_row(*state, &other, "tenant-a 1", 7, "{}", 2));
	tag = etag_of_row(*state, &lively, "tenant-a 1", 7, "{}", 2);
	assert_string_not_equal(tag, etag_of_row(*state, &lively, "tenant-a 1", 7, "[]", 2));
	assert_string_equal("7", etag_of_row(*state, &lively, "tenant-a 1", 7, NULL, 0));
	assert_string_not_equal(etag_of_body(*state, &plain, "tenant-a 1", "[]", 2),
		etag_of_body(*state, &plain, "tenant-b 1", "[]", 2));
}

/* These go over the wire from one node to another, and from one release to the next. */
static void tags_are_the_same_on_every_node(void **state)
{
	struct entry plain = entry_of(&get_plain, NULL);

	assert_string_equal("7-40e0ff30b4366841", etag_of_row(*state, &plain, "tenant-a 1", 7, NULL, 0));
}

static void a_delete_knows_the_tag_of_what_it_deletes(void **state)
{
	struct entry get = entry_of(&get_plain, NULL), gone = entry_of(&delete_plain, &get);

	(void)state;
	assert_int_equal(ETAG_NONE, gone.etag);
	assert_ptr_equal(&get, gone.object);
}

static void a_list_is_told_by_its_query_before_it_is_read(void **state)
{
	const struct route list = { M_GET, TENANT, .reply = &plain_schema, .list = "things" };
	struct entry e = entry_of(&list, NULL);
	struct kv pair = { "limit", "2" };
	struct http_in in = { .query = &pair, .nquery = 1 };
	struct req rq = {
		.in = &in, .audience = "tenant-a 1", .data = {3, 12, true}
	};
	const char *hash = etag_list_hash(*state, &e, &rq), *tag = etag_of_list(*state, &rq, hash);
	struct etags l;

	assert_memory_equal("3-12-", tag, 5);
	pair.value = "3";
	assert_string_not_equal(hash, etag_list_hash(*state, &e, &rq));
	rq.audience = "tenant-b 1";
	pair.value = "2";
	assert_string_not_equal(hash, etag_list_hash(*state, &e, &rq));
	assert_true(etags_parse(*state, arena_printf(*state, "\"x\", W/\"%s\"", tag), &l));
	assert_true(etags_may_be_list(&l, hash));
	assert_false(etags_may_be_list(&l, "0123456789abcdef"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_tags_are_read),
		cmocka_unit_test(nothing_and_everything_are_no_lists),
		cmocka_unit_test(what_is_no_list_of_tags_is_refused),
		cmocka_unit_test(strong_comparison_leaves_weak_tags_out),
		cmocka_unit_test(a_tag_names_a_row_version_before_its_dash),
		cmocka_unit_test(what_a_tag_is_made_of_follows_from_the_table),
		cmocka_unit_test(tags_differ_by_all_that_shows_in_the_answer),
		cmocka_unit_test(tags_are_the_same_on_every_node),
		cmocka_unit_test(a_delete_knows_the_tag_of_what_it_deletes),
		cmocka_unit_test(a_list_is_told_by_its_query_before_it_is_read),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
