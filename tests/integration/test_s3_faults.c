/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of S3 servers that are wrong, strange or bad news; what no real server gives when it is asked to.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "objstore_story.h"
#include "web_peer.h"
#include "cc/base/str.h"
#include "cc/net/http_client.h"

#define UPLOAD "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
#define PART "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n"
#define DONE "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"

/* A server that answers as it is told: the first `bad` requests of a method with status and body. */
struct odd_server {
	const char *method;
	int status;
	const char *body;
	atomic_int bad;
	atomic_int aborted, puts, conditional;
	bool cut;              /* what is got breaks off in the middle, each time a little later */
	bool whole_again;      /* Range is not heeded */
	const char *completed; /* the answer to a completed upload */
};

struct stage {
	struct objstore_fixture fx;
	struct odd_server server;
	struct web_peer *peer;
	struct http_client *http;
};

static void reply_part(struct web_turn *t, struct odd_server *o)
{
	const char *range = web_header(t, "Range");
	const int64_t from = range != NULL && !o->whole_again ? strtoll(range + 6, NULL, 10) : 0;
	const int64_t size = 300000, most = o->cut ? from + 70000 : size;
	struct story_source all = { .size = size, .stop_at = -1 };
	char head[200], *bytes = malloc((size_t)size);
	const int64_t to = o->whole_again ? size : most < size ? most : size;

	(void)story_read(&all, bytes, (size_t)size);
	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %lld\r\n\r\n",
		from > 0 ? "206 Part" : "200 OK", (long long)(size - from));
	if (o->whole_again && range == NULL) {
		(void)(web_write(t, head, strlen(head)) && web_write(t, bytes, 100000));
		web_hang_up(t);
	} else {
		(void)(web_write(t, head, strlen(head)) && web_write(t, bytes + from, (size_t)(to - from)));
		web_hang_up(t);
	}
	free(bytes);
}

static void serve(struct web_turn *t, void *arg)
{
	struct odd_server *o = arg;
	const char *method = web_method(t), *target = web_target(t);

	if (str_eq(method, "PUT"))
		atomic_fetch_add(&o->puts, 1);
	if (str_eq(method, "PUT") && web_header(t, "If-None-Match") != NULL)
		atomic_fetch_add(&o->conditional, 1);
	if (str_eq(method, o->method) && atomic_fetch_sub(&o->bad, 1) > 0)
		web_reply(t, o->status, "application/xml", o->body);
	else if (str_eq(method, "DELETE") && strstr(target, "uploadId=u1") != NULL)
		(void)(atomic_fetch_add(&o->aborted, 1), web_reply(t, 204, NULL, ""), 0);
	else if (str_eq(method, "POST") && strstr(target, "uploads=") != NULL)
		web_reply(t, 200, "application/xml", UPLOAD);
	else if (str_eq(method, "POST"))
		web_reply(t, 200, "application/xml", o->completed);
	else if (str_eq(method, "GET"))
		reply_part(t, o);
	else if (str_eq(method, "PUT") && strstr(target, "partNumber=") != NULL)
		(void)web_write(t, PART, strlen(PART));
	else
		web_reply(t, str_eq(method, "HEAD") ? 404 : 200, NULL, "");
}

static int set_up(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	s->server = (struct odd_server){ .method = "none", .completed = DONE };
	s->peer = web_peer_start(serve, &s->server);
	s->http = http_client_create(&(struct http_client_conf){ 0 });
	s->fx.arena = arena_create(4096);
	s->fx.store = objstore_s3(s->http, &(struct s3_conf){ .endpoint = web_peer_url(s->peer),
						   .region = "r",
						   .bucket = "b",
						   .access_key = "a",
						   .secret_key = "s",
						   .path_style = true });
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *s = *state;

	objstore_destroy(s->fx.store);
	http_client_destroy(s->http);
	web_peer_stop(s->peer);
	arena_destroy(s->fx.arena);
	free(s);
	return 0;
}

static void answers(struct stage *s, const char *method, int times, int status, const char *body)
{
	s->server.method = method;
	s->server.status = status;
	s->server.body = body;
	atomic_store(&s->server.bad, times);
}

