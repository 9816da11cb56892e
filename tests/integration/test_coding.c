/* SPDX-License-Identifier: Apache-2.0 */
/* What a client takes: compressed answers and their tags, and media types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "client.h"

#define GZIP "Accept-Encoding: gzip\r\n"
#define LIST "/api/v1/policies?limit=1000&full=true"
#define EXPORT "/api/v1/audit/export"
#define BOTH "Accept: application/json, application/problem+json\r\n"
#define MANY 60

static struct tenant_fixture t;

static int start(void **state)
{
	struct client *c;

	if (daemon_group_setup(state) != 0)
		return -1;
	fixture_tenant(*state, "large", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 0; i < MANY; i++)
		assert_status(201, client_post(c, "/policies", "{'name':'p%d','rego_code':'package p'}", i));
	client_close(c);
	return 0;
}

/* malloc'ed; fails the test if it is not one whole gzip member. */
static char *unzip(const struct answer *a, size_t *ret_n)
{
	const size_t room = 16 << 20;
	char *to = malloc(room);
	z_stream z = { 0 };

	assert_non_null(to);
	assert_non_null(answer_header(a, "Content-Encoding"));
	assert_string_equal("gzip", answer_header(a, "Content-Encoding"));
	assert_int_equal(Z_OK, inflateInit2(&z, 15 + 16));
	z.next_in = (Bytef *)(uintptr_t)a->body;
	z.avail_in = (uInt)a->body_len;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)room - 1;
	assert_int_equal(Z_STREAM_END, inflate(&z, Z_FINISH));
	assert_int_equal(0, z.avail_in);
	*ret_n = z.total_out;
	to[*ret_n] = '\0';
	inflateEnd(&z);
	return to;
}

static void assert_same(const struct answer *plain, const struct answer *zipped)
{
	size_t n;
	char *text = unzip(zipped, &n);

	assert_null(answer_header(plain, "Content-Encoding"));
	assert_int_equal(plain->body_len, n);
	assert_memory_equal(plain->body, text, n);
	assert_true(zipped->body_len < plain->body_len / 2);
	assert_non_null(strstr(answer_header(plain, "Vary"), "Accept-Encoding"));
	assert_non_null(strstr(answer_header(zipped, "Vary"), "Accept-Encoding"));
	free(text);
}

static void large_answers_are_compressed_for_who_wants_that(void **state)
{
	struct client *c = client_of(*state, &t);
	const struct answer *plain = assert_status(200, client_call(c, "GET", LIST, NULL, NULL));
	const struct answer *a;

	/* Made, from memory, and again as it is. */
	for (int i = 0; i < 3; i++)
		assert_same(plain, assert_status(200, client_call(c, "GET", LIST, GZIP, NULL)));
	for (int i = 0; i < 2; i++) {
		a = client_call(c, "GET", LIST, "Accept-Encoding: br, gzip;q=0\r\n", NULL);
		assert_status(200, a);
		assert_null(answer_header(a, "Content-Encoding"));
		assert_string_equal(plain->body, a->body);
	}
	a = assert_status(200, client_call(c, "HEAD", LIST, GZIP, NULL));
	assert_string_equal("gzip", answer_header(a, "Content-Encoding"));
	assert_same(assert_status(200, client_call(c, "GET", "/openapi.json", NULL, NULL)),
		    assert_status(200, client_call(c, "GET", "/openapi.json", GZIP, NULL)));
	/* A small one only for who takes nothing else. */
	a = assert_status(200, client_call(c, "GET", "/api/v1/policies/1", GZIP, NULL));
	assert_null(answer_header(a, "Content-Encoding"));
	a = client_call(c, "GET", "/api/v1/policies/1", "Accept-Encoding: gzip, identity;q=0\r\n", NULL);
	assert_string_equal("gzip", answer_header(assert_status(200, a), "Content-Encoding"));
	a = assert_status(404, client_call(c, "GET", "/api/v1/policies/999", GZIP, NULL));
	assert_null(answer_header(a, "Content-Encoding"));
	client_close(c);
}

