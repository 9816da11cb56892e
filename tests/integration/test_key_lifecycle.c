/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of keys: rotated, narrowed, bound to networks. Tenants' and operators' go the same way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "key_owner.h"

#define KEYS_MAX 12

/* Rotation --------------------------------------------------------------------------------------------- */

static void check_rotation(struct daemon *d, const struct owner *o)
{
	struct client *old, *new = client_open(daemon_port(d));
	const struct answer *a, *shown;
	char *id;

	old = key_with(d, o, ",'allowed_cidrs':['127.0.0.0/8']", &id);
	a = assert_status(201, client_post(o->c, path_of(o, id, "/rotate"), "{'overlap_seconds':3600}"));
	assert_text("n", a, "name");
	assert_text(id, a, "rotated_from");
	assert_int_equal(2, answer_count(a, "scopes"));
	assert_text("127.0.0.0/8", a, "allowed_cidrs[0]");
	assert_true(answer_null(a, "expires_at"));
	assert_string_equal("no-store", answer_header(a, "Cache-Control"));
	assert_non_null(strstr(answer_header(a, "Location"), answer_text(a, "id")));
	client_key(new, answer_text(a, "key"));
	assert_status(200, client_get(old, "%s", o->read_one));
	assert_status(200, client_get(new, "%s", o->read_one));
	assert_status(200, client_get(new, "%s", o->read_other));
	shown = assert_status(200, client_get(o->c, "%s", path_of(o, id, "")));
	assert_text(answer_text(a, "id"), shown, "rotated_to");
	assert_text(answer_text(a, "previous_expires_at"), shown, "expires_at");
	assert_true(answer_null(shown, "rotated_from"));
	shown = assert_status(200, client_get(o->c, "%s", path_of(o, answer_text(a, "id"), "")));
	assert_text(id, shown, "rotated_from");
	assert_null(strstr(shown->body, answer_text(a, "key") + 18));
	assert_error(409, "already_rotated", client_post(o->c, path_of(o, id, "/rotate"), "{}"));
	free(id);
	client_close(old);
	client_close(new);
}

static void a_rotated_key_lives_on_for_the_overlap(void **state)
{
	for_both(state, "rotating", check_rotation);
}

static void check_no_overlap(struct daemon *d, const struct owner *o)
{
	struct client *old;
	const struct answer *a;
	char *id;

	old = key_with(d, o, "", &id);
	assert_status(200, client_get(old, "%s", o->read_one));
	a = assert_status(201, client_post(o->c, path_of(o, id, "/rotate"), "{'overlap_seconds':0}"));
	assert_error(401, "key_expired", client_get(old, "%s", o->read_one));
	client_key(old, answer_text(a, "key"));
	assert_status(200, client_get(old, "%s", o->read_one));
	/* What is refused by now has no successor, and cannot be changed. */
	assert_error(409, "already_rotated", client_post(o->c, path_of(o, id, "/rotate"), "{}"));
	assert_error(409, "conflict", client_patch(o->c, path_of(o, id, ""), "{'name':'m'}"));
	free(id);
	client_close(old);
}

static void without_overlap_the_old_key_ends_at_once(void **state)
{
	for_both(state, "rotateswift", check_no_overlap);
}

static void check_replay(struct daemon *d, const struct owner *o)
{
	static int n;
	const struct answer *first, *again;
	char *id, line[64], target[340];

	client_close(key_with(d, o, "", &id));
	(void)snprintf(line, sizeof(line), "Idempotency-Key: rotation-%d\r\n", ++n);
	(void)snprintf(target, sizeof(target), "/api/v1%s", path_of(o, id, "/rotate"));
	first = assert_status(201, client_call(o->c, "POST", target, line, "{}"));
	again = assert_status(201, client_call(o->c, "POST", target, line, "{}"));
	assert_string_equal("true", answer_header(again, "Idempotent-Replayed"));
	assert_text(answer_text(first, "id"), again, "id");
	assert_null(answer_at(again, "key"));
	assert_int_equal(56 - 2 * (o->base[1] == 'o'), strlen(answer_text(first, "key")));
	free(id);
}

