/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/ctx.h"
#include "cc/model/bouncer.h"
#include "cc/model/check.h"
#include "cc/schema/read.h"
#include "cc/schema/write.h"

#define LEAST "{\"name\":\"b\",\"hostname\":\"b.acme.com\",\"environment\":\"production\"}"

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

static enum err read_bouncer(struct ctx *cx, const char *json, enum read_mode mode, struct bouncer *ret)
{
	ctx_clear_problem(cx);
	return schema_read_json(cx, &bouncer_schema, json, strlen(json), mode, ret);
}

static void the_table_is_sound(void **state)
{
	assert_null(schema_self_check(*state, &bouncer_schema));
}

static void name_host_and_environment_are_required(void **state)
{
	struct ctx cx = { .arena = *state };
	struct bouncer b;

	assert_int_equal(ERR_VALIDATION, read_bouncer(&cx, "{}", READ_CREATE, &b));
	assert_true(has_fault(&cx, "name", "required"));
	assert_true(has_fault(&cx, "hostname", "required"));
	assert_true(has_fault(&cx, "environment", "required"));
	assert_int_equal(3, cx.problem.nfaults);
}

static void the_rest_has_defaults(void **state)
{
	struct ctx cx = { .arena = *state };
	struct bouncer b;

	assert_int_equal(ERR_NONE, read_bouncer(&cx, LEAST, READ_CREATE, &b));
	assert_string_equal("reverse-proxy", b.bouncer_type);
	assert_true(b.port == INT_NULL);
	assert_null(b.version);
}

static void a_fixed_field_is_not_required_to_replace(void **state)
{
	struct ctx cx = { .arena = *state };
	struct bouncer b;

	assert_int_equal(
		ERR_NONE, read_bouncer(&cx, "{\"name\":\"b\",\"hostname\":\"h\"}", READ_REPLACE, &b));
}

static void ports_are_1_to_65535(void **state)
{
	struct ctx cx = { .arena = *state };
	struct bouncer b;

	assert_int_equal(ERR_NONE, read_bouncer(&cx, "{\"port\":1}", READ_MERGE, &b));
	assert_int_equal(ERR_NONE, read_bouncer(&cx, "{\"port\":65535}", READ_MERGE, &b));
	assert_int_equal(ERR_VALIDATION, read_bouncer(&cx, "{\"port\":0}", READ_MERGE, &b));
	assert_int_equal(ERR_VALIDATION, read_bouncer(&cx, "{\"port\":65536}", READ_MERGE, &b));
	assert_true(has_fault(&cx, "port", "range"));
	assert_int_equal(ERR_VALIDATION, read_bouncer(&cx, "{\"port\":80.0}", READ_MERGE, &b));
	assert_true(has_fault(&cx, "port", "type"));
}

static void host_names_and_addresses_are_hosts(void **state)
{
	char label[64 + 1], name[254 + 1];

	(void)state;
	assert_null(check_host("localhost"));
	assert_null(check_host("a-b.example.com"));
	assert_null(check_host("1password.com"));
	assert_null(check_host("10.0.0.1"));
	assert_null(check_host("2001:db8::1"));
	assert_null(check_host("xn--bcher-kva.example"));
	assert_non_null(check_host(""));
	assert_non_null(check_host("10.0.0.256"));
	assert_non_null(check_host("1.2.3"));
	assert_non_null(check_host("a..b"));
	assert_non_null(check_host(".a"));
	assert_non_null(check_host("a."));
	assert_non_null(check_host("-a.com"));
	assert_non_null(check_host("a-.com"));
	assert_non_null(check_host("a_b.com"));
	assert_non_null(check_host("a b"));
	assert_non_null(check_host("http://a"));
	assert_non_null(check_host("a:80"));
	assert_non_null(check_host("b\xC3\xBC"
				   "cher.example"));
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_non_null(check_host(label));
	label[63] = '\0';
	assert_null(check_host(label));
	for (size_t i = 0; i < 254; i++)
		name[i] = i % 2 == 1 ? '.' : 'a';
	name[254] = '\0';
	assert_non_null(check_host(name));
	name[253] = '\0';
	assert_null(check_host(name));
}

static void the_target_app_names_its_port(void **state)
{
	(void)state;
	assert_null(check_host_port("app:8080"));
	assert_null(check_host_port("[::1]:8080"));
	assert_non_null(check_host_port("app"));
	assert_non_null(check_host_port("::1"));
	assert_non_null(check_host_port("[::1]"));
	assert_non_null(check_host_port("app:http"));
}

static void signs_of_life_are_ignored_when_sent_back(void **state)
{
	struct ctx cx = { .arena = *state };
	struct bouncer *b = schema_new(cx.arena, &bouncer_schema), sent;
	struct strv changed;

	b->status = "disconnected";
	assert_int_equal(
		ERR_NONE, read_bouncer(&cx,
				  "{\"status\":\"connected\",\"is_connected\":true,"
				  "\"last_heartbeat\":\"2026-01-01T00:00:00Z\",\"policies_synced\":4,"
				  "\"requests_per_second\":1.5,\"cache_hit_rate\":null}",
				  READ_MERGE, &sent));
	assert_int_equal(ERR_NONE, schema_overlay(&cx, &bouncer_schema, b, &sent, READ_MERGE, &changed));
	assert_int_equal(0, changed.n);
	assert_string_equal("disconnected", b->status);
}

static void what_no_heartbeat_told_is_null(void **state)
{
	struct ctx cx = { .arena = *state };
	struct bouncer *b = schema_new(cx.arena, &bouncer_schema);
	struct str out;
	struct jw w;

	str_init(&out, cx.arena, 512);
	jw_init(&w, &out);
	schema_write(&w, &bouncer_schema, b, WRITE_LIST);
	assert_non_null(strstr(out.data, "\"last_heartbeat\":null"));
	assert_non_null(strstr(out.data, "\"policies_synced\":null"));
	assert_non_null(strstr(out.data, "\"requests_per_second\":null"));
	assert_non_null(strstr(out.data, "\"cache_hit_rate\":null"));
	assert_null(strstr(out.data, "row_version"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_table_is_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(name_host_and_environment_are_required, setup, teardown),
		cmocka_unit_test_setup_teardown(the_rest_has_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(a_fixed_field_is_not_required_to_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(ports_are_1_to_65535, setup, teardown),
		cmocka_unit_test(host_names_and_addresses_are_hosts),
		cmocka_unit_test(the_target_app_names_its_port),
		cmocka_unit_test_setup_teardown(signs_of_life_are_ignored_when_sent_back, setup, teardown),
		cmocka_unit_test_setup_teardown(what_no_heartbeat_told_is_null, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
