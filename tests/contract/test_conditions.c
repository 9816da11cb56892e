/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags and conditions, route by route: ETag, If-None-Match, If-Match, require_if_match. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"

static bool has_etag(const struct route *r)
{
	/* What is made while it is sent has no tag: that would have to go first. */
	return r->method == M_GET && r->auth != AUTH_PUBLIC && (r->flags & ROUTE_NO_STORE) == 0 &&
	       r->media[0] == NULL;
}

/* "If-Match: <w><etag>\r\n"; one text at a time. */
static const char *condition(const char *name, const char *weak, const char *etag)
{
	static char line[300];

	snprintf(line, sizeof(line), "%s: %s%s\r\n", name, weak, etag);
	return line;
}

/* A copy that outlives the answer; of the last few. */
static const char *etag_in(const struct answer *a)
{
	static char kept[4][128];
	static int n;
	const char *etag = answer_header(a, "ETag");

	if (etag == NULL)
		fail_msg("%s: no ETag: %s", a->asked, a->head);
	n = (n + 1) % 4;
	snprintf(kept[n], sizeof(kept[n]), "%s", etag);
	if (kept[n][0] != '"' || strlen(kept[n]) < 3)
		fail_msg("%s: no strong ETag: %s", a->asked, kept[n]);
	return kept[n];
}

static void check_not_modified(const struct answer *a, const char *etag)
{
	assert_status(304, a);
	assert_int_equal(0, a->body_len);
	assert_string_equal(etag, etag_in(a));
	assert_null(answer_header(a, "Content-Type"));
	assert_non_null(answer_header(a, "Cache-Control"));
	assert_non_null(answer_header(a, "X-Request-ID"));
}

/* False: the service itself has changed it meanwhile, as it does with alerts. */
static bool not_modified(struct contract *k, const struct ask *ask, const char *etag)
{
	struct ask plain = *ask;
	const struct answer *a = contract_ask(k, k->c, ask);

	if (a->status == 304) {
		check_not_modified(a, etag);
		return true;
	}
	assert_status(200, a);
	plain.headers = NULL;
	assert_string_not_equal(etag, etag_in(contract_ask(k, k->c, &plain)));
	return false;
}

static bool is_not_sent_twice(struct contract *k, struct ask ask)
{
	const char *etag = etag_in(assert_status(200, contract_ask(k, k->c, &ask)));

	ask.headers = condition("If-None-Match", "", etag);
	if (!not_modified(k, &ask, etag))
		return false;
	ask.headers = condition("If-None-Match", "\"x\", W/", etag);
	if (!not_modified(k, &ask, etag))
		return false;
	ask.headers = condition("If-None-Match", "", "*");
	if (!not_modified(k, &ask, etag))
		return false;
	ask.method = M_HEAD;
	ask.headers = condition("If-None-Match", "", etag);
	if (!not_modified(k, &ask, etag))
		return false;
	ask.method = M_GET;
	ask.headers = condition("If-None-Match", "", "\"x\"");
	return strcmp(etag, etag_in(assert_status(200, contract_ask(k, k->c, &ask)))) == 0;
}

static void what_is_read_has_a_tag_and_is_not_sent_twice(void **state)
{
	struct contract *k = *state;
	size_t n = 0;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = M_GET };
		int tries = 5;

		if (!has_etag(r))
			continue;
		ask.id = contract_object(k, r, k->t.id);
		while (!is_not_sent_twice(k, ask))
			assert_true(--tries > 0);
		n++;
		client_forget(k->c);
	}
	assert_true(n > 0);
}

static void if_match_on_a_question_is_answered_by_412(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = M_GET };
		const struct answer *a;
		const char *etag;

		if (!has_etag(r))
			continue;
		ask.id = contract_object(k, r, k->t.id);
		etag = etag_in(assert_status(200, contract_ask(k, k->c, &ask)));
		ask.headers = condition("If-Match", "\"x\", ", etag);
		assert_status(200, contract_ask(k, k->c, &ask));
		ask.headers = condition("If-Match", "", "*");
		assert_status(200, contract_ask(k, k->c, &ask));
		ask.headers = condition("If-Match", "W/", etag);
		a = assert_error(412, "precondition_failed", contract_ask(k, k->c, &ask));
		assert_string_equal(etag, etag_in(a));
		assert_text(etag, a, "etag");
		client_forget(k->c);
	}
}

