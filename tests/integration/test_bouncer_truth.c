/* SPDX-License-Identifier: Apache-2.0 */
/* What bouncers say is taken as real ones say it, and what they are told is so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"
#include "temp.h"
#include "cc/base/str.h"

#define WAITS_S 60 /* who has the newest there is, as long as nobody tells him that there is no other */

static void registered(struct stage *g)
{
	assert_status(200,
		client_post(g->sandbox, "/peps/register", "{'bouncer_id':'b-1','resource':{'name':'R'}}"));
}

static void says(struct stage *g, const char *revision)
{
	assert_status(200, client_post(g->sandbox, "/status/b-1",
				   "{'bundles':{'sandbox':{'active_revision':'%s'}}}", revision));
}

static void await_answer(struct stage *g, const char *path, const char *name, const char *value)
{
	const int64_t until = temp_now_ms() + 20000;
	const struct answer *a;

	do {
		(void)bouncer_ask(g->sandbox, "sandbox", NULL, 1);
		a = assert_status(200, client_get(g->s->c, "%s", path));
	} while (strcmp(answer_text(a, name), value) != 0 && temp_now_ms() < until);
	assert_text(value, a, name);
}

static void what_cannot_be_made_is_not_current(void **state)
{
	struct stage *g = *state;
	const struct answer *a;
	char revision[80];

	registered(g);
	a = bouncer_pull(g->sandbox, "sandbox", NULL);
	snprintf(revision, sizeof(revision), "%.32s", answer_header(a, "ETag") + 1);
	says(g, revision);
	assert_true(json_is_true(answer_at(client_get(g->s->c, "/bouncers/1/revisions"), "current")));
	story_policy(g->s, "heavy");
	story_value(g->s, "UPDATE policies SET rego_code = rego_code || repeat('#', 70000000)");
	story_policy(g->s, "waits");
	story_value(g->s, "UPDATE policies SET updated_at = now() - interval '1 hour'");
	await_answer(g, "/bouncers/1/health", "status", "degraded");
	assert_non_null(strstr(answer_text(client_get(g->s->c, "/bouncers/1/health"), "fault"), "64 MiB"));
	/* Who starts anew gets what could be made at once, and who has that is told why there is no other. */
	a = assert_status(200, bouncer_ask(g->sandbox, "sandbox", NULL, -1));
	a = assert_error(503, "service_unavailable", bouncer_ask(g->sandbox, "sandbox", tag_of(a), 1));
	assert_non_null(strstr(a->body, "64 MiB at most"));
	says(g, revision);
	a = assert_status(200, client_get(g->s->c, "/bouncers/1/revisions"));
	assert_true(json_is_false(answer_at(a, "current")));
	assert_false(answer_null(a, "unbuilt_since"));
	assert_int_equal(1, story_number(g->s, "SELECT count(*) FROM bundle_trouble"));
	assert_false(answer_null(
		assert_status(200, client_get(g->s->c, "/rollouts/%s", revision)), "unbuilt_since"));
	story_value(g->s, "UPDATE policies SET rego_code = rtrim(rego_code, '#')");
	await_answer(g, "/bouncers/1/health", "status", "healthy");
	a = assert_status(200, client_get(g->s->c, "/bouncers/1/revisions"));
	assert_true(answer_null(a, "unbuilt_since"));
}

/* It becomes known while somebody waits, who is told why, and does not wait as long as he would. */
static void what_cannot_be_made_is_told_at_once(void **state)
{
	struct stage *g = *state;
	const struct answer *a;
	const char *tag;

	story_policy(g->s, "heavy");
	tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	story_value(g->s, "UPDATE policies SET rego_code = rego_code || repeat('#', 70000000)");
	story_value(g->s,
		"CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
		" 'BEGIN PERFORM pg_sleep(2); RETURN NEW; END';"
		"CREATE TRIGGER slowly BEFORE INSERT ON bundle_trouble"
		" FOR EACH ROW EXECUTE FUNCTION slowly()");
	story_policy(g->s, "waits");
	a = assert_error(503, "service_unavailable", bouncer_ask(g->sandbox, "sandbox", tag, WAITS_S));
	assert_non_null(strstr(a->body, "64 MiB at most"));
	assert_true(a->us < WAITS_S / 2 * INT64_C(1000000));
}

/* Nobody made it since, and nobody waits: who has the bundle all the same sees to it. */
static void what_was_wrong_ends_for_those_who_do_not_wait(void **state)
{
	struct stage *g = *state;
	const int64_t until = temp_now_ms() + 30000;

	registered(g);
	(void)bouncer_pull(g->sandbox, "sandbox", NULL);
	assert_int_equal(0, daemon_stop(g->s->d));
	story_value(
		g->s, "INSERT INTO bundle_trouble (environment, why, since) VALUES ('sandbox', 'x', now())");
	daemon_restart(g->s->d);
	client_port(g->sandbox, daemon_port(g->s->d));
	client_port(g->s->c, daemon_port(g->s->d));
	client_port(g->s->operator, daemon_port(g->s->d));
	do {
		assert_status(200, bouncer_ask(g->sandbox, "sandbox", NULL, 0));
	} while (story_number(g->s, "SELECT count(*) FROM bundle_trouble") > 0 && temp_now_ms() < until);
	assert_int_equal(0, story_number(g->s, "SELECT count(*) FROM bundle_trouble"));
}

