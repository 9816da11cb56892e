/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "client.h"
#include "temp.h"

#define CREATE "{'name':'%s','domain':'%s.controlcore.io','region':'us-east-1'}"

static void the_examples_of_the_spec_come_true(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a;
	const char *id;

	a = client_post(op, "/tenants",
			"{'name':'Acme Corporation','domain':'acme.controlcore.io','plan_type':'pro',"
			"'region':'us-east-1','custom_domain':'policies.acme.com',"
			"'settings':{'max_policies':1000,'max_users':50,'max_bouncers':10}}");
	id = answer_text(assert_status(201, a), "id");
	assert_int_equal(0, strncmp(id, "tenant-acme-", 12));
	assert_int_equal(18, strlen(id));
	assert_text("Acme Corporation", a, "name");
	assert_text("acme.controlcore.io", a, "domain");
	assert_text("policies.acme.com", a, "custom_domain");
	assert_text("active", a, "status");
	assert_text("us-east-1", a, "region");
	assert_text("pro", a, "plan_type");
	assert_int(1000, a, "settings.max_policies");
	assert_int(50, a, "settings.max_users");
	assert_int(10, a, "settings.max_bouncers");
	assert_int(0, a, "limits.policies_used");
	assert_int(1, a, "limits.users_used");
	assert_int(0, a, "limits.bouncers_used");
	assert_int_equal(20, strlen(answer_text(a, "expires_at")));
	assert_null(answer_at(a, "suspend_mode"));
	assert_null(answer_at(a, "deleted_at"));
	assert_non_null(strstr(answer_header(a, "Location"), id));

	a = assert_status(200, client_get(op, "/tenants/%s", id));
	assert_text(id, a, "id");
	a = assert_status(200, client_put(op, "/tenants/acme",
					  "{'name':'Acme Corporation Inc.','settings':{'max_policies':2000,"
					  "'max_users':100,'max_bouncers':20}}"));
	assert_text("Acme Corporation Inc.", a, "name");
	assert_text("pro", a, "plan_type");
	assert_int(2000, a, "settings.max_policies");
	assert_int(1000, a, "settings.max_resources");
	a = assert_status(202, client_delete(op, "/tenants/%s", id));
	assert_text("deletion_scheduled", a, "status");
	assert_non_null(answer_text(a, "purge_at"));
	client_close(op);
}

static void a_creation_tells_every_fault(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a = client_post(op, "/tenants",
					     "{'name':'','owner_email':'x@y','id':'z','settings':"
							     "{'max_users':-1}}");

	assert_error(422, "validation_error", a);
	assert_fault("name", "length", a);
	assert_fault("domain", "required", a);
	assert_fault("region", "required", a);
	assert_fault("owner_email", NULL, a);
	assert_fault("id", NULL, a);
	assert_fault("settings.max_users", "range", a);
	a = client_post(op, "/tenants",
			"{'name':'x','domain':'elsewhere.example.org','region':'mars','plan_type':'gold',"
					"'custom_domain':'x.controlcore.io'}");
	assert_fault("domain", "format", a);
	assert_fault("region", "unknown_region", a);
	assert_fault("plan_type", "unknown_plan", a);
	assert_fault("custom_domain", "invalid_domain", a);
	a = client_post(op, "/tenants", CREATE, "x", "www");
	assert_fault("domain", NULL, a);
	a = client_post(op, "/tenants", CREATE, "x", "tenant-x-abc234");
	assert_fault("domain", NULL, a);
	a = client_post(op, "/tenants", CREATE, "x", "a.b");
	assert_fault("domain", "format", a);
	client_close(op);
}

static void a_name_has_one_tenant(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a;

	assert_status(201, client_post(op, "/tenants", CREATE, "One", "onlyone"));
	a = client_post(op, "/tenants", CREATE, "Two", "onlyone");
	assert_error(409, "slug_taken", a);
	a = assert_status(200, client_get(op, "/tenants?name=two"));
	assert_int(0, a, "total");
	client_close(op);
}

