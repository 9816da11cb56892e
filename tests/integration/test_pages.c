/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists while they change, in mixed orders, with NULLs, across two chains. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

enum { TEXT_MAX = 8192, KEYS = 14 };

/* The next page of a list, or the first when *page is NULL; NULL: there is none. */
static const struct answer *turn(
	struct story *s, const char *path, const char *query, const struct answer *page)
{
	if (page == NULL)
		return assert_status(200, client_get(s->c, "%s?%s", path, query));
	if (answer_null(page, "next_cursor"))
		return NULL;
	return assert_status(
		200, client_get(s->c, "%s?%s&cursor=%s", path, query, answer_text(page, "next_cursor")));
}

static void make(struct story *s, const char *name)
{
	assert_status(201, client_post(s->c, "/policies", "{'name':'%s','rego_code':'package p'}", name));
}

/* What is there the whole time is shown once, whatever comes and goes around it. */
static void pages_are_stable_while_rows_come_and_go(void **state)
{
	static const char query[] = "limit=2&sort=name";
	struct story *s = *state;
	const struct answer *page;

	for (const char *const *n = (const char *const[]){ "b", "d", "f", "h", "j", NULL }; *n != NULL; n++)
		make(s, *n);
	page = turn(s, "/policies", query, NULL);
	assert_string_equal("1 2", story_ids(page, "policies"));
	make(s, "a");
	make(s, "e");
	/* The very row that the page ended with. */
	assert_status(200, client_delete(s->c, "/policies/2"));
	assert_status(200, client_delete(s->c, "/policies/1"));
	page = turn(s, "/policies", query, page);
	assert_string_equal("7 3", story_ids(page, "policies"));
	assert_int(5, page, "total");
	assert_int(2, page, "page");
	assert_status(200, client_delete(s->c, "/policies/4"));
	page = turn(s, "/policies", query, page);
	assert_string_equal("5", story_ids(page, "policies"));
	assert_null(turn(s, "/policies", query, page));
}

static void the_last_full_page_has_no_next(void **state)
{
	struct story *s = *state;
	const struct answer *page;

	make(s, "a");
	make(s, "b");
	page = turn(s, "/policies", "limit=2", NULL);
	assert_true(answer_null(page, "next_cursor"));
	assert_null(answer_header(page, "Link"));
	make(s, "c");
	page = turn(s, "/policies", "limit=2", NULL);
	page = turn(s, "/policies", "limit=2", page);
	assert_string_equal("3", story_ids(page, "policies"));
	assert_true(answer_null(page, "next_cursor"));
	/* From a page by number one can go on by cursor. */
	page = client_get(s->c, "/policies?limit=1&skip=1");
	assert_int(2, page, "page");
	page = client_get(s->c, "/policies?limit=1&cursor=%s", answer_text(page, "next_cursor"));
	assert_string_equal("3", story_ids(page, "policies"));
	assert_int(3, page, "page");
}

static void filters_hold_on_every_page_and_are_counted(void **state)
{
	static const char query[] = "limit=1&name=x&status=draft&sort=-name";
	struct story *s = *state;
	const struct answer *page;

	for (int i = 0; i < 6; i++)
		assert_status(201, client_post(s->c, "/policies",
					   "{'name':'%s %d','status':'%s','rego_code':'package p'}",
					   i % 3 == 0 ? "y" : "x", i, i < 4 ? "draft" : "active"));
	page = turn(s, "/policies", query, NULL);
	assert_int(2, page, "total");
	assert_text("x 2", page, "policies[0].name");
	page = turn(s, "/policies", query, page);
	assert_int(2, page, "total");
	assert_text("x 1", page, "policies[0].name");
	assert_null(turn(s, "/policies", query, page));
}

/* The link is good as it is, and names the path as it was asked for, whatever the Host said. */
static void the_link_leads_to_the_next_page(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char target[TEXT_MAX];

	make(s, "x & y?");
	make(s, "x & y? %");
	client_host(s->c, s->t.domain);
	a = client_get(
		s->c, "/policies?skip=0&limit=1&name=x+%%26%%20y%%3f&tenant_id=%s&sort=name,-id", s->t.slug);
	assert_status(200, a);
	snprintf(target, sizeof(target), "%s", answer_header(a, "Link"));
	assert_non_null(strstr(target, "</api/v1/policies?limit=1&name=x%20%26%20y%3F&tenant_id="));
	assert_non_null(strstr(target, "&sort=name,-id&cursor="));
	assert_non_null(strstr(target, ">; rel=\"next\""));
	*strchr(target, '>') = '\0';
	a = client_call(s->c, "GET", target + 1, NULL, NULL);
	assert_status(200, a);
	assert_text("x & y? %", a, "policies[0].name");
	assert_null(answer_header(a, "Link"));
}

