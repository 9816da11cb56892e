/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/ctx.h"
#include "cc/model/check.h"
#include "cc/model/resource.h"
#include "cc/schema/read.h"

static int setup(void **state)
{
	*state = arena_create(65536);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static bool has_fault(const struct ctx *cx, const char *field, const char *error)
{
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		if (str_eq(f->field, field) && str_eq(f->error, error))
			return true;
	return false;
}

static enum err read_resource(struct ctx *cx, const char *json, enum read_mode mode, struct resource *ret)
{
	ctx_clear_problem(cx);
	return schema_read_json(cx, &resource_schema, json, strlen(json), mode, ret);
}

static void the_table_is_sound(void **state)
{
	assert_null(schema_self_check(*state, &resource_schema));
}

static void name_and_type_are_required(void **state)
{
	struct ctx cx = { .arena = *state };
	struct resource r;

	assert_int_equal(ERR_VALIDATION, read_resource(&cx, "{}", READ_CREATE, &r));
	assert_true(has_fault(&cx, "name", "required"));
	assert_true(has_fault(&cx, "type", "required"));
	assert_int_equal(2, cx.problem.nfaults);
}

static void the_rest_has_defaults(void **state)
{
	struct ctx cx = { .arena = *state };
	struct resource r;

	assert_int_equal(ERR_NONE, read_resource(&cx, "{\"name\":\"r\",\"type\":\"api\"}", READ_CREATE, &r));
	assert_string_equal("sandbox", r.environment);
	assert_string_equal("deny-all", r.default_security_posture);
	assert_int_equal(0, r.methods.n);
	assert_null(r.attributes);
	assert_false(r.auto_discovered);
}

static void methods_are_known_ones_or_any(void **state)
{
	struct ctx cx = { .arena = *state };
	struct resource r;

	assert_int_equal(ERR_NONE, read_resource(&cx, "{\"methods\":[\"GET\",\"*\"]}", READ_MERGE, &r));
	assert_int_equal(2, r.methods.n);
	assert_int_equal(
		ERR_VALIDATION, read_resource(&cx, "{\"methods\":[\"GET\",\"get\"]}", READ_MERGE, &r));
	assert_true(has_fault(&cx, "methods[1]", "enum"));
}

static void attributes_are_an_object_of_64_kib_at_most(void **state)
{
	struct ctx cx = { .arena = *state };
	char *long_text = arena_alloc(cx.arena, 65536);
	struct resource r;

	assert_int_equal(
		ERR_NONE, read_resource(&cx, "{\"attributes\":{\"compliance\":[\"SOX\"]}}", READ_MERGE, &r));
	assert_string_equal("{\"compliance\":[\"SOX\"]}", r.attributes);
	assert_int_equal(ERR_VALIDATION, read_resource(&cx, "{\"attributes\":[1]}", READ_MERGE, &r));
	assert_true(has_fault(&cx, "attributes", "type"));
	memset(long_text, 'x', 65535);
	assert_int_equal(ERR_VALIDATION,
		read_resource(&cx, arena_printf(cx.arena, "{\"attributes\":{\"a\":\"%s\"}}", long_text),
			READ_MERGE, &r));
	assert_true(has_fault(&cx, "attributes", "length"));
}

static void what_the_server_knows_cannot_be_set(void **state)
{
	struct ctx cx = { .arena = *state };
	struct resource r;

	assert_int_equal(ERR_VALIDATION, read_resource(&cx,
						 "{\"name\":\"r\",\"type\":\"api\",\"auto_discovered\":true,"
						 "\"policies\":[1],\"deleted_at\":null}",
						 READ_CREATE, &r));
	assert_true(has_fault(&cx, "auto_discovered", "read_only"));
	assert_true(has_fault(&cx, "policies", "read_only"));
	assert_true(has_fault(&cx, "deleted_at", "unknown"));
}

static void the_list_of_policies_may_be_sent_back_stale(void **state)
{
	struct ctx cx = { .arena = *state };
	struct resource *r = schema_new(cx.arena, &resource_schema), sent;
	struct strv changed;

	r->policies = "[1, 2]";
	assert_int_equal(ERR_NONE, read_resource(&cx, "{\"policies\":[1]}", READ_MERGE, &sent));
	assert_int_equal(ERR_NONE, schema_overlay(&cx, &resource_schema, r, &sent, READ_MERGE, &changed));
	assert_int_equal(0, changed.n);
	assert_string_equal("[1, 2]", r->policies);
}

static void urls_have_a_scheme_and_a_host(void **state)
{
	(void)state;
	assert_null(check_http_url("http://a"));
	assert_null(check_http_url("https://api.acme.com:8443/v1?x=1#y"));
	assert_null(check_http_url("https://[2001:db8::1]:443/"));
	assert_non_null(check_http_url("ftp://a"));
	assert_non_null(check_http_url("//a"));
	assert_non_null(check_http_url("https:///path"));
	assert_non_null(check_http_url("https://user@host/"));
	assert_non_null(check_http_url("https://a/b c"));
	assert_non_null(check_http_url("https://a/\x7f"));
	assert_non_null(check_http_url("javascript:alert(1)"));
}

static void hosts_may_have_a_port(void **state)
{
	(void)state;
	assert_null(check_host_maybe_port("api.internal"));
	assert_null(check_host_maybe_port("api.internal:65535"));
	assert_null(check_host_maybe_port("::1"));
	assert_null(check_host_maybe_port("[::1]"));
	assert_null(check_host_maybe_port("[::1]:80"));
	assert_non_null(check_host_maybe_port("[::1]80"));
	assert_non_null(check_host_maybe_port("[::1]:"));
	assert_non_null(check_host_maybe_port("[a]:80"));
	assert_non_null(check_host_maybe_port("[::1"));
	assert_non_null(check_host_maybe_port("a:0"));
	assert_non_null(check_host_maybe_port("a:65536"));
	assert_non_null(check_host_maybe_port("a:-1"));
	assert_non_null(check_host_maybe_port("a:+1"));
	assert_non_null(check_host_maybe_port("a:"));
	assert_non_null(check_host_maybe_port(":80"));
	assert_non_null(check_host_maybe_port(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_table_is_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(name_and_type_are_required, setup, teardown),
		cmocka_unit_test_setup_teardown(the_rest_has_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(methods_are_known_ones_or_any, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_are_an_object_of_64_kib_at_most, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_server_knows_cannot_be_set, setup, teardown),
		cmocka_unit_test_setup_teardown(the_list_of_policies_may_be_sent_back_stale, setup, teardown),
		cmocka_unit_test(urls_have_a_scheme_and_a_host),
		cmocka_unit_test(hosts_may_have_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