static void plans_settle_what_is_not_said(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a = client_post(op, "/tenants", CREATE, "Free", "freetenant");

	assert_text("free", a, "plan_type");
	assert_int(5, a, "settings.max_users");
	a = client_post(op, "/tenants",
			"{'name':'n','domain':'nulls.controlcore.io','region':'us-east-1','plan_type':"
					"'pro','settings':{'max_users':null,'max_policies':0}}");
	assert_status(201, a);
	assert_true(answer_null(a, "settings.max_users"));
	assert_int(0, a, "settings.max_policies");
	assert_int(10, a, "settings.max_bouncers");
	/* What was the plan's follows to the next plan, what was said stays. */
	a = assert_status(200, client_patch(op, "/tenants/nulls", "{'plan_type':'enterprise'}"));
	assert_true(answer_null(a, "settings.max_bouncers"));
	assert_int(0, a, "settings.max_policies");
	assert_fault("plan_type", "unknown_plan", client_patch(op, "/tenants/nulls", "{'plan_type':'gold'}"));
	client_close(op);
}

static void lists_are_filtered_sorted_and_paged(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a;

	client_post(op, "/tenants", CREATE, "Listed C", "listc");
	client_post(op, "/tenants", CREATE, "Listed A", "lista");
	client_post(op, "/tenants", "{'name':'Listed B','domain':'listb.controlcore.io','region':'eu-west-1',"
				    "'plan_type':'pro'}");
	a = assert_status(200, client_get(op, "/tenants?name=listed&sort=name"));
	assert_int(3, a, "total");
	assert_text("lista", a, "tenants[0].slug");
	assert_text("listc", a, "tenants[2].slug");
	assert_null(answer_at(a, "tenants[0].limits"));
	a = assert_status(200, client_get(op, "/tenants?name=LISTED&sort=-name&skip=1&limit=1"));
	assert_int(3, a, "total");
	assert_int(2, a, "page");
	assert_int(1, a, "page_size");
	assert_text("listb", a, "tenants[0].slug");
	assert_int(1, client_get(op, "/tenants?name=listed&region=eu-west-1"), "total");
	assert_int(1, client_get(op, "/tenants?name=listed&plan_type=pro&status=active"), "total");
	assert_int(0, client_get(op, "/tenants?name=listed&status=suspended"), "total");
	assert_fault("status", NULL, client_get(op, "/tenants?status=no"));
	assert_fault("sort", NULL, client_get(op, "/tenants?sort=owner_email"));
	assert_fault("limit", NULL, client_get(op, "/tenants?limit=1001"));
	client_close(op);
}

static void owners_change_the_name_and_operators_the_rest(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "rights", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(200, client_patch(c, "/tenants/rights", "{'name':'Renamed'}"));
	assert_text("Renamed", a, "name");
	a = client_patch(c, "/tenants/rights", "{'name':'Again','settings':{'max_users':1000}}");
	assert_error(403, "insufficient_scope", a);
	assert_non_null(strstr(answer_text(a, "message"), "platform:tenants"));
	assert_error(403, "insufficient_scope", client_patch(c, "/tenants/rights", "{'plan_type':'free'}"));
	assert_error(403, "insufficient_scope",
		     client_patch(c, "/tenants/rights", "{'domain':'other.controlcore.io'}"));
	assert_text("Renamed", client_get(c, "/tenants/rights"), "name");
	a = client_patch(op, "/tenants/rights", "{'region':'eu-west-1','status':'active','id':'x'}");
	assert_fault("region", "read_only", a);
	assert_fault("id", "read_only", a);
	assert_false(answer_fault(a, "status", NULL));
	a = client_patch(op, "/tenants/rights", "{'owner_email':'a@b.co','limits':{'users_used':9}}");
	assert_fault("owner_email", "unknown", a);
	assert_false(answer_fault(a, "limits", NULL));
	client_close(c);
	client_close(op);
}