static const struct answer *of_resource(struct stage *g, const char *resource)
{
	return client_post(
		g->sandbox, "/peps/register", "{'bouncer_id':'b_1','resource':{'name':'R'%s}}", resource);
}

static void what_is_said_of_a_resource_is_changed(void **state)
{
	struct stage *g = *state;
	const struct answer *a;

	assert_status(200, of_resource(g, ",'target_host':'one:80'"));
	assert_text("unknown.invalid", client_get(g->s->c, "/bouncers/1"), "hostname");
	assert_status(200, of_resource(g, ",'target_host':'two:80','default_security_posture':'allow-all',"
					  "'deployment_url':'https://[::1]:8443/x'"));
	a = assert_status(200, client_get(g->s->c, "/resources/1"));
	assert_text("two:80", a, "target_host");
	assert_text("allow-all", a, "default_security_posture");
	assert_text("https://[::1]:8443/x", a, "url");
	assert_int(2, a, "version");
	assert_text("::1", client_get(g->s->c, "/bouncers/1"), "hostname");
	/* What is not sent stays, and the same again changes nothing. */
	assert_status(200, of_resource(g, ",'target_host':'two:80'"));
	a = assert_status(200, client_get(g->s->c, "/resources/1"));
	assert_text("allow-all", a, "default_security_posture");
	assert_int(2, a, "version");
	assert_status(201, client_post(g->s->c, "/resources",
				   "{'name':'Own','type':'api','environment':'sandbox',"
				   "'target_host':'own:80'}"));
	assert_status(200, client_post(g->sandbox, "/peps/register",
				   "{'bouncer_id':'b-2','resource':{'name':'Own','target_host':'x:80'}}"));
	assert_text("own:80", client_get(g->s->c, "/resources/2"), "target_host");
	assert_fault("bouncer_id", "format",
		client_post(g->sandbox, "/peps/register", "{'bouncer_id':'..','resource':{'name':'R'}}"));
}

/* As Go writes what Prometheus gathers: 500 families of two series each, with labels. In the arena. */
static const char *opa_status(struct arena *a)
{
	struct str text;

	str_init(&text, a, 400000);
	str_add(&text,
		"{'labels':{'id':'2f1c','version':'1.4.2'},'bundles':{'sandbox':{'name':'sandbox',"
		"'active_revision':'real','size':1024,'type':'snapshot','last_request':"
		"'2026-01-02T03:04:05.678901234Z','metrics':{'timer_rego_load_bundles_ns':12345678}}},"
		"'plugins':{'bundle':{'state':'OK'},'status':{'state':'OK'}},'decision_logs':{},"
		"'discovery':null,'later':[1,2],'metrics':{'prometheus':{'go_gc_gomemlimit_bytes':{'name':"
		"'go_gc_gomemlimit_bytes','type':1,'metric':[{'gauge':{'value':9223372036854776000}}]}");
	for (int i = 0; i < 500; i++)
		str_addf(&text,
			",'m_%d':{'name':'m_%d','help':'h','type':4,'metric':[{'label':[{'name':'code',"
			"'value':'200'},{'name':'handler','value':'v1/data'}],'histogram':{'sample_count':"
			"18446744073709551615,'sample_sum':1.5e-05,'bucket':[{'cumulative_count':1,"
			"'upper_bound':1e-06},{'cumulative_count':2,'upper_bound':1.25e+21}]}}]}",
			i, i);
	str_add(&text, "}}}");
	return text.data;
}

static void what_opa_sends_besides_is_passed_over(void **state)
{
	struct stage *g = *state;
	struct arena *a = arena_create(65536);

	registered(g);
	assert_text("real", assert_status(200, client_post(g->sandbox, "/status/b-1", "%s", opa_status(a))),
		"revision");
	assert_fault("bundles", "type", client_post(g->sandbox, "/status/b-1", "{'bundles':[],'x':1}"));
	arena_destroy(a);
}

static void what_only_has_the_tag_inside_is_another(void **state)
{
	struct stage *g = *state;
	const char *tag = answer_header(bouncer_pull(g->sandbox, "sandbox", NULL), "ETag");
	char other[100];
	const struct answer *a;

	snprintf(other, sizeof(other), "\"a%.32sb\"", tag + 1);
	a = assert_status(200, bouncer_ask(g->sandbox, "sandbox", other, 60));
	assert_true(a->us < 30000000);
}

/* Nor does anybody of a tenant that is suspended meanwhile. */
static void a_suspended_tenant_waits_for_nothing(void **state)
{
	struct stage *g = *state;
	const char *tag = answer_header(bouncer_pull(g->sandbox, "sandbox", NULL), "ETag");
	struct crowd *c = crowd_open(daemon_port(g->s->d), 3, g->sandbox_key, "sandbox", tag, 60);
	char path[100];

	assert_int_equal(0, crowd_answered(c, "HTTP/1.1", 500));
	snprintf(path, sizeof(path), "/tenants/%s/suspend", g->s->t.id);
	assert_status(200, client_post(g->s->operator, path, "{'reason':'unpaid'}"));
	assert_int_equal(3, crowd_answered(c, "HTTP/1.1 403", 10000));
	crowd_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_cannot_be_made_is_told_at_once, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(what_cannot_be_made_is_not_current, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			what_was_wrong_ends_for_those_who_do_not_wait, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			what_is_said_of_a_resource_is_changed, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			what_opa_sends_besides_is_passed_over, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			what_only_has_the_tag_inside_is_another, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			a_suspended_tenant_waits_for_nothing, stage_open, stage_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