static const struct answer *with(struct client *c, const char *method, const char *path, const char *name,
				 const char *tag, const char *more, const char *body)
{
	char headers[400];

	snprintf(headers, sizeof(headers), "%s: %s\r\n%s", name, tag, more);
	return client_call(c, method, path, headers, body);
}

/* Both forms are of one state: a client may have either. */
static void each_form_has_its_tag_and_both_are_good(void **state)
{
	struct client *c = client_of(*state, &t);
	char plain[100], zipped[100], both[210];
	const struct answer *a;

	a = client_call(c, "GET", LIST, NULL, NULL);
	snprintf(plain, sizeof(plain), "%s", answer_header(a, "ETag"));
	a = client_call(c, "GET", LIST, GZIP, NULL);
	snprintf(zipped, sizeof(zipped), "%s", answer_header(a, "ETag"));
	assert_string_not_equal(plain, zipped);
	snprintf(both, sizeof(both), "%s, %s", plain, zipped);
	/* What is not sent again is named as the client has it. */
	a = assert_status(304, with(c, "GET", LIST, "If-None-Match", zipped, GZIP, NULL));
	assert_string_equal(zipped, answer_header(a, "ETag"));
	assert_non_null(strstr(answer_header(a, "Vary"), "Accept-Encoding"));
	assert_null(answer_header(a, "Content-Encoding"));
	assert_string_equal(plain, answer_header(
		assert_status(304, with(c, "GET", LIST, "If-None-Match", plain, "", NULL)), "ETag"));
	assert_string_equal(plain, answer_header(
		assert_status(304, with(c, "GET", LIST, "If-None-Match", plain, GZIP, NULL)), "ETag"));
	assert_string_equal(zipped, answer_header(
		assert_status(304, with(c, "GET", LIST, "If-None-Match", zipped, "", NULL)), "ETag"));
	assert_string_equal(zipped, answer_header(
		assert_status(304, with(c, "GET", LIST, "If-None-Match", both, GZIP, NULL)), "ETag"));
	assert_string_equal(plain, answer_header(
		assert_status(304, with(c, "GET", LIST, "If-None-Match", both, "", NULL)), "ETag"));
	assert_status(200, with(c, "GET", LIST, "If-Match", zipped, "", NULL));
	assert_status(200, with(c, "GET", LIST, "If-Match", plain, GZIP, NULL));
	assert_status(412, with(c, "GET", LIST, "If-Match", "\"x-gzip\"", GZIP, NULL));
	client_close(c);
}

static void a_compressed_tag_guards_a_change(void **state)
{
	static const char only[] = "Accept-Encoding: gzip, identity;q=0\r\n";
	struct client *c = client_of(*state, &t);
	const char *body = "{\"description\":\"seen\"}";
	char tag[100], late[100];

	snprintf(tag, sizeof(tag), "%s",
		 answer_header(client_call(c, "GET", "/api/v1/policies/2", only, NULL), "ETag"));
	assert_non_null(strstr(tag, "-gzip\""));
	assert_status(200, with(c, "PATCH", "/api/v1/policies/2", "If-Match", tag, "", body));
	assert_status(412, with(c, "PATCH", "/api/v1/policies/2", "If-Match", tag, "", body));
	snprintf(late, sizeof(late), "%s",
		 answer_header(client_call(c, "GET", "/api/v1/policies/2", only, NULL), "ETag"));
	assert_string_not_equal(tag, late);
	assert_status(412, with(c, "PATCH", "/api/v1/policies/2", "If-None-Match", late, "", body));
	client_close(c);
}

static void what_is_made_while_it_is_sent_is_compressed_too(void **state)
{
	struct client *c = client_of(*state, &t);
	size_t n;
	const struct answer *a = client_call(c, "GET", EXPORT, GZIP, NULL);
	char *text = unzip(assert_status(200, a), &n);

	assert_string_equal("application/x-ndjson", answer_header(a, "Content-Type"));
	assert_non_null(strstr(text, "createPolicy"));
	assert_int_equal('\n', text[n - 1]);
	assert_true(a->body_len < n / 2);
	free(text);
	a = client_call(c, "GET", EXPORT, NULL, NULL);
	assert_null(answer_header(a, "Content-Encoding"));
	client_close(c);
}