static void what_was_got_can_be_put_back(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a, *b;

	fixture_tenant(*state, "roundtrip", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(200, client_get(c, "/tenants/roundtrip"));
	b = assert_status(200, client_call(c, "PUT", "/api/v1/tenants/roundtrip", NULL, a->body));
	assert_string_equal(a->body, b->body);
	/* nothing was changed, so nothing is in the audit */
	assert_int(0, client_get(c, "/audit/logs?action=replaceTenant"), "total");
	client_close(c);
}

static void a_change_needs_a_body_and_may_be_none(void **state)
{
	static const char *const methods[] = { "PUT", "PATCH" };
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "nochange", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (size_t i = 0; i < 2; i++) {
		assert_error(400, "invalid_request",
			     client_call(c, methods[i], "/api/v1/tenants/nochange", NULL, NULL));
		assert_error(400, "invalid_request",
			     client_call(c, methods[i], "/api/v1/tenants/nochange", NULL, ""));
		assert_text("nochange", assert_status(200, client_call(c, methods[i],
						"/api/v1/tenants/nochange", NULL, "{}")), "slug");
	}
	assert_int(0, client_get(c, "/audit/logs?action=replaceTenant"), "total");
	assert_int(0, client_get(c, "/audit/logs?action=updateTenant"), "total");
	client_close(c);
}

static void no_limit_goes_below_what_is_in_use(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "inuse", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (int i = 0; i < 3; i++)
		assert_status(201, client_post(c, "/policies", "{'name':'p%d','rego_code':'package p'}", i));
	a = client_patch(op, "/tenants/inuse", "{'settings':{'max_policies':2}}");
	assert_error(409, "below_current_usage", a);
	assert_status(200, client_patch(op, "/tenants/inuse", "{'settings':{'max_policies':3}}"));
	/* on this node at once */
	a = client_post(c, "/policies", "{'name':'p3','rego_code':'package p'}");
	assert_error(403, "quota_exceeded", a);
	assert_int(3, a, "limit");
	assert_int(3, client_get(c, "/tenants/inuse"), "limits.policies_used");
	assert_status(200, client_patch(op, "/tenants/inuse", "{'settings':{'max_policies':null}}"));
	assert_status(201, client_post(c, "/policies", "{'name':'p3','rego_code':'package p'}"));
	assert_fault("settings.max_users", "range",
		     client_patch(op, "/tenants/inuse", "{'settings':{'max_users':0}}"));
	client_close(c);
	client_close(op);
}

static void a_new_domain_takes_its_name_and_leaves_the_old(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "oldname", NULL, NULL, NULL, &t);
	assert_status(201, client_post(op, "/tenants", CREATE, "Other", "takenname"));
	c = client_of(*state, &t);
	a = client_patch(op, "/tenants/oldname", "{'domain':'takenname.controlcore.io'}");
	assert_error(409, "slug_taken", a);
	assert_fault("domain", NULL, client_patch(op, "/tenants/oldname", "{'domain':'api.controlcore.io'}"));
	assert_fault("domain", "format", client_patch(op, "/tenants/oldname",
						      "{'domain':'newname.example.org'}"));
	a = assert_status(200, client_patch(op, "/tenants/oldname", "{'domain':'newname.controlcore.io'}"));
	assert_text(t.id, a, "id");
	assert_text("newname", a, "slug");
	client_host(c, "newname.controlcore.io");
	assert_status(200, client_get(c, "/policies"));
	client_host(c, "oldname.controlcore.io");
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	assert_error(404, "tenant_not_found", client_get(op, "/tenants/oldname"));
	assert_error(409, "slug_taken", client_post(op, "/tenants", CREATE, "Next", "oldname"));
	client_host(c, NULL);
	assert_error(403, "tenant_access_denied", client_get(c, "/tenants/oldname"));
	client_close(c);
	client_close(op);
}