/* All keys in an order, and the same in pages: "id id id". */
static void list_keys(struct story *s, const char *sort, int limit, char ret[TEXT_MAX])
{
	char path[200], query[200];
	const struct answer *page = NULL;
	size_t n = 0;

	snprintf(path, sizeof(path), "/tenants/%s/api-keys", s->t.id);
	snprintf(query, sizeof(query), "limit=%d&sort=%s", limit, sort);
	while ((page = turn(s, path, query, page)) != NULL)
		for (size_t i = 0; i < answer_count(page, "api_keys"); i++) {
			char at[40];

			snprintf(at, sizeof(at), "api_keys[%zu].id", i);
			n += (size_t)snprintf(ret + n, TEXT_MAX - n, "%s ", answer_text(page, at));
		}
}

/* Times and NULLs that repeat, so that every field is needed somewhere. */
static void make_keys(struct story *s)
{
	for (int i = 0; i < KEYS; i++)
		free(fixture_key(s->d, s->t.id, "policies:read", NULL));
	story_control_value(s, "UPDATE api_key SET name = 'n' || (n % 3),"
			       " expires_at = CASE WHEN n % 4 = 0 THEN NULL"
			       " ELSE now() + interval '1 day' * (n % 2 + 1) + interval '0.25 s' END,"
			       " revoked_at = CASE WHEN n % 5 = 0 THEN now() ELSE NULL END,"
			       " created_at = created_at + interval '1 s' * (n % 2)"
			       " FROM (SELECT id AS k, row_number() OVER (ORDER BY id) AS n FROM api_key) t"
			       " WHERE id = t.k AND scopes = '{policies:read}'");
}

static void every_order_has_the_same_rows_in_pages(void **state)
{
	static const char *const fields[] = { "name", "created_at", "expires_at", "revoked_at", "id" };
	enum { FIELDS = 5 };
	struct story *s = *state;
	char whole[TEXT_MAX], paged[TEXT_MAX], sort[200];
	int compared = 0;

	make_keys(s);
	for (int a = 0; a < FIELDS; a++)
		for (int b = 0; b < FIELDS; b++)
			for (int way = 0; way < 8; way++) {
				const int c = (b + 1) % FIELDS;

				if (a == b || a == c)
					continue;
				snprintf(sort, sizeof(sort), "%s%s,%s%s,%s%s", way & 1 ? "-" : "", fields[a],
					way & 2 ? "-" : "", fields[b], way & 4 ? "-" : "", fields[c]);
				list_keys(s, sort, 1000, whole);
				list_keys(s, sort, 4, paged);
				if (strcmp(whole, paged) != 0)
					fail_msg("%s:\n%s\n%s", sort, whole, paged);
				compared++;
				client_forget(s->c);
			}
	assert_int_equal(15 * 8, compared);
}

static void a_descending_order_is_the_ascending_one_backwards(void **state)
{
	struct story *s = *state;
	const struct answer *up, *down;

	make_keys(s);
	up = client_get(s->c, "/tenants/%s/api-keys?sort=expires_at", s->t.id);
	down = client_get(s->c, "/tenants/%s/api-keys?sort=-expires_at", s->t.id);
	for (size_t i = 0, n = answer_count(up, "api_keys"); i < n; i++)
		assert_true(json_equal(json_array_get(answer_at(up, "api_keys"), i),
			json_array_get(answer_at(down, "api_keys"), n - 1 - i)));
}

/* The whole of the audit: "data 3 control 5 data 2 ", in pages of limit; each page is followed by a write. */
static void list_audit(struct story *s, int limit, bool busy, char ret[TEXT_MAX])
{
	const struct answer *page = NULL;
	char query[40];
	size_t n = 0;

	snprintf(query, sizeof(query), "limit=%d", limit);
	while ((page = turn(s, "/audit/logs", query, page)) != NULL) {
		for (size_t i = 0; i < answer_count(page, "logs"); i++) {
			char chain[40], seq[40];

			snprintf(chain, sizeof(chain), "logs[%zu].chain", i);
			snprintf(seq, sizeof(seq), "logs[%zu].seq", i);
			n += (size_t)snprintf(ret + n, TEXT_MAX - n, "%s %lld ", answer_text(page, chain),
				(long long)answer_int(page, seq));
		}
		if (busy)
			assert_status(
				200, client_patch(s->c, "/policies/1", "{'description':'%s %zu'}", query, n));
	}
}

