/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as a tenant sees them. What raises and resolves them is told where it happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "daemon.h"

struct scene {
	struct tenant_fixture t;
	struct client *c;
};

static void open_scene(struct daemon *d, const char *slug, struct scene *ret)
{
	fixture_tenant(d, slug, NULL, NULL, NULL, &ret->t);
	ret->c = client_of(d, &ret->t);
}

static void raise_one(struct daemon *d, const struct scene *s, const char *id, const char *type,
		      const char *severity, const char *subject, int age_s)
{
	char sql[500];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.alert (id, tenant_id, type, severity, subject, message, created_at)"
		 " VALUES ('alert-%s', '%s', '%s', '%s', '%s', 'It is so.',"
		 " date_trunc('second', now()) - make_interval(secs => %d))",
		 id, s->t.id, type, severity, subject, age_s);
	fixture_control(d, sql);
}

static const struct answer *list(const struct scene *s, const char *query)
{
	return assert_status(200, client_get(s->c, "/tenants/%s/alerts%s", s->t.id, query));
}

static const struct answer *acknowledge(const struct scene *s, const char *id)
{
	char path[200];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/alerts/alert-%s/acknowledge", s->t.id, id);
	return client_call(s->c, "POST", path, NULL, NULL);
}

static void the_list_is_a_bare_array(void **state)
{
	struct scene s;
	const struct answer *a;

	open_scene(*state, "listed", &s);
	assert_int_equal(0, answer_count(list(&s, ""), ""));
	raise_one(*state, &s, "old", "domain_stale", "warning", "a.example.com", 60);
	raise_one(*state, &s, "new", "certificate_expiring", "critical", "a.example.com", 0);
	a = list(&s, "");
	assert_int_equal(2, answer_count(a, ""));
	assert_text("alert-new", a, "[0].id");
	assert_text("certificate_expiring", a, "[0].type");
	assert_text("critical", a, "[0].severity");
	assert_text("It is so.", a, "[0].message");
	assert_text("a.example.com", a, "[0].subject");
	assert_false(answer_null(a, "[0].created_at"));
	assert_true(answer_null(a, "[0].resolved_at"));
	assert_text("alert-old", a, "[1].id");
	assert_text("alert-old", list(&s, "?severity=warning"), "[0].id");
	assert_int_equal(1, answer_count(list(&s, "?type=domain_stale"), ""));
	assert_int_equal(0, answer_count(list(&s, "?type=domain_detached"), ""));
	assert_error(422, "validation_error", client_get(s.c, "/tenants/%s/alerts?type=other", s.t.id));
	client_close(s.c);
}

static void who_knows_of_one_can_say_so(void **state)
{
	struct scene s;
	const struct answer *a;
	char *key;

	open_scene(*state, "known", &s);
	raise_one(*state, &s, "known", "domain_stale", "warning", "b.example.com", 0);
	a = assert_status(200, acknowledge(&s, "known"));
	assert_false(answer_null(a, "acknowledged_at"));
	assert_memory_equal("key-", answer_text(a, "acknowledged_by"), 4);
	assert_true(answer_null(a, "resolved_at"));
	assert_status(200, acknowledge(&s, "known"));
	assert_int_equal(1, answer_count(list(&s, "?status=acknowledged"), ""));
	assert_int_equal(0, answer_count(list(&s, "?status=open"), ""));
	assert_error(404, "resource_not_found", acknowledge(&s, "unknown"));
	a = assert_status(200, client_get(s.c, "/audit/logs?object=alert"));
	assert_int_equal(1, answer_count(a, "logs"));
	assert_text("acknowledgeAlert", a, "logs[0].action");
	key = fixture_key(*state, s.t.id, "alerts:read", NULL);
	client_key(s.c, key);
	list(&s, "");
	assert_error(403, "insufficient_scope", acknowledge(&s, "known"));
	client_close(s.c);
	free(key);
}

static void they_are_over_when_what_they_are_about_is_gone(void **state)
{
	struct scene s;
	char path[200];

	open_scene(*state, "over", &s);
	snprintf(path, sizeof(path), "/tenants/%s/domains", s.t.id);
	assert_status(201, client_post(s.c, path, "{'domain':'www.over.org'}"));
	raise_one(*state, &s, "over", "domain_stale", "warning", "www.over.org", 0);
	raise_one(*state, &s, "other", "domain_stale", "warning", "api.over.org", 0);
	assert_status(200, client_delete(s.c, "/tenants/%s/domains/www.over.org", s.t.id));
	assert_text("alert-over", list(&s, "?status=resolved"), "[0].id");
	assert_false(answer_null(list(&s, "?status=resolved"), "[0].resolved_at"));
	assert_text("alert-other", list(&s, "?status=open"), "[0].id");
	assert_int_equal(1, answer_count(list(&s, "?status=open"), ""));
	client_close(s.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_is_a_bare_array),
		cmocka_unit_test(who_knows_of_one_can_say_so),
		cmocka_unit_test(they_are_over_when_what_they_are_about_is_gone),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