static void a_suspension_stops_the_tenant_until_it_is_resumed(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "paused", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(200, client_post(op, "/tenants/paused/suspend", "{'reason':'unpaid'}"));
	assert_text("suspended", a, "status");
	assert_text("blocked", a, "suspend_mode");
	assert_text("unpaid", a, "suspended_reason");
	assert_error(403, "tenant_suspended", client_get(c, "/policies"));
	assert_text("unpaid", assert_status(200, client_get(c, "/tenants/paused")), "suspended_reason");
	assert_error(409, "already_suspended", client_post(op, "/tenants/paused/suspend", "{}"));
	a = assert_status(200, client_post(op, "/tenants/paused/resume", "{}"));
	assert_text("active", a, "status");
	assert_null(answer_at(a, "suspend_mode"));
	assert_status(200, client_get(c, "/policies"));
	assert_error(409, "not_suspended", client_post(op, "/tenants/paused/resume", "{}"));
	assert_status(200, client_post(op, "/tenants/paused/suspend", "{'mode':'read_only'}"));
	assert_status(200, client_get(c, "/policies"));
	assert_error(403, "tenant_suspended", client_post(c, "/policies",
							  "{'name':'p','rego_code':'package p'}"));
	assert_fault("mode", NULL, client_post(op, "/tenants/paused/suspend", "{'mode':'sleepy'}"));
	assert_error(403, "insufficient_scope", client_post(c, "/tenants/paused/resume", "{}"));
	/* The tenant may take back a deletion, and is as it was. */
	assert_status(202, client_delete(op, "/tenants/paused"));
	a = assert_status(200, client_post(c, "/tenants/paused/restore", "%s", ""));
	assert_text("read_only", a, "suspend_mode");
	assert_error(403, "tenant_suspended", client_delete(c, "/policies/1"));
	client_close(c);
	client_close(op);
}

static void a_deletion_can_be_undone(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "undone", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_status(201, client_post(c, "/policies", "{'name':'p','rego_code':'package p'}"));
	assert_status(200, client_post(op, "/tenants/undone/suspend", "{'mode':'read_only'}"));
	assert_error(409, "not_deleted", client_post(op, "/tenants/undone/restore", "{}"));
	a = assert_status(202, client_delete(op, "/tenants/undone"));
	assert_text("deletion_scheduled", a, "status");
	assert_int(1, a, "limits.policies_used");
	assert_error(410, "tenant_deleted", client_get(c, "/policies"));
	assert_error(423, "operation_in_progress", client_delete(op, "/tenants/undone"));
	assert_error(410, "tenant_deleted", client_patch(op, "/tenants/undone", "{'name':'x'}"));
	assert_text("deletion_scheduled", assert_status(200, client_get(c, "/tenants/undone")), "status");
	a = assert_status(200, client_post(c, "/tenants/undone/restore", "{}"));
	assert_text("suspended", a, "status");
	assert_text("read_only", a, "suspend_mode");
	assert_null(answer_at(a, "purge_at"));
	assert_int(1, assert_status(200, client_get(c, "/policies")), "total");
	client_close(c);
	client_close(op);
}

static void changes_are_in_the_audit_with_their_fields(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "audited", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_status(200, client_patch(op, "/tenants/audited", "{'name':'B','settings':{'max_users':7}}"));
	assert_status(200, client_post(op, "/tenants/audited/suspend", "{'mode':'read_only'}"));
	a = assert_status(200, client_get(c, "/audit/logs?object=tenant"));
	assert_text("suspendTenant", a, "logs[0].action");
	assert_text("operator", a, "logs[0].actor_kind");
	assert_text(t.id, a, "logs[0].object_id");
	assert_text("updateTenant", a, "logs[1].action");
	assert_text("name", a, "logs[1].detail.changed[0]");
	assert_text("settings.max_users", a, "logs[1].detail.changed[1]");
	client_close(c);
	client_close(op);
}

/* Whoever asks later than that meets the change, however long the answer takes. */
static void a_change_binds_on_every_node_within_a_second(void **state)
{
	struct daemon *other = daemon_join(*state, NULL);
	struct tenant_fixture t;
	struct client *here, *there, *op = client_operator(*state);

	fixture_tenant(*state, "everywhere", NULL, NULL, NULL, &t);
	here = client_of(*state, &t);
	there = client_of(other, &t);
	for (int i = 0; i < 5; i++) {
		const struct answer *a;
		int64_t changed, asked;

		assert_status(200, client_get(there, "/policies"));
		assert_status(200, client_post(op, "/tenants/everywhere/suspend", "{}"));
		changed = temp_now_ms();
		assert_error(403, "tenant_suspended", client_get(here, "/policies"));
		do {
			asked = temp_now_ms();
			a = client_get(there, "/policies");
		} while (a->status == 200 && asked - changed <= 1000);
		assert_error(403, "tenant_suspended", a);
		assert_status(200, client_post(op, "/tenants/everywhere/resume", "{}"));
		assert_status(200, client_get(here, "/policies"));
		while (client_get(there, "/policies")->status == 403)
			;
		client_forget(there);
	}
	client_close(here);
	client_close(there);
	client_close(op);
	daemon_finish(other);
}

