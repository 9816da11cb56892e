/* SPDX-License-Identifier: Apache-2.0 */
#include "http_floor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOOD "Authorization: Bearer good\r\n"

static struct floor the_floor;
static struct wire_answer a;

static int setup(void **state)
{
	floor_start(&the_floor);
	*state = &the_floor;
	return 0;
}

static int teardown(void **state)
{
	floor_stop(*state);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	floor_forget();
	return 0;
}

static void assert_header(const char *name, const char *value)
{
	char got[256];

	if (!wire_header(&a, name, got, sizeof(got)))
		fail_msg("no %s in\n%s", name, a.head);
	assert_string_equal(value, got);
}

static void assert_no_header(const char *name)
{
	char got[256];

	if (wire_header(&a, name, got, sizeof(got)))
		fail_msg("%s: %s", name, got);
}

static void a_list_comes_in_its_envelope(void **state)
{
	floor_ask(*state, "GET", "/t/things?skip=20&limit=10", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
	assert_string_equal("{\"things\":[{\"id\":1,\"name\":\"one\",\"note\":null},"
			    "{\"id\":2,\"name\":\"two\",\"note\":null}],"
			    "\"total\":42,\"page\":3,\"page_size\":10,\"next_cursor\":null}", a.body);
	assert_header("Content-Type", "application/json");
	assert_header("Cache-Control", "private, no-cache");
	assert_header("X-Content-Type-Options", "nosniff");
	assert_header("X-RateLimit-Limit", "1000");
	assert_header("Server", "controlcored");
	assert_no_header("X-Total-Count");
}

static void a_bare_list_counts_in_a_header(void **state)
{
	floor_ask(*state, "GET", "/t/things/plain", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
	assert_int_equal('[', a.body[0]);
	assert_header("X-Total-Count", "42");
}

static void a_created_object_names_its_place_once_though_its_unit_ran_twice(void **state)
{
	floor_ask(*state, "POST", "/t/things", GOOD, "{\"name\":\"x\"}", &a);
	assert_int_equal(201, a.status);
	assert_string_equal("{\"id\":7,\"name\":\"x\",\"note\":null}", a.body);
	assert_header("Location", "/api/v1/things/7");
	assert_header("X-Handler", "create");
	assert_null(strstr(strstr(a.head, "X-Handler") + 1, "X-Handler"));
	assert_int_equal(2, atomic_load(&floor_seen.handled));
	assert_int_equal(1, atomic_load(&floor_seen.writes));
	assert_int_equal(1, atomic_load(&floor_seen.gated));
	assert_int_equal(1, atomic_load(&floor_seen.done));
}

static void what_a_first_run_changed_is_not_said_by_the_second(void **state)
{
	floor_ask(*state, "PUT", "/t/things/3", GOOD, "{\"name\":\"x\"}", &a);
	assert_int_equal(200, a.status);
	assert_int_equal(2, atomic_load(&floor_seen.handled));
	assert_int_equal(0, atomic_load(&floor_seen.changed));
}

static void a_read_asks_for_a_unit_that_only_reads(void **state)
{
	floor_ask(*state, "GET", "/t/things/3", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
	assert_int_equal(1, atomic_load(&floor_seen.reads));
	assert_int_equal(0, atomic_load(&floor_seen.writes));
}

static void a_success_without_content_has_no_body(void **state)
{
	floor_ask(*state, "DELETE", "/t/things/3", GOOD, NULL, &a);
	assert_int_equal(204, a.status);
	assert_int_equal(0, a.body_len);
	assert_no_header("Content-Type");
}

static void an_unknown_path_is_404_before_any_credential(void **state)
{
	static const char *const paths[] = {
		"/", "/t", "/t/thing", "/t/things/3/4", "/t/things/", "/t//things", "/t/./things",
		"/t/x/../things", "/t/%2e%2e/things", "/T/things", "/t/things%2f3", "/t/things/3/",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		floor_ask(*state, "GET", paths[i], "", NULL, &a);
		assert_refused(404, "not_found", &a);
	}
	assert_int_equal(0, atomic_load(&floor_seen.gated));
}

static void a_wrong_method_is_405_with_allow_before_any_credential(void **state)
{
	static const char *const methods[] = { "POST", "TRACE", "CONNECT", "FOO", "get" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		floor_ask(*state, methods[i], "/t/things/3", "", NULL, &a);
		assert_refused(405, "method_not_allowed", &a);
		assert_header("Allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
	}
	assert_int_equal(0, atomic_load(&floor_seen.gated));
}

static void options_names_the_methods(void **state)
{
	floor_ask(*state, "OPTIONS", "/t/things", "", NULL, &a);
	assert_int_equal(204, a.status);
	assert_header("Allow", "GET, HEAD, POST, OPTIONS");
	floor_ask(*state, "OPTIONS", "*", "", NULL, &a);
	assert_int_equal(204, a.status);
	floor_ask(*state, "OPTIONS", "/t/nothing", "", NULL, &a);
	assert_int_equal(404, a.status);
}

static void head_is_get_without_its_body(void **state)
{
	char length[32];
	struct wire *w = wire_open(*state);

	floor_ask(*state, "GET", "/t/things/3", GOOD, NULL, &a);
	assert_true(wire_header(&a, "Content-Length", length, sizeof(length)));
	for (int i = 0; i < 2; i++) {   /* twice: a body after the first would spoil the second */
		assert_true(wire_send(w, "HEAD /t/things/3 HTTP/1.1\r\nHost: t\r\n" GOOD "\r\n"));
		wire_read(w, &a, true);
		assert_int_equal(200, a.status);
		assert_header("Content-Length", length);
		assert_header("Content-Type", "application/json");
	}
	wire_close(w);
}

static void a_missing_credential_is_401_whatever_else_is_wrong(void **state)
{
	floor_ask(*state, "GET", "/t/things?limit=x", "", NULL, &a);
	assert_refused(401, "unauthorized", &a);
	assert_header("WWW-Authenticate", "Bearer");
	floor_ask(*state, "POST", "/t/things", "", "not json", &a);
	assert_refused(401, "unauthorized", &a);
	assert_int_equal(0, atomic_load(&floor_seen.handled));
}

static void a_refusal_keeps_the_connection_and_a_small_body_passes(void **state)
{
	struct wire *w = wire_open(*state);

	for (int i = 0; i < 3; i++) {
		assert_true(wire_send(w, "POST /t/things HTTP/1.1\r\nHost: t\r\n"
					 "Content-Length: 4\r\n\r\nabcd"));
		wire_read(w, &a, false);
		assert_refused(401, "unauthorized", &a);
		assert_no_header("Connection");
	}
	wire_close(w);
}

static void errors_with_a_credential_are_not_stored(void **state)
{
	floor_ask(*state, "GET", "/t/things/none", "Authorization: Bearer bad\r\n", NULL, &a);
	assert_int_equal(401, a.status);
	assert_header("Cache-Control", "no-store");
	floor_ask(*state, "GET", "/t/names/x", GOOD, NULL, &a);
	assert_header("Cache-Control", "no-store");
	floor_ask(*state, "GET", "/t/none", "", NULL, &a);
	assert_header("Cache-Control", "no-cache");
}

static void a_rate_limit_answers_as_the_spec_shows(void **state)
{
	floor_ask(*state, "GET", "/t/things", "Authorization: Bearer limited\r\n", NULL, &a);
	assert_int_equal(429, a.status);
	assert_header("Retry-After", "60");
	assert_header("X-RateLimit-Limit", "1000");
	assert_non_null(strstr(a.body, "{\"error\":\"rate_limit_exceeded\","
				       "\"message\":\"Rate limit exceeded for tenant tenant-acme-123\","
				       "\"retry_after\":60,\"limit\":1000,\"remaining\":0"));
}

static void a_cold_credential_is_loaded_by_a_worker_once(void **state)
{
	floor_ask(*state, "POST", "/t/things", "Authorization: Bearer cold\r\n", "{\"name\":\"x\"}", &a);
	assert_int_equal(201, a.status);
	assert_int_equal(1, atomic_load(&floor_seen.gated));
	assert_int_equal(1, atomic_load(&floor_seen.loaded));
	floor_ask(*state, "POST", "/t/things", "Authorization: Bearer nobody\r\n", "{}", &a);
	assert_refused(401, "unauthorized", &a);
	assert_int_equal(2, atomic_load(&floor_seen.done));
}

static void an_internal_error_keeps_its_cause_to_itself(void **state)
{
	floor_ask(*state, "GET", "/t/broken", "", NULL, &a);
	assert_refused(500, "internal_error", &a);
	assert_null(strstr(a.body, "node seven"));
	assert_null(strstr(a.body, "word for the log"));
}

static void an_inline_route_is_answered_by_the_io_thread(void **state)
{
	floor_ask(*state, "GET", "/t/hello", "", NULL, &a);
	assert_int_equal(200, a.status);
	assert_string_equal("{\"ok\":true}", a.body);
}

static void path_parameters_are_decoded_after_the_split(void **state)
{
	floor_ask(*state, "GET", "/t/names/a%2Fb%20%C3%A9", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
	assert_string_equal("a/b \xc3\xa9", a.body);
	assert_header("Content-Type", "text/plain; charset=utf-8");
	floor_ask(*state, "GET", "/t/n%61mes/x", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(*state, "GET", "/t/names/%ff", GOOD, NULL, &a);
	assert_refused(404, "not_found", &a);
	floor_ask(*state, "GET", "/t/names/%0a", GOOD, NULL, &a);
	assert_refused(404, "not_found", &a);
}

static void ids_that_are_none_are_not_found(void **state)
{
	static const char *const ids[] = { "abc", "-1", "0", "1.5", "99999999999999999999", "1%20" };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/t/things/%s", ids[i]);
		floor_ask(*state, "GET", path, GOOD, NULL, &a);
		assert_refused(404, "resource_not_found", &a);
		assert_non_null(strstr(a.body, "\"tenant_id\":\"tenant-acme-123\""));
	}
}

static void the_request_id_is_echoed_or_made(void **state)
{
	char id[128];

	floor_ask(*state, "GET", "/t/hello", "X-Request-ID: Abc.1_2-3\r\n", NULL, &a);
	assert_header("X-Request-ID", "Abc.1_2-3");
	floor_ask(*state, "GET", "/t/none", "X-Request-ID: Abc.1_2-3\r\n", NULL, &a);
	assert_header("X-Request-ID", "Abc.1_2-3");
	assert_non_null(strstr(a.body, "\"request_id\":\"Abc.1_2-3\""));
	floor_ask(*state, "GET", "/t/hello", "X-Request-ID: a b\r\n", NULL, &a);
	assert_true(wire_header(&a, "X-Request-ID", id, sizeof(id)));
	assert_memory_equal("req-", id, 4);
	assert_int_equal(20, strlen(id));
}

static void every_fault_of_a_query_or_body_is_named(void **state)
{
	floor_ask(*state, "GET", "/t/things?limit=x&colour=red", GOOD, NULL, &a);
	assert_refused(422, "validation_error", &a);
	assert_non_null(strstr(a.body, "\"field\":\"limit\""));
	assert_non_null(strstr(a.body, "\"field\":\"colour\""));
	floor_ask(*state, "GET", "/t/things/3?colour=red", GOOD, NULL, &a);
	assert_refused(422, "validation_error", &a);
	floor_ask(*state, "POST", "/t/things", GOOD, "{\"colour\":1}", &a);
	assert_refused(422, "validation_error", &a);
	assert_non_null(strstr(a.body, "\"field\":\"name\",\"error\":\"required\""));
	assert_int_equal(0, atomic_load(&floor_seen.handled));
}

static void the_context_parameter_belongs_to_the_gate(void **state)
{
	floor_ask(*state, "GET", "/t/things/3?tenant_id=tenant-acme-123", GOOD, NULL, &a);
	assert_int_equal(200, a.status);
}

static void a_body_that_is_not_json_is_400(void **state)
{
	floor_ask(*state, "POST", "/t/things", GOOD, "{\"name\":", &a);
	assert_refused(400, "invalid_request", &a);
	floor_ask(*state, "POST", "/t/things", GOOD, "[]", &a);
	assert_refused(400, "invalid_request", &a);
}

static void an_empty_body_does_where_nothing_is_required(void **state)
{
	floor_ask(*state, "POST", "/t/hints", "", NULL, &a);
	assert_int_equal(200, a.status);
	floor_ask(*state, "POST", "/t/things", GOOD, NULL, &a);
	assert_refused(400, "invalid_request", &a);
}

static void a_patch_need_not_send_what_a_put_must(void **state)
{
	floor_ask(*state, "PATCH", "/t/things/3", GOOD, "{\"note\":\"n\"}", &a);
	assert_int_equal(200, a.status);
	floor_ask(*state, "PUT", "/t/things/3", GOOD, "{\"note\":\"n\"}", &a);
	assert_refused(422, "validation_error", &a);
}

static void what_never_changes_is_made_once(void **state)
{
	char tag[80], line[128], again[80];

	for (int i = 0; i < 3; i++) {
		floor_ask(*state, "GET", "/t/fixed", "", NULL, &a);
		assert_int_equal(200, a.status);
		assert_string_equal("{\"made\":1}", a.body);
		assert_true(wire_header(&a, "ETag", again, sizeof(again)));
		if (i > 0)
			assert_string_equal(tag, again);
		(void)snprintf(tag, sizeof(tag), "%s", again);
	}
	assert_int_equal('"', tag[0]);
	(void)snprintf(line, sizeof(line), "If-None-Match: %s\r\n", tag);
	floor_ask(*state, "GET", "/t/fixed", line, NULL, &a);
	assert_int_equal(304, a.status);
	assert_int_equal(0, a.body_len);
}

static void encoded_bodies_are_415(void **state)
{
	static const char *const codings[] = { "gzip", "deflate, gzip", "br", "identity, gzip", "" };

	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "Content-Encoding: %s\r\n", codings[i]);
		floor_ask(*state, "POST", "/t/hints", line, "{}", &a);
		assert_refused(415, "unsupported_media_type", &a);
		assert_non_null(strstr(a.body, "Content-Encoding"));
	}
	floor_ask(*state, "POST", "/t/hints", "Content-Encoding: Identity\r\n", "{}", &a);
	assert_int_equal(200, a.status);
}

static void other_media_types_are_415(void **state)
{
	static const char *const types[] = {
		"text/plain", "application/json; charset=latin1", "application/jsonx",
		"application/json; charset", "application/x-www-form-urlencoded",
	};
	char text[512];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		(void)snprintf(text, sizeof(text), "POST /t/hints HTTP/1.1\r\nHost: t\r\nContent-Type: %s\r\n"
			       "Content-Length: 2\r\n\r\n{}", types[i]);
		floor_raw(*state, text, strlen(text), &a);
		assert_refused(415, "unsupported_media_type", &a);
	}
	(void)snprintf(text, sizeof(text), "POST /t/hints HTTP/1.1\r\nHost: t\r\n"
		       "Content-Type: Application/JSON ; x=y; charset=\"UTF-8\"\r\n"
		       "Content-Length: 2\r\n\r\n{}");
	floor_raw(*state, text, strlen(text), &a);
	assert_int_equal(200, a.status);
}

static void a_chunked_body_is_read_with_its_extensions(void **state)
{
	static const char text[] = "POST /t/things HTTP/1.1\r\nHost: t\r\n" GOOD
				   "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
				   "8;name=\"v\"\r\n{\"name\":\r\n4\r\n\"x\"}\r\n0\r\nX-Trailer: 1\r\n\r\n";

	floor_raw(*state, text, sizeof(text) - 1, &a);
	assert_int_equal(201, a.status);
}

static void a_body_that_a_get_does_not_want_is_ignored(void **state)
{
	struct wire *w = wire_open(*state);

	for (int i = 0; i < 2; i++) {
		assert_true(wire_send(w, "GET /t/hello HTTP/1.1\r\nHost: t\r\n"
					 "Content-Length: 5\r\n\r\nabcde"));
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
	}
	wire_close(w);
}

static void requests_follow_each_other_on_one_connection_or_packet(void **state)
{
	static const char get[] = "GET /t/things/3 HTTP/1.1\r\nHost: t\r\n" GOOD "\r\n";
	char three[3 * sizeof(get) + 1];
	struct wire *w = wire_open(*state);

	for (int i = 0; i < 5; i++) {
		assert_true(wire_send(w, get));
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
		assert_no_header("Connection");
	}
	(void)snprintf(three, sizeof(three), "%s%s%s", get, get, get);
	assert_true(wire_send(w, three));
	for (int i = 0; i < 3; i++) {
		wire_read(w, &a, false);
		assert_int_equal(200, a.status);
	}
	wire_close(w);
}

static void http_1_0_is_answered_and_closed(void **state)
{
	struct wire *w = wire_open(*state);

	assert_true(wire_send(w, "GET /t/hello HTTP/1.0\r\nHost: t\r\n\r\n"));
	wire_read(w, &a, false);
	assert_int_equal(200, a.status);
	assert_true(wire_ended(w, 10000));
	wire_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_list_comes_in_its_envelope, forget),
		cmocka_unit_test_setup(a_bare_list_counts_in_a_header, forget),
		cmocka_unit_test_setup(a_created_object_names_its_place_once_though_its_unit_ran_twice,
				       forget),
		cmocka_unit_test_setup(what_a_first_run_changed_is_not_said_by_the_second, forget),
		cmocka_unit_test_setup(a_read_asks_for_a_unit_that_only_reads, forget),
		cmocka_unit_test_setup(a_success_without_content_has_no_body, forget),
		cmocka_unit_test_setup(an_unknown_path_is_404_before_any_credential, forget),
		cmocka_unit_test_setup(a_wrong_method_is_405_with_allow_before_any_credential, forget),
		cmocka_unit_test_setup(options_names_the_methods, forget),
		cmocka_unit_test_setup(head_is_get_without_its_body, forget),
		cmocka_unit_test_setup(a_missing_credential_is_401_whatever_else_is_wrong, forget),
		cmocka_unit_test_setup(a_refusal_keeps_the_connection_and_a_small_body_passes, forget),
		cmocka_unit_test_setup(errors_with_a_credential_are_not_stored, forget),
		cmocka_unit_test_setup(a_rate_limit_answers_as_the_spec_shows, forget),
		cmocka_unit_test_setup(a_cold_credential_is_loaded_by_a_worker_once, forget),
		cmocka_unit_test_setup(an_internal_error_keeps_its_cause_to_itself, forget),
		cmocka_unit_test_setup(an_inline_route_is_answered_by_the_io_thread, forget),
		cmocka_unit_test_setup(path_parameters_are_decoded_after_the_split, forget),
		cmocka_unit_test_setup(ids_that_are_none_are_not_found, forget),
		cmocka_unit_test_setup(the_request_id_is_echoed_or_made, forget),
		cmocka_unit_test_setup(every_fault_of_a_query_or_body_is_named, forget),
		cmocka_unit_test_setup(the_context_parameter_belongs_to_the_gate, forget),
		cmocka_unit_test_setup(a_body_that_is_not_json_is_400, forget),
		cmocka_unit_test_setup(an_empty_body_does_where_nothing_is_required, forget),
		cmocka_unit_test_setup(a_patch_need_not_send_what_a_put_must, forget),
		cmocka_unit_test_setup(what_never_changes_is_made_once, forget),
		cmocka_unit_test_setup(encoded_bodies_are_415, forget),
		cmocka_unit_test_setup(other_media_types_are_415, forget),
		cmocka_unit_test_setup(a_chunked_body_is_read_with_its_extensions, forget),
		cmocka_unit_test_setup(a_body_that_a_get_does_not_want_is_ignored, forget),
		cmocka_unit_test_setup(requests_follow_each_other_on_one_connection_or_packet, forget),
		cmocka_unit_test_setup(http_1_0_is_answered_and_closed, forget),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
