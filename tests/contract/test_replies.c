/* SPDX-License-Identifier: Apache-2.0 */
/* Every route succeeds at least once, with the reply that its table describes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"

static const struct answer *succeed(struct contract *k, const struct route *r, const char *prefix, bool all)
{
	struct ready ready;
	const struct answer *a;

	contract_ready(k, r, prefix, all, &ready);
	/* What other cases left behind must fit into one page. */
	if (r->list != NULL)
		ready.ask.query = "limit=1000";
	a = contract_ask(k, k->c, &ready.ask);
	ready_clear(&ready);
	return assert_status(r->status, a);
}

static void check_list(const struct route *r, const struct answer *a)
{
	const bool bare = (r->flags & ROUTE_BARE_ARRAY) != 0;
	const json_t *list = bare ? a->json : answer_at(a, r->list);

	if (!json_is_array(list))
		fail_msg("%s: no list: %s", a->asked, a->body);
	if (!bare) {
		assert_int_equal(5, json_object_size(a->json));
		assert_true(answer_null(a, "next_cursor"));
		assert_true(answer_int(a, "total") >= (int64_t)json_array_size(list));
		assert_int(1, a, "page");
		assert_true(answer_int(a, "page_size") >= (int64_t)json_array_size(list));
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *misfit = reply_misfit(r->reply, json_array_get(list, i), true);

		if (misfit != NULL)
			fail_msg("%s: [%zu]: %s: %s", a->asked, i, misfit, a->body);
	}
}

static void check_reply(const struct route *r, const struct answer *a)
{
	const char *type = r->media[0] != NULL ? r->media[0] : "application/json", *misfit;

	assert_string_equal(type, answer_header(a, "Content-Type"));
	assert_non_null(answer_header(a, "X-Request-ID"));
	if ((r->flags & ROUTE_NO_STORE) != 0)
		assert_string_equal("no-store", answer_header(a, "Cache-Control"));
	if (r->auth != AUTH_PUBLIC && (r->flags & ROUTE_NO_LIMIT) == 0)
		assert_non_null(answer_header(a, "X-RateLimit-Remaining"));
	if (r->media[0] != NULL)
		return;
	assert_non_null(a->json);
	if (r->list != NULL) {
		check_list(r, a);
		return;
	}
	misfit = r->reply != NULL ? reply_misfit(r->reply, a->json, false) : NULL;
	if (misfit != NULL)
		fail_msg("%s: %s: %s", a->asked, misfit, a->body);
}

/* Writes come first, so that the lists have items. */
static void every_route_answers_what_its_table_says(void **state)
{
	struct contract *k = *state;
	size_t reached = 0, routes = 0;

	for (int mode = DB_WRITE; mode >= DB_READ; mode--) {
		FOR_EACH_ROUTE(r, prefix)
		{
			if ((int)r->mode != mode)
				continue;
			routes++;
			check_reply(r, succeed(k, r, prefix, false));
			if (r->body != NULL)
				check_reply(r, succeed(k, r, prefix, true));
			reached++;
			client_forget(k->c);
		}
	}
	assert_true(routes > 0);
	assert_int_equal(routes, reached);
}

/* What stands before the dash of a tag is the row, which is all that If-Match looks at. */
static void assert_same_row(const char *made, const char *there)
{
	const char *const end = strchr(made, '-');

	if (end == NULL || there == NULL || strncmp(made, there, (size_t)(end - made) + 1) != 0)
		fail_msg("made as %s, read as %s", made, there);
}

static void what_was_made_is_where_location_says(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const char *where;
		const struct answer *a, *there;

		if (r->status != 201)
			continue;
		a = succeed(k, r, prefix, false);
		where = answer_header(a, "Location");
		assert_non_null(where);
		there = assert_status(200, client_call(k->c, "GET", where, NULL, NULL));
		if (answer_header(a, "ETag") != NULL)
			assert_same_row(answer_header(a, "ETag"), answer_header(there, "ETag"));
	}
}

static void what_begins_an_operation_says_where_it_is(void **state)
{
	struct contract *k = *state;
	size_t found = 0;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ready ready;
		const struct answer *a;
		char id[64];

		if ((r->flags & ROUTE_OPERATION) == 0)
			continue;
		contract_ready(k, r, prefix, false, &ready);
		a = assert_status(202, contract_ask(k, k->c, &ready.ask));
		assert_non_null(answer_header(a, "Location"));
		a = assert_status(200, client_call(k->c, "GET", answer_header(a, "Location"), NULL, NULL));
		assert_text("running", a, "status");
		snprintf(id, sizeof(id), "%s", answer_text(a, "id"));
		/* What excludes it is named. */
		a = assert_error(423, "operation_in_progress", contract_ask(k, k->c, &ready.ask));
		assert_text(id, a, "operation_id");
		ready_clear(&ready);
		found++;
	}
	assert_true(found > 0);
}

static void head_is_get_without_the_body(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = M_HEAD };
		const struct answer *a;

		if (r->method != M_GET)
			continue;
		ask.id = contract_object(k, r, k->t.id);
		a = assert_status(r->status, contract_ask(k, k->c, &ask));
		assert_int_equal(0, a->body_len);
	}
}

static void refusals_share_one_body(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct ask ask = { .r = r, .prefix = prefix, .method = M_GET, .query = "nosuch=1" };
		const struct answer *a;

		if (r->method != M_GET || r->auth == AUTH_PUBLIC)
			continue;
		a = assert_status(422, contract_ask(k, k->c, &ask));
		assert_non_null(answer_text(a, "message"));
		assert_non_null(answer_text(a, "timestamp"));
		assert_string_equal(answer_header(a, "X-Request-ID"), answer_text(a, "request_id"));
		if (r->auth == AUTH_TENANT)
			assert_text(k->t.id, a, "tenant_id");
		assert_text("nosuch", a, "details[0].field");
		assert_non_null(answer_text(a, "details[0].message"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_answers_what_its_table_says),
		cmocka_unit_test(what_was_made_is_where_location_says),
		cmocka_unit_test(what_begins_an_operation_says_where_it_is),
		cmocka_unit_test(head_is_get_without_the_body),
		cmocka_unit_test(refusals_share_one_body),
	};

	return cmocka_run_group_tests(tests, contract_setup, contract_teardown);
}