static void a_repeated_rotation_shows_no_key(void **state)
{
	for_both(state, "rotaterepeat", check_replay);
}

static void check_rotation_faults(struct daemon *d, const struct owner *o)
{
	const struct answer *a;
	char *id;

	client_close(key_with(d, o, ",'expires_at':'2036-01-01T00:00:00Z'", &id));
	a = client_post(o->c, path_of(o, id, "/rotate"), "{'overlap_seconds':604801,'name':'x'}");
	assert_fault("overlap_seconds", "range", a);
	assert_fault("name", "unknown", a);
	assert_fault("overlap_seconds", "range",
		     client_post(o->c, path_of(o, id, "/rotate"), "{'overlap_seconds':-1}"));
	assert_fault("expires_at", "expires_in_past",
		     client_post(o->c, path_of(o, id, "/rotate"), "{'expires_at':'2020-01-01T00:00:00Z'}"));
	assert_error(404, "resource_not_found",
		     client_post(o->c, path_of(o, "key-0000000000", "/rotate"), "{}"));
	assert_true(answer_null(client_get(o->c, "%s", path_of(o, id, "")), "rotated_to"));
	/* The successor lives as long as the old one would have, if nothing else is said. */
	a = assert_status(201, client_post(o->c, path_of(o, id, "/rotate"), "{}"));
	assert_text("2036-01-01T00:00:00Z", a, "expires_at");
	a = assert_status(201, client_post(o->c, path_of(o, answer_text(a, "id"), "/rotate"),
					   "{'expires_at':null}"));
	assert_true(answer_null(a, "expires_at"));
	a = client_get(o->c, "%s", path_of(o, answer_text(a, "id"), ""));
	assert_status(200, client_delete(o->c, "%s", path_of(o, answer_text(a, "id"), "")));
	assert_error(409, "conflict",
		     client_post(o->c, path_of(o, answer_text(a, "id"), "/rotate"), "{}"));
	free(id);
}

static void every_fault_of_a_rotation_is_told(void **state)
{
	for_both(state, "rotatefaults", check_rotation_faults);
}

/* Else the right to make keys would be every right there is. */
static void a_rotation_needs_what_the_new_key_may(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "rotaterights", &t);
	struct client *c = client_open(daemon_port(*state));
	const struct answer *a;
	char *key = fixture_key(*state, t.id, "api_keys:write,policies:read", NULL), *id;

	client_close(key_with(*state, &o, "", &id));
	client_key(c, key);
	a = client_post(c, path_of(&o, id, "/rotate"), "{}");
	assert_error(403, "insufficient_scope", a);
	assert_non_null(strstr(answer_text(a, "message"), "bouncers:read"));
	assert_error(403, "insufficient_scope", client_get(c, "%s", path_of(&o, id, "")));
	free(key);
	a = assert_status(201, client_post(o.c, o.base, "{'name':'n','scopes':['api_keys:write','%s','%s'],"
							"'expires_at':'2036-01-01T00:00:00Z',"
							"'allowed_cidrs':['127.0.0.0/8']}",
					   o.one, o.other));
	client_key(c, answer_text(a, "key"));
	a = client_post(c, path_of(&o, id, "/rotate"), "{}");
	assert_fault("expires_at", "beyond_creator", a);
	assert_fault("allowed_cidrs", "beyond_creator", a);
	free(id);
	client_close(c);
	client_close(o.c);
}