static void two_tenants_never_have_a_tag_in_common(void **state)
{
	struct contract *k = *state;
	char other[80];

	snprintf(other, sizeof(other), "%s", contract_tenant(k));
	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = M_GET };
		const char *etag;

		if (!has_etag(r) || r->auth != AUTH_TENANT || r->list == NULL)
			continue;
		ask.id = contract_object(k, r, k->t.id);
		etag = etag_in(assert_status(200, contract_ask(k, k->c, &ask)));
		ask.tenant = other;
		ask.id = contract_object(k, r, other);
		assert_string_not_equal(etag, etag_in(assert_status(200, contract_ask(k, k->c, &ask))));
		client_forget(k->c);
	}
}

/* Writes ------------------------------------------------------------------------------------------- */

/* A write of a route that would succeed, and the GET of what it changes. */
struct change {
	struct ready write;
	struct ask look;
};

/* What they are asked for cannot be read, or stays as it is: integration/policy_life has stories of them. */
static bool is_seen_elsewhere(const struct route *r)
{
	return strcmp(r->op, "restorePolicy") == 0 || strcmp(r->op, "promotePolicy") == 0;
}

static bool change_of(struct contract *k, const struct route *r, const char *prefix, struct change *ret)
{
	char path[200];

	if (!route_checks_version(r) || is_seen_elsewhere(r))
		return false;
	contract_ready(k, r, prefix, true, &ret->write);
	/* An action on an object stands below the object's own path. */
	snprintf(path, sizeof(path), "%s", r->path);
	if (path[strlen(path) - 1] != '}' && route_find(M_GET, path) == NULL)
		*strrchr(path, '/') = '\0';
	ret->look = ret->write.ask;
	ret->look.r = route_find(M_GET, path);
	ret->look.method = M_GET;
	ret->look.body = NULL;
	if (ret->look.r == NULL)
		fail_msg("%s: nothing reads what it changes", r->op);
	return true;
}

/* The same row version, whatever else is in the tag. */
static void check_same_row(const char *before, const char *after)
{
	const size_t n = 1 + strcspn(before + 1, "-\"");

	assert_true(n > 1);
	assert_memory_equal(before, after, n);
}

static void a_stale_tag_changes_nothing(void **state)
{
	static const char *const stale[] = { "\"0\"", "\"99999-0123456789abcdef\"", "\"x\", \"y\"" };
	struct contract *k = *state;
	struct change c;
	size_t n = 0;

	FOR_EACH_ROUTE(r, prefix)
	{
		const char *etag;

		if (!change_of(k, r, prefix, &c))
			continue;
		etag = etag_in(assert_status(200, contract_ask(k, k->c, &c.look)));
		for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++) {
			const struct answer *a;

			c.write.ask.headers = condition("If-Match", "", stale[i]);
			a = assert_error(412, "precondition_failed", contract_ask(k, k->c, &c.write.ask));
			check_same_row(etag, etag_in(a));
			assert_text(etag_in(a), a, "etag");
		}
		c.write.ask.headers = condition("If-Match", "W/", etag);
		assert_error(412, "precondition_failed", contract_ask(k, k->c, &c.write.ask));
		c.write.ask.headers = condition("If-None-Match", "", "*");
		assert_error(412, "precondition_failed", contract_ask(k, k->c, &c.write.ask));
		c.write.ask.headers = condition("If-None-Match", "", etag);
		assert_error(412, "precondition_failed", contract_ask(k, k->c, &c.write.ask));
		check_same_row(etag, etag_in(assert_status(200, contract_ask(k, k->c, &c.look))));
		ready_clear(&c.write);
		n++;
		client_forget(k->c);
	}
	assert_true(n > 0);
}

static void the_present_tag_changes_once(void **state)
{
	struct contract *k = *state;
	struct change c;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct answer *a;
		const char *before, *after;

		if (!change_of(k, r, prefix, &c))
			continue;
		before = etag_in(assert_status(200, contract_ask(k, k->c, &c.look)));
		c.write.ask.headers = condition("If-Match", "\"0\", ", before);
		a = assert_status(r->status, contract_ask(k, k->c, &c.write.ask));
		after = answer_header(a, "ETag");
		if (after != NULL) {
			after = etag_in(a);
			assert_string_not_equal(before, after);
			assert_string_equal(
				after, etag_in(assert_status(200, contract_ask(k, k->c, &c.look))));
		} else {
			assert_true(r->method == M_DELETE || (r->flags & ROUTE_NO_STORE) != 0);
		}
		c.write.ask.headers = condition("If-Match", "", before);
		a = contract_ask(k, k->c, &c.write.ask);
		if (r->method != M_DELETE && r->method != M_POST)
			assert_error(412, "precondition_failed", a);
		else
			assert_true(a->status >= 400);
		ready_clear(&c.write);
		client_forget(k->c);
	}
}