static void control_sql(struct daemon *d, const char *sql)
{
	char *conninfo = daemon_conninfo(d, "postgres");
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s", PQerrorMessage(pg));
	PQclear(r);
	PQfinish(pg);
	free(conninfo);
}

/* What is in use is not known then; that is no reason not to act. */
static void operators_can_act_while_a_region_is_away(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);
	const struct answer *a;

	fixture_tenant(*state, "faraway", NULL, "eu-west-1", NULL, &t);
	c = client_of(*state, &t);
	assert_status(200, client_get(c, "/policies"));
	control_sql(*state, "ALTER DATABASE region_eu_west_1 ALLOW_CONNECTIONS false");
	control_sql(*state, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			    " WHERE datname = 'region_eu_west_1'");
	/* Not the answer of a moment ago, which may be given again. */
	assert_error(503, "service_unavailable", client_get(c, "/policies?limit=7"));
	a = assert_status(200, client_get(op, "/tenants/faraway"));
	assert_true(answer_null(a, "limits.policies_used"));
	assert_status(200, client_post(op, "/tenants/faraway/suspend", "{}"));
	assert_status(200, client_post(op, "/tenants/faraway/resume", "{}"));
	assert_status(200, client_patch(op, "/tenants/faraway",
					"{'name':'x','settings':{'max_users':2000}}"));
	a = client_patch(op, "/tenants/faraway", "{'settings':{'max_users':1}}");
	assert_error(503, "service_unavailable", a);
	control_sql(*state, "ALTER DATABASE region_eu_west_1 ALLOW_CONNECTIONS true");
	/* a pool that could not connect rests for a moment */
	for (int i = 0; i < 100 && client_get(c, "/policies?limit=8")->status == 503; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	assert_status(200, client_get(c, "/policies"));
	assert_int(1, client_get(op, "/tenants/faraway"), "limits.users_used");
	client_close(c);
	client_close(op);
}

struct rival {
	struct daemon *d;
	int status;
};

static void *suspend_once(void *arg)
{
	struct rival *r = arg;
	struct client *op = client_operator(r->d);

	r->status = client_post(op, "/tenants/rivals/suspend", "{}")->status;
	client_close(op);
	return NULL;
}

static void of_many_suspensions_at_once_one_wins(void **state)
{
	struct rival rivals[8];
	pthread_t threads[8];
	struct tenant_fixture t;
	int won = 0;

	fixture_tenant(*state, "rivals", NULL, NULL, NULL, &t);
	(void)daemon_operator_key(*state);
	for (size_t i = 0; i < 8; i++) {
		rivals[i] = (struct rival){ .d = *state };
		assert_int_equal(0, pthread_create(&threads[i], NULL, suspend_once, &rivals[i]));
	}
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		won += rivals[i].status == 200;
		assert_true(rivals[i].status == 200 || rivals[i].status == 409);
	}
	assert_int_equal(1, won);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_spec_come_true),
		cmocka_unit_test(a_creation_tells_every_fault),
		cmocka_unit_test(a_name_has_one_tenant),
		cmocka_unit_test(plans_settle_what_is_not_said),
		cmocka_unit_test(lists_are_filtered_sorted_and_paged),
		cmocka_unit_test(owners_change_the_name_and_operators_the_rest),
		cmocka_unit_test(what_was_got_can_be_put_back),
		cmocka_unit_test(a_change_needs_a_body_and_may_be_none),
		cmocka_unit_test(no_limit_goes_below_what_is_in_use),
		cmocka_unit_test(a_new_domain_takes_its_name_and_leaves_the_old),
		cmocka_unit_test(a_suspension_stops_the_tenant_until_it_is_resumed),
		cmocka_unit_test(a_deletion_can_be_undone),
		cmocka_unit_test(changes_are_in_the_audit_with_their_fields),
		cmocka_unit_test(a_change_binds_on_every_node_within_a_second),
		cmocka_unit_test(operators_can_act_while_a_region_is_away),
		cmocka_unit_test(of_many_suspensions_at_once_one_wins),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