/* A key and its successor take one place: the limit keeps nobody from rotating. */
static void a_rotation_takes_no_place(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "rotatefull", &t);
	char *id;

	client_close(key_with(*state, &o, "", &id));
	for (int i = 3; i <= KEYS_MAX; i++)
		assert_status(201, client_post(o.c, o.base, "{'name':'n','scopes':['policies:read']}"));
	assert_error(403, "quota_exceeded",
		     client_post(o.c, o.base, "{'name':'n','scopes':['policies:read']}"));
	assert_status(201, client_post(o.c, path_of(&o, id, "/rotate"), "{}"));
	assert_error(403, "quota_exceeded",
		     client_post(o.c, o.base, "{'name':'n','scopes':['policies:read']}"));
	free(id);
	client_close(o.c);
}

static void check_chain(struct daemon *d, const struct owner *o)
{
	struct client *c[3];
	const struct answer *a;
	char *first, id[64];

	c[0] = key_with(d, o, "", &first);
	(void)snprintf(id, sizeof(id), "%s", first);
	for (int i = 1; i < 3; i++) {
		a = assert_status(201, client_post(o->c, path_of(o, id, "/rotate"),
						   "{'overlap_seconds':604800}"));
		(void)snprintf(id, sizeof(id), "%s", answer_text(a, "id"));
		c[i] = client_open(daemon_port(d));
		client_key(c[i], answer_text(a, "key"));
		assert_status(200, client_get(c[i - 1], "%s", o->read_one));
		assert_status(200, client_get(c[i], "%s", o->read_one));
	}
	assert_error(401, "key_expired", client_get(c[0], "%s", o->read_one));
	for (int i = 0; i < 3; i++)
		client_close(c[i]);
	free(first);
}

static void of_a_chain_two_keys_live(void **state)
{
	for_both(state, "rotatechain", check_chain);
}

/* By rotating the successor as well. */
static void a_weaker_credential_ends_none_before_it(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "chainrights", &t);
	struct client *old, *c = client_open(daemon_port(*state));
	const struct answer *a;
	char *key = fixture_key(*state, t.id, "api_keys:write,policies:read", NULL), *id, next[64];

	old = key_with(*state, &o, "", &id);
	a = assert_status(201, client_post(o.c, path_of(&o, id, "/rotate"), "{}"));
	(void)snprintf(next, sizeof(next), "%s", answer_text(a, "id"));
	assert_status(200, client_patch(o.c, path_of(&o, next, ""), "{'scopes':['policies:read']}"));
	client_key(c, key);
	assert_error(403, "insufficient_scope", client_post(c, path_of(&o, next, "/rotate"), "{}"));
	assert_status(200, client_get(old, "%s", o.read_other));
	assert_status(201, client_post(o.c, path_of(&o, next, "/rotate"), "{}"));
	assert_error(401, "key_expired", client_get(old, "%s", o.read_other));
	assert_int(2, client_get(o.c, "/audit/logs?action=rotateApiKey&object_id=%s", id), "total");
	free(id);
	free(key);
	client_close(old);
	client_close(c);
	client_close(o.c);
}

static void an_old_key_counts_without_its_successor(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "rotatealone", &t);
	const struct answer *a;
	char *id;

	client_close(key_with(*state, &o, "", &id));
	for (int i = 3; i <= KEYS_MAX; i++)
		assert_status(201, client_post(o.c, o.base, "{'name':'n','scopes':['policies:read']}"));
	a = assert_status(201, client_post(o.c, path_of(&o, id, "/rotate"), "{}"));
	assert_status(200, client_delete(o.c, "%s", path_of(&o, answer_text(a, "id"), "")));
	assert_error(403, "quota_exceeded",
		     client_post(o.c, o.base, "{'name':'n','scopes':['policies:read']}"));
	assert_status(200, client_delete(o.c, "%s", path_of(&o, id, "")));
	assert_status(201, client_post(o.c, o.base, "{'name':'n','scopes':['policies:read']}"));
	free(id);
	client_close(o.c);
}