/* A tenant of its own: the tests below forge the times of its records, which a story would notice. */
static void open_forger(struct story *s, const char *slug, struct story *ret)
{
	char path[120];

	*ret = *s;
	fixture_tenant(s->d, slug, NULL, NULL, NULL, &ret->t);
	ret->c = client_of(s->d, &ret->t);
	snprintf(path, sizeof(path), "/tenants/%s", slug);
	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof(name), "p%d", i);
		make(ret, name);
		assert_status(200, client_patch(ret->c, path, "{'name':'%s'}", name));
	}
}

static void compare_audit(struct story *s)
{
	char whole[TEXT_MAX], paged[TEXT_MAX];

	list_audit(s, 1000, false, whole);
	assert_non_null(strstr(whole, "data"));
	assert_non_null(strstr(whole, "control"));
	for (int limit = 1; limit <= 5; limit++) {
		list_audit(s, limit, false, paged);
		assert_string_equal(whole, paged);
	}
	/* What is written meanwhile is newer than all that is still to come. */
	list_audit(s, 2, true, paged);
	assert_string_equal(whole, paged);
}

static void the_audit_is_paged_across_both_chains(void **state)
{
	struct story forger;

	open_forger(*state, "chains", &forger);
	compare_audit(&forger);
	client_close(forger.c);
}

static void records_of_one_moment_keep_their_places(void **state)
{
	static const char sql[] =
		"UPDATE %s SET at = date_trunc('second', now()) - interval '1 s' * (seq %% 2)%s%s%s";
	struct story forger;
	char text[300];

	open_forger(*state, "moments", &forger);
	snprintf(text, sizeof(text), sql, "audit", "", "", "");
	story_value(&forger, text);
	snprintf(text, sizeof(text), sql, "tenant_audit", " WHERE tenant_id = '", forger.t.id, "'");
	story_control_value(&forger, text);
	compare_audit(&forger);
	client_close(forger.c);
}

static void repeat(char *ret, const char *what, int times)
{
	const size_t n = strlen(what);

	for (int i = 0; i < times; i++, ret += n)
		memcpy(ret, what, n);
	*ret = '\0';
}

/* Names of the most bytes in every sortable field: the cursor and the link of it are still taken. */
static void the_longest_cursor_is_taken(void **state)
{
	struct story *s = *state;
	char name[119 * 4 + 1], host[251], filter[119 * 12 + 1], query[TEXT_MAX];
	const struct answer *page = NULL;
	int pages = 0;

	repeat(name, "\xf0\x9f\x98\x80", 119);
	repeat(filter, "%f0%9f%98%80", 119);
	repeat(host, "abcdefghi.", 25);
	host[249] = '\0';
	for (int i = 0; i < 3; i++)
		assert_status(201,
			client_post(s->c, "/bouncers",
				"{'name':'%s%d','hostname':'%s','environment':'production'}", name, i, host));
	snprintf(query, sizeof(query), "limit=1&name=%s&sort=name,hostname,environment,status", filter);
	while ((page = turn(s, "/bouncers", query, page)) != NULL) {
		assert_int(++pages, page, "bouncers[0].id");
		if (answer_null(page, "next_cursor"))
			continue;
		assert_true(strlen(answer_text(page, "next_cursor")) > 1000);
		assert_non_null(strstr(answer_header(page, "Link"), answer_text(page, "next_cursor")));
	}
	assert_int_equal(3, pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			pages_are_stable_while_rows_come_and_go, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_last_full_page_has_no_next, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			filters_hold_on_every_page_and_are_counted, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_link_leads_to_the_next_page, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			every_order_has_the_same_rows_in_pages, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_descending_order_is_the_ascending_one_backwards, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			the_audit_is_paged_across_both_chains, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			records_of_one_moment_keep_their_places, story_open, story_close),
		cmocka_unit_test_setup_teardown(the_longest_cursor_is_taken, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