static void any_tag_changes_what_is_there(void **state)
{
	struct contract *k = *state;
	struct change c;

	FOR_EACH_ROUTE(r, prefix)
	{
		if (!change_of(k, r, prefix, &c))
			continue;
		c.write.ask.headers = condition("If-Match", "", "*");
		assert_status(r->status, contract_ask(k, k->c, &c.write.ask));
		ready_clear(&c.write);
		client_forget(k->c);
	}
}

static void set_required(struct contract *k, bool required)
{
	client_tenant(k->c, NULL);
	assert_status(200, client_call(k->c, "PATCH", "/api/v1/tenants/contract", "If-Match: *\r\n",
				   required ? "{\"settings\":{\"require_if_match\":true}}"
					    : "{\"settings\":{\"require_if_match\":false}}"));
}

static void a_tenant_may_want_a_tag_with_every_change(void **state)
{
	struct contract *k = *state;
	size_t n = 0;

	set_required(k, true);
	FOR_EACH_ROUTE(r, prefix)
	{
		const bool needed = r->auth == AUTH_TENANT && r->mode == DB_WRITE && r->method != M_POST &&
				    (r->flags & ROUTE_NO_VERSION) == 0;
		struct ask ask = { .r = r, .prefix = prefix, .method = r->method, .beside = true };

		/* What is sent is refused by the next check, so that nothing is ever done. */
		ask.query = "nosuch=1";
		if (r->body != NULL)
			ask.body = "{\"no such field\":1}";
		if (needed)
			assert_error(428, "precondition_required", contract_ask(k, k->c, &ask));
		else if (r->auth == AUTH_TENANT)
			assert_status(422, contract_ask(k, k->c, &ask));
		ask.headers = "If-Match: \"1\"\r\n";
		if (needed)
			assert_status(422, contract_ask(k, k->c, &ask));
		n += needed;
	}
	assert_true(n > 0);
	set_required(k, false);
}

static void conditions_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "7", "\"7", "W/7", "\"7\" \"8\"", "*, \"7\"", "" };
	static const char *const names[] = { "If-Match", "If-None-Match" };
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = r->method, .beside = true };

		if (r->auth == AUTH_PUBLIC || r->body != NULL)
			continue;
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			ask.headers = condition(names[i % 2], "", bad[i]);
			assert_error(400, "invalid_request", contract_ask(k, k->c, &ask));
		}
	}
}

static void what_is_not_there_is_not_found_whatever_the_condition(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = {
			.r = r, .prefix = prefix, .method = r->method, .headers = "If-Match: \"1\"\r\n"
		};

		if (r->method != M_DELETE || strstr(r->path, "{id}") == NULL)
			continue;
		assert_error(404, "resource_not_found", contract_ask(k, k->c, &ask));
	}
}

/* A kind and an id, as the client wrote it: whether it is read, changed or deleted. */
static void what_is_not_there_is_told_in_one_way(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = r->method, .beside = true };
		const char *last = strrchr(r->path, '{'), *message;
		char word[32];

		if (last == NULL || str_starts(last, "{tenant_id}") || r->body != NULL)
			continue;
		ask.id = "4711";
		message = answer_text(assert_error(404, "resource_not_found", contract_ask(k, k->c, &ask)),
				      "message");
		(void)snprintf(word, sizeof(word), "%s ", r->object);
		for (char *p = word; (p = strchr(p, '_')) != NULL;)
			*p = ' ';
		if (!str_starts(message, word) || strstr(message, " 4711 does not exist") == NULL)
			fail_msg("%s %s: %s", method_name(r->method), r->path, message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_has_a_tag_and_is_not_sent_twice),
		cmocka_unit_test(if_match_on_a_question_is_answered_by_412),
		cmocka_unit_test(two_tenants_never_have_a_tag_in_common),
		cmocka_unit_test(a_stale_tag_changes_nothing),
		cmocka_unit_test(the_present_tag_changes_once),
		cmocka_unit_test(any_tag_changes_what_is_there),
		cmocka_unit_test(a_tenant_may_want_a_tag_with_every_change),
		cmocka_unit_test(conditions_that_are_none_are_refused),
		cmocka_unit_test(what_is_not_there_is_not_found_whatever_the_condition),
		cmocka_unit_test(what_is_not_there_is_told_in_one_way),
	};

	return cmocka_run_group_tests(tests, contract_setup, contract_teardown);
}