static void both_keys_of_a_rotation_are_in_the_audit(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "rotateaudit", &t);
	const struct answer *a;
	char *id;

	client_close(key_with(*state, &o, "", &id));
	a = assert_status(201, client_post(o.c, path_of(&o, id, "/rotate"), "{}"));
	assert_int(1, client_get(o.c, "/audit/logs?action=rotateApiKey&object_id=%s", id), "total");
	assert_int(1,
		   client_get(o.c, "/audit/logs?action=rotateApiKey&object_id=%s", answer_text(a, "id")),
		   "total");
	free(id);
	client_close(o.c);
}

/* Narrowing -------------------------------------------------------------------------------------------- */

static void check_narrowing(struct daemon *d, const struct owner *o)
{
	struct client *c;
	const struct answer *a;
	char *id;

	c = key_with(d, o, "", &id);
	assert_status(200, client_get(c, "%s", o->read_other));
	a = assert_status(200, client_patch(o->c, path_of(o, id, ""),
					    "{'name':'less','scopes':['%s'],"
					    "'expires_at':'2036-01-01T00:00:00Z',"
					    "'allowed_cidrs':['127.9.9.9/8','::1']}", o->one));
	assert_text("less", a, "name");
	assert_int_equal(1, answer_count(a, "scopes"));
	assert_text("127.0.0.0/8", a, "allowed_cidrs[0]");
	assert_text("::1/128", a, "allowed_cidrs[1]");
	assert_text("2036-01-01T00:00:00Z", a, "expires_at");
	assert_status(200, client_get(c, "%s", o->read_one));
	assert_error(403, "insufficient_scope", client_get(c, "%s", o->read_other));

	a = client_patch(o->c, path_of(o, id, ""),
			 "{'scopes':['%s','%s'],'expires_at':'2036-01-01T00:00:01Z',"
			 "'allowed_cidrs':['127.0.0.1','10.0.0.0/8']}",
			 o->one, o->other);
	assert_error(422, "validation_error", a);
	assert_fault("scopes[1]", "cannot_widen", a);
	assert_fault("expires_at", "cannot_widen", a);
	assert_fault("allowed_cidrs[1]", "cannot_widen", a);
	a = client_patch(o->c, path_of(o, id, ""), "{'expires_at':null,'allowed_cidrs':[],'scopes':[]}");
	assert_fault("scopes", "items", a);
	a = client_patch(o->c, path_of(o, id, ""), "{'expires_at':null,'allowed_cidrs':[]}");
	assert_fault("expires_at", "cannot_widen", a);
	assert_fault("allowed_cidrs", "cannot_widen", a);
	assert_fault("allowed_cidrs[0]", "cannot_widen",
		     client_patch(o->c, path_of(o, id, ""), "{'allowed_cidrs':['127.0.0.0/7']}"));
	assert_fault("expires_at", "expires_in_past",
		     client_patch(o->c, path_of(o, id, ""), "{'expires_at':'2020-01-01T00:00:00Z'}"));
	a = client_patch(o->c, path_of(o, id, ""),
			 "{'scopes':['no:such'],'display':'x','allowed_cidrs':['x']}");
	assert_fault("display", "read_only", a);
	assert_fault("allowed_cidrs[0]", "format", a);
	assert_text("less", client_get(o->c, "%s", path_of(o, id, "")), "name");
	assert_int_equal(2, answer_count(client_get(o->c, "%s", path_of(o, id, "")), "allowed_cidrs"));
	free(id);
	client_close(c);
}

static void a_key_only_becomes_less(void **state)
{
	for_both(state, "narrowing", check_narrowing);
}

static void check_conditions(struct daemon *d, const struct owner *o)
{
	char *id, line[80], target[340];
	const struct answer *a;

	client_close(key_with(d, o, "", &id));
	a = assert_status(200, client_get(o->c, "%s", path_of(o, id, "")));
	(void)snprintf(line, sizeof(line), "If-Match: %s\r\n", answer_header(a, "ETag"));
	(void)snprintf(target, sizeof(target), "/api/v1%s", path_of(o, id, ""));
	assert_status(200, client_call(o->c, "PATCH", target, line, "{\"name\":\"m\"}"));
	assert_error(412, "precondition_failed",
		     client_call(o->c, "PATCH", target, line, "{\"name\":\"o\"}"));
	(void)snprintf(target, sizeof(target), "/api/v1%s", path_of(o, id, "/rotate"));
	assert_error(412, "precondition_failed", client_call(o->c, "POST", target, line, "{}"));
	assert_text("m", client_get(o->c, "%s", path_of(o, id, "")), "name");
	free(id);
}