static enum obj_result put(struct stage *s, unsigned flags, int64_t n)
{
	const struct obj_key key = story_key("tenant-odd", "a/b");
	struct story_source in = { .size = n, .stop_at = -1 };

	return obj_put(s->fx.store, &key, flags, story_read, &in, story_deadline(), &s->fx.got);
}

static enum obj_result get(struct stage *s, struct story_sink *out)
{
	const struct obj_key key = story_key("tenant-odd", "a/b");

	*out = (struct story_sink){ .stop_at = -1 };
	return obj_get(s->fx.store, &key, NULL, 1 << 20, story_write, out, story_deadline(), &s->fx.got);
}

static void what_may_pass_is_tried_again(void **state)
{
	static const int statuses[] = { 500, 502, 503, 504, 429, 409 };
	struct stage *s = *state;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		answers(s, "PUT", 2, statuses[i], "<Error><Code>SlowDown</Code></Error>");
		atomic_store(&s->server.puts, 0);
		assert_int_equal(OBJ_OK, put(s, 0, 10));
		assert_int_equal(3, atomic_load(&s->server.puts));
	}
	answers(s, "PUT", 1, 400, "<Error><Code>RequestTimeout</Code></Error>");
	assert_int_equal(OBJ_OK, put(s, 0, 10));
}

static void what_will_not_pass_is_told_at_once(void **state)
{
	static const struct {
		int status;
		const char *code;
		enum obj_result want;
	} cases[] = { { 403, "AccessDenied", OBJ_DENIED }, { 403, "RequestTimeTooSkewed", OBJ_DENIED },
		{ 404, "NoSuchBucket", OBJ_DENIED }, { 400, "InvalidRequest", OBJ_BROKEN },
		{ 507, "Full", OBJ_FULL }, { 301, "PermanentRedirect", OBJ_BROKEN } };
	struct stage *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answers(s, "PUT", 9, cases[i].status,
			arena_printf(s->fx.arena, "<Error><Code>%s</Code></Error>", cases[i].code));
		atomic_store(&s->server.puts, 0);
		assert_int_equal(cases[i].want, put(s, 0, 10));
		assert_int_equal(1, atomic_load(&s->server.puts));
		assert_non_null(strstr(s->fx.got.error, cases[i].code));
	}
}

static void a_server_that_knows_no_conditions_is_remembered(void **state)
{
	struct stage *s = *state;

	answers(s, "PUT", 1, 501, "<Error><Code>NotImplemented</Code></Error>");
	assert_int_equal(OBJ_OK, put(s, OBJ_ONCE, 10));
	assert_int_equal(2, atomic_load(&s->server.puts));
	assert_int_equal(1, atomic_load(&s->server.conditional));
	assert_int_equal(OBJ_OK, put(s, OBJ_ONCE, 10));
	assert_int_equal(1, atomic_load(&s->server.conditional));
	answers(s, "PUT", 1, 412, "<Error><Code>PreconditionFailed</Code></Error>");
	assert_int_equal(OBJ_BROKEN, put(s, 0, 10));
}

static void a_condition_that_fails_says_that_one_is_there(void **state)
{
	struct stage *s = *state;

	answers(s, "PUT", 1, 412, "<Error><Code>PreconditionFailed</Code></Error>");
	assert_int_equal(OBJ_EXISTS, put(s, OBJ_ONCE, 10));
}

static void success_that_says_error_is_none(void **state)
{
	static const char *const bad[] = { "<Error><Code>InternalError</Code></Error>", "", "no XML",
		"<CompleteMultipartUploadResult>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>" };
	struct stage *s = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s->server.completed = bad[i];
		assert_int_equal(OBJ_BROKEN, put(s, 0, OBJ_PART + 1));
		if (strcmp("the parts do not become an object", s->fx.got.error) != 0)
			fail_msg("%zu: %s", i, s->fx.got.error);
		assert_int_equal(i + 1, atomic_load(&s->server.aborted));
	}
	s->server.completed = DONE;
	assert_int_equal(OBJ_OK, put(s, 0, OBJ_PART + 1));
}