/* Its length would tell of it to whoever chooses what stands beside it. */
static void secrets_are_not_compressed(void **state)
{
	struct client *c = client_of(*state, &t);
	char path[120];
	const struct answer *a;

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/api-keys", t.id);
	a = client_call(c, "POST", path, "Accept-Encoding: gzip, identity;q=0\r\n",
			"{\"name\":\"k\",\"scopes\":[\"policies:read\"]}");
	assert_null(answer_header(assert_status(201, a), "Content-Encoding"));
	assert_non_null(answer_text(a, "key"));
	assert_null(strstr(answer_header(a, "Vary"), "Accept-Encoding"));
	client_close(c);
}

/* RFC 9457, for who asks for it by name. */
static void refusals_are_problems_for_who_takes_them(void **state)
{
	struct client *c = client_of(*state, &t);
	const struct answer *a = assert_error(404, "resource_not_found",
		client_call(c, "GET", "/api/v1/policies/999999", BOTH, NULL));

	assert_string_equal("application/problem+json", answer_header(a, "Content-Type"));
	assert_int(404, a, "status");
	assert_string_equal(answer_text(a, "message"), answer_text(a, "detail"));
	assert_true(strlen(answer_text(a, "title")) > 0);
	a = assert_error(422, "validation_error", client_call(c, "POST", "/api/v1/policies", BOTH, "{}"));
	assert_int(422, a, "status");
	assert_fault("name", "required", a);
	/* What is no refusal is what it was, and so is a refusal for everybody else. */
	a = assert_status(200, client_call(c, "GET", LIST, BOTH, NULL));
	assert_string_equal("application/json", answer_header(a, "Content-Type"));
	a = assert_error(404, "resource_not_found",
		client_call(c, "GET", "/api/v1/policies/999999", "Accept: */*\r\n", NULL));
	assert_string_equal("application/json", answer_header(a, "Content-Type"));
	assert_null(answer_at(a, "title"));
	client_close(c);
}

static void what_a_client_does_not_take_is_not_made(void **state)
{
	struct client *c = client_of(*state, &t);
	const int64_t before = answer_int(client_get(c, "/policies?limit=1"), "total");

	assert_error(406, "not_acceptable", client_call(c, "GET", LIST, "Accept: text/html\r\n", NULL));
	assert_error(406, "not_acceptable", client_call(c, "POST", "/api/v1/policies",
		"Accept: application/xml, application/json;q=0\r\n",
		"{\"name\":\"no\",\"rego_code\":\"package p\"}"));
	assert_int(before, client_get(c, "/policies?limit=1"), "total");
	assert_status(200, client_call(c, "GET", LIST, "Accept: text/html, application/*;q=0.2\r\n", NULL));
	assert_status(200, client_call(c, "GET", "/devdocs", "Accept: text/html\r\n", NULL));
	assert_error(406, "not_acceptable",
		     client_call(c, "GET", "/devdocs", "Accept: application/json\r\n", NULL));
	assert_status(200, client_call(c, "GET", EXPORT "?format=csv", "Accept: text/csv\r\n", NULL));
	assert_error(406, "not_acceptable",
		     client_call(c, "GET", EXPORT "?format=ndjson", "Accept: text/csv\r\n", NULL));
	/* The other media type is of refusals alone. */
	assert_error(406, "not_acceptable",
		     client_call(c, "GET", LIST, "Accept: application/problem+json\r\n", NULL));
	/* Who it is comes first. */
	client_key(c, NULL);
	assert_status(401, client_call(c, "GET", LIST, "Accept: text/html\r\n", NULL));
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_answers_are_compressed_for_who_wants_that),
		cmocka_unit_test(each_form_has_its_tag_and_both_are_good),
		cmocka_unit_test(a_compressed_tag_guards_a_change),
		cmocka_unit_test(what_is_made_while_it_is_sent_is_compressed_too),
		cmocka_unit_test(secrets_are_not_compressed),
		cmocka_unit_test(refusals_are_problems_for_who_takes_them),
		cmocka_unit_test(what_a_client_does_not_take_is_not_made),
	};

	return cmocka_run_group_tests_name("coding", tests, start, daemon_group_teardown);
}