static void a_change_knows_what_it_changes(void **state)
{
	for_both(state, "keymatch", check_conditions);
}

static void the_last_key_that_makes_keys_stays_one(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "lastnarrow", &t);
	const struct answer *a;

	assert_error(409, "last_admin_key",
		     client_patch(o.c, path_of(&o, t.key_id, ""), "{'scopes':['policies:read']}"));
	a = assert_status(201, client_post(o.c, path_of(&o, t.key_id, "/rotate"), "{}"));
	/* The old one is going: it does not count. */
	assert_error(409, "last_admin_key", client_delete(o.c, "%s", path_of(&o, answer_text(a, "id"), "")));
	client_key(o.c, answer_text(a, "key"));
	assert_status(200, client_delete(o.c, "%s", path_of(&o, t.key_id, "")));
	client_close(o.c);
}

/* Networks --------------------------------------------------------------------------------------------- */

static const struct answer *ask_from(struct client *c, const char *path, const char *forwarded)
{
	char target[200], line[200] = "";

	(void)snprintf(target, sizeof(target), "/api/v1%s", path);
	if (forwarded != NULL)
		(void)snprintf(line, sizeof(line), "X-Forwarded-For: %s\r\n", forwarded);
	return client_call(c, "GET", target, line, NULL);
}

/* The daemon of this group trusts 127.0.0.1 to say who asks. */
static void check_networks(struct daemon *d, const struct owner *o)
{
	struct client *c;
	char *id;

	c = key_with(d, o, ",'allowed_cidrs':['192.0.2.77/24','2001:DB8::1']", &id);
	assert_text("192.0.2.0/24", client_get(o->c, "%s", path_of(o, id, "")), "allowed_cidrs[0]");
	assert_text("2001:db8::1/128", client_get(o->c, "%s", path_of(o, id, "")), "allowed_cidrs[1]");
	assert_status(200, ask_from(c, o->read_one, "192.0.2.1"));
	assert_status(200, ask_from(c, o->read_one, "::ffff:192.0.2.1"));
	assert_status(200, ask_from(c, o->read_one, "203.0.113.9, 192.0.2.1, 127.0.0.1"));
	assert_status(200, ask_from(c, o->read_one, "2001:db8::1"));
	assert_error(403, "address_not_allowed", ask_from(c, o->read_one, NULL));
	assert_error(403, "address_not_allowed", ask_from(c, o->read_one, "192.0.3.1"));
	assert_error(403, "address_not_allowed", ask_from(c, o->read_one, "2001:db8::2"));
	/* What the client wrote itself stands left of what the proxy added. */
	assert_error(403, "address_not_allowed", ask_from(c, o->read_one, "192.0.2.1, 203.0.113.9"));
	assert_error(403, "address_not_allowed", ask_from(c, o->read_one, "192.0.2.1, unknown"));
	free(id);
	client_close(c);
}

static void a_key_is_taken_from_its_networks_only(void **state)
{
	for_both(state, "networks", check_networks);
}