static void an_upload_without_an_id_is_none(void **state)
{
	struct stage *s = *state;

	answers(s, "POST", 1, 200, "<InitiateMultipartUploadResult/>");
	assert_int_equal(OBJ_BROKEN, put(s, 0, OBJ_PART + 1));
	assert_int_equal(0, atomic_load(&s->server.aborted));
}

static void what_breaks_off_goes_on_where_it_was(void **state)
{
	struct stage *s = *state;
	struct story_sink out;

	s->server.cut = true;
	assert_int_equal(OBJ_OK, get(s, &out));
	assert_int_equal(300000, out.at);
	assert_false(out.differs);
}

static void a_server_without_ranges_is_listened_to_again(void **state)
{
	struct stage *s = *state;
	struct story_sink out;

	s->server.whole_again = true;
	assert_int_equal(OBJ_OK, get(s, &out));
	assert_int_equal(300000, out.at);
	assert_false(out.differs);
}

static bool nobody(void *arg, const struct obj_key *key, int64_t size)
{
	(void)arg;
	(void)key;
	(void)size;
	return true;
}

static void a_list_that_is_none_is_told(void **state)
{
	static const char *const bad[] = { "", "no XML", "<a><b></a>",
		"<L><Contents><Key>tenants/tenant-odd/a</Key><Size>many</Size></Contents></L>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
		"<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>" };
	struct stage *s = *state;
	struct obj_key prefix;

	assert_true(obj_prefix_make(&prefix, "tenant-odd"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answers(s, "GET", 1, 200, bad[i]);
		assert_int_equal(OBJ_BROKEN,
			obj_list(s->fx.store, &prefix, nobody, NULL, story_deadline(), &s->fx.got));
	}
}

static bool count(void *arg, const struct obj_key *key, int64_t size)
{
	(void)key;
	(void)size;
	++*(int *)arg;
	return true;
}

/* A gateway that drops ?prefix= shows everybody's: none of it is handed to who removes what he is shown. */
static void a_list_of_something_else_is_none(void **state)
{
	struct stage *s = *state;
	struct obj_key prefix;
	int n = 0;

	assert_true(obj_prefix_make(&prefix, "tenant-odd"));
	answers(s, "GET", 1, 200,
		"<L><Contents><Key>tenants/tenant-other/a/b</Key><Size>1</Size></Contents></L>");
	assert_int_equal(
		OBJ_BROKEN, obj_list(s->fx.store, &prefix, count, &n, story_deadline(), &s->fx.got));
	assert_int_equal(0, n);
	answers(s, "GET", 1, 200, "<L><IsTruncated>true</IsTruncated></L>");
	assert_int_equal(
		OBJ_BROKEN, obj_list(s->fx.store, &prefix, count, &n, story_deadline(), &s->fx.got));
}

/* Nothing is known of it by what was said of the one before it in the list. */
static void an_upload_of_unknown_age_is_left_alone(void **state)
{
	struct stage *s = *state;
	struct obj_key prefix;
	int64_t n = 0;

	assert_true(obj_prefix_make(&prefix, "tenant-odd"));
	answers(s, "GET", 1, 200,
		"<L><Upload><Key>tenants/tenant-odd/a</Key><UploadId>u1</UploadId>"
		"<Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>"
		"<Upload><Key>tenants/tenant-odd/b</Key><UploadId>u2</UploadId></Upload></L>");
	assert_int_equal(
		OBJ_OK, obj_sweep(s->fx.store, &prefix, 60, true, story_deadline(), &n, &s->fx.got));
	assert_int_equal(1, n);
	assert_int_equal(1, atomic_load(&s->server.aborted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_list_of_something_else_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_may_pass_is_tried_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_will_not_pass_is_told_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_server_that_knows_no_conditions_is_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_condition_that_fails_says_that_one_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(success_that_says_error_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_upload_without_an_id_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_breaks_off_goes_on_where_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_server_without_ranges_is_listened_to_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_that_is_none_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_upload_of_unknown_age_is_left_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
