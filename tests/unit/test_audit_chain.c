/* SPDX-License-Identifier: Apache-2.0 */
/* The chain's key, text and macs, against figures that another program made from docs/audit.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/core/audit_chain.h"
#include "cc/schema/doc.h"

#define TENANT "tenant-acme-abc234"

static const struct bytes secret = { (const unsigned char *)"0123456789abcdef0123456789abcdef", 32 };

static const struct audit_row first = {
	.chain = "data",
	.seq = 1,
	.timestamp = INT64_C(1769860800250000),
	.actor_kind = "api_key",
	.actor = "key-abc",
	.action = "updatePolicy",
	.category = "control_management",
	.object_type = "policy",
	.object_id = "7",
	.environment = "sandbox",
	.outcome = "success",
	.request_id = "req-\xc3\xa9\"",
	.ip = "192.0.2.7",
	.detail = "{\"changed\":[\"name\",\"status\"]}",
	.tenant_id = TENANT,
	.key_version = 1,
};
static const struct audit_row second = {
	.chain = "data",
	.seq = 2,
	.timestamp = INT64_C(1769860801000000),
	.actor_kind = "system",
	.actor = "system",
	.action = "expunge",
	.category = "tenant_management",
	.object_type = "tenant",
	.object_id = TENANT,
	.outcome = "success",
	.tenant_id = TENANT,
	.key_version = 1,
};
static const char first_mac[] = "7de2a46bfcd66fb5f8c843adbe6de27a402b6560c6abbbbd5275d40876272e94";
static const char second_mac[] = "18c576e314d2d1a1345286ccb47a8460d6fd3d8060a2b65b1d3f8339ca00ccd4";

static int setup(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void each_tenant_and_version_has_its_key(void **state)
{
	unsigned char key[AUDIT_MAC_LEN], other[AUDIT_MAC_LEN];

	audit_key(secret, TENANT, 1, key);
	assert_string_equal("1016e33cf8d54793c06029ce2079db0f90f373d79923a5135c519fc4875a1425",
		hex_encode(*state, key, sizeof(key)));
	audit_key(secret, TENANT, 2, other);
	assert_memory_not_equal(key, other, sizeof(key));
	audit_key(secret, "tenant-acme-abc235", 1, other);
	assert_memory_not_equal(key, other, sizeof(key));
}

static void a_row_has_one_text(void **state)
{
	struct str out;

	str_init(&out, *state, 64);
	audit_canonical(&out, &first);
	assert_string_equal("{\"action\":\"updatePolicy\",\"actor\":\"key-abc\",\"actor_kind\":\"api_key\","
			    "\"category\":\"control_management\",\"chain\":\"data\","
			    "\"detail\":{\"changed\":[\"name\",\"status\"]},\"environment\":\"sandbox\","
			    "\"ip\":\"192.0.2.7\",\"key_version\":1,\"object_id\":\"7\","
			    "\"object_type\":\"policy\",\"outcome\":\"success\","
			    "\"request_id\":\"req-\xc3\xa9\\\"\",\"seq\":1,\"tenant_id\":\"" TENANT "\","
			    "\"timestamp\":\"2026-01-31T12:00:00.250Z\"}",
		out.data);
}

static void macs_follow_each_other(void **state)
{
	unsigned char key[AUDIT_MAC_LEN], mac[AUDIT_MAC_LEN], next[AUDIT_MAC_LEN];

	audit_key(secret, TENANT, 1, key);
	audit_row_mac(*state, key, audit_no_mac, &first, mac);
	assert_string_equal(first_mac, hex_encode(*state, mac, sizeof(mac)));
	audit_row_mac(*state, key, mac, &second, next);
	assert_string_equal(second_mac, hex_encode(*state, next, sizeof(next)));
}

/* What is written and what any reader of JSON makes of it are the same, also with every member set. */
static void lines_are_canonical(void **state)
{
	static const char *const without[] = { "mac", "n", "prev_mac", NULL };
	struct audit_row r = first;
	struct str line, plain, again;
	const char *why = NULL;
	struct doc *d;

	r.mac = second_mac;
	r.prev_mac = first_mac;
	str_init(&line, *state, 64);
	str_init(&plain, *state, 64);
	str_init(&again, *state, 64);
	audit_line(&line, &r, 12);
	assert_string_equal(line.data, json_canonical(*state, line.data, &why));
	d = doc_parse(*state, line.data, line.len, &why);
	assert_non_null(d);
	assert_true(doc_canonical(d, without, &again));
	audit_canonical(&plain, &r);
	assert_string_equal(plain.data, again.data);
	doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_tenant_and_version_has_its_key, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_has_one_text, setup, teardown),
		cmocka_unit_test_setup_teardown(macs_follow_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_are_canonical, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