static void check_network_faults(struct daemon *d, const struct owner *o)
{
	char body[2048] = "";
	const struct answer *a;

	(void)d;
	a = client_post(o->c, o->base, "{'name':'n','scopes':['%s'],"
				       "'allowed_cidrs':['10.0.0.0/33','x','10.0.0.1/8','']}",
			o->one);
	assert_error(422, "validation_error", a);
	assert_fault("allowed_cidrs[3]", NULL, a);
	a = client_post(o->c, o->base, "{'name':'n','scopes':['%s'],"
				       "'allowed_cidrs':['10.0.0.0/33','x','10.0.0.1/8','10.0.0.0/8']}",
			o->one);
	assert_fault("allowed_cidrs[0]", "format", a);
	assert_fault("allowed_cidrs[1]", "format", a);
	assert_fault("allowed_cidrs[3]", "duplicate", a);
	for (int i = 0; i < 33; i++)
		(void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s'10.0.0.%d'",
			       i > 0 ? "," : "", i);
	a = client_post(o->c, o->base, "{'name':'n','scopes':['%s'],'allowed_cidrs':[%s]}", o->one, body);
	assert_fault("allowed_cidrs", "items", a);
}

static void every_fault_of_a_network_is_told(void **state)
{
	for_both(state, "netfaults", check_network_faults);
}

static void no_key_reaches_further_than_its_creator(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "netcreator", &t);
	const struct answer *a;

	a = assert_status(201, client_post(o.c, o.base, "{'name':'n','scopes':['api_keys:write'],"
							"'allowed_cidrs':['127.0.0.0/8']}"));
	client_key(o.c, answer_text(a, "key"));
	assert_fault("allowed_cidrs", "beyond_creator",
		     client_post(o.c, o.base, "{'name':'n','scopes':['api_keys:write']}"));
	assert_fault("allowed_cidrs[1]", "beyond_creator",
		     client_post(o.c, o.base, "{'name':'n','scopes':['api_keys:write'],"
					      "'allowed_cidrs':['127.0.0.1','10.0.0.1']}"));
	assert_status(201, client_post(o.c, o.base, "{'name':'n','scopes':['api_keys:write'],"
						    "'allowed_cidrs':['127.0.0.1']}"));
	client_close(o.c);
}

static void the_audit_knows_who_asked_the_proxy(void **state)
{
	struct tenant_fixture t;
	struct owner o = owner_tenant(*state, "netaudit", &t);
	const char *body = "{\"name\":\"p\",\"rego_code\":\"package p\"}";

	assert_status(201, client_call(o.c, "POST", "/api/v1/policies",
				       "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 198.51.100.7\r\n",
				       body));
	assert_text("198.51.100.7", client_get(o.c, "/audit/logs?action=createPolicy"), "logs[0].ip");
	client_close(o.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rotated_key_lives_on_for_the_overlap),
		cmocka_unit_test(without_overlap_the_old_key_ends_at_once),
		cmocka_unit_test(a_repeated_rotation_shows_no_key),
		cmocka_unit_test(every_fault_of_a_rotation_is_told),
		cmocka_unit_test(a_rotation_needs_what_the_new_key_may),
		cmocka_unit_test(a_rotation_takes_no_place),
		cmocka_unit_test(of_a_chain_two_keys_live),
		cmocka_unit_test(a_weaker_credential_ends_none_before_it),
		cmocka_unit_test(an_old_key_counts_without_its_successor),
		cmocka_unit_test(both_keys_of_a_rotation_are_in_the_audit),
		cmocka_unit_test(a_key_only_becomes_less),
		cmocka_unit_test(a_change_knows_what_it_changes),
		cmocka_unit_test(the_last_key_that_makes_keys_stays_one),
		cmocka_unit_test(a_key_is_taken_from_its_networks_only),
		cmocka_unit_test(every_fault_of_a_network_is_told),
		cmocka_unit_test(no_key_reaches_further_than_its_creator),
		cmocka_unit_test(the_audit_knows_who_asked_the_proxy),
	};
	char limit[64];
	const char *const env[] = { limit, "CONTROLCORE_SERVER_TRUSTED_PROXIES=127.0.0.1", NULL };
	const struct daemon_options options = { .env = env };

	(void)snprintf(limit, sizeof(limit), "CONTROLCORE_LIMITS_API_KEYS=%d", KEYS_MAX);
	daemon_group_options(&options);
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
