/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles as bouncers see them: complete, signed, the same for the same content, and there when they
 * change.
 */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stage.h"
#include "temp.h"

#define CROWD 400
#define MANY 3000
#define PROMPT_MS 200 /* from a commit to the bundle at a bouncer that waits */
#define PROMPT_ROUNDS 15
#define REGO "package app.authz\\n\\nimport rego.v1\\n\\nallow if input.user == \\\"ann\\\"\\n"

static int64_t policy(struct stage *g, const char *name, const char *rego)
{
	return answer_int(
		assert_status(
			201, client_post(g->s->c, "/policies",
				     "{'name':'%s','environment':'sandbox','rego_code':\"%s\"}", name, rego)),
		"id");
}

static void a_bundle_holds_what_opa_wants(void **state)
{
	struct stage *g = *state;
	struct bouncer_bundle b;
	char name[100];
	int64_t id;

	assert_status(201, client_post(g->s->c, "/resources",
				   "{'name':'Users','type':'api','environment':'sandbox','path':'/u/*',"
				   "'attributes':{'z':1.5,'a':{'y':'\\u2028\\u000b\\u001F','x':[1,2]},"
				   "'owner':'<ann> & co'}}"));
	id = policy(g, "one", REGO);
	policy(g, "two", "package app\\n\\nallow := true\\n");
	policy(g, "three", "package other[ \\\"a-b\\\" ].c\\n\\nallow { input.x == 1 }\\n");
	bundle_open(g->s, bouncer_pull(g->sandbox, "sandbox", NULL), &b);
	snprintf(name, sizeof(name), "app/authz/policy-%" PRId64 ".rego", id);
	assert_string_equal("package app.authz\n\nimport rego.v1\n\nallow if input.user == \"ann\"\n",
		bouncer_file(b.n > 0 ? &b : NULL, name)->text);
	assert_non_null(bouncer_file(&b, "other/a-b/c/policy-3.rego"));
	assert_int_equal(3, json_array_size(json_object_get(b.manifest, "roots")));
	assert_string_equal(
		"other/a-b/c", json_string_value(json_array_get(json_object_get(b.manifest, "roots"), 1)));
	assert_int_equal(1, json_integer_value(json_object_get(b.manifest, "rego_version")));
	assert_true(json_is_integer(json_object_get(
		json_object_get(b.manifest, "file_rego_versions"), "/other/a-b/c/policy-3.rego")));
	assert_string_equal(
		"/u/*", json_string_value(json_object_get(
				json_object_get(json_object_get(b.data, "resources"), "Users"), "path")));
	assert_non_null(strstr(bouncer_file(&b, "data.json")->text, "\\u2028\\u000b\\u001f"));
	bouncer_close(&b);
}

/* OPA would refuse all of it for one of these. */
static void packages_that_no_bundle_can_have_are_refused(void **state)
{
	static const char *const bad[] = { "app[\\\"a@b\\\"]", "app[\\\"..\\\"].evil", "resources.r1" };
	struct stage *g = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(422, "rego_invalid",
			client_post(g->s->c, "/policies",
				"{'name':'p','environment':'sandbox','rego_code':\"package %s\\n\\nx := 1\"}",
				bad[i]));
}

/* The first has the rule; of the other the manifest says that it is left out. */
static void of_two_defaults_the_first_is_in_the_bundle(void **state)
{
	struct stage *g = *state;
	struct bouncer_bundle b;
	const json_t *policies;

	policy(g, "first", "package app\\n\\ndefault allow := false\\n");
	policy(g, "second", "package app\\n\\ndefault allow := true\\n");
	bundle_open(g->s, bouncer_pull(g->sandbox, "sandbox", NULL), &b);
	assert_non_null(bouncer_file(&b, "app/policy-1.rego"));
	assert_null(bouncer_file(&b, "app/policy-2.rego"));
	policies = json_object_get(json_object_get(b.manifest, "metadata"), "policies");
	assert_true(json_is_true(json_object_get(json_array_get(policies, 1), "left_out")));
	bouncer_close(&b);
}

/* What lies there in its place is not taken for it, though nobody knows it any more. */
static void a_damaged_bundle_is_made_again(void **state)
{
	struct stage *g = *state;
	struct bouncer_bundle b;
	char tag[100], path[600];

	snprintf(tag, sizeof(tag), "%s", tag_of(bouncer_pull(g->sandbox, "sandbox", NULL)));
	snprintf(path, sizeof(path), "%s/tenants/%s/bundles/sandbox/%.32s.tar.gz", daemon_objects(g->s->d),
		g->s->t.id, tag + 1);
	temp_write(path, "GARBAGE-not-a-bundle");
	daemon_stop(g->s->d);
	daemon_restart(g->s->d);
	stage_restarted(g);
	bundle_open(g->s, bouncer_pull(g->sandbox, "sandbox", NULL), &b);
	assert_memory_equal(tag + 1, b.revision, 32);
	bouncer_close(&b);
}

static void drafts_and_switched_off_policies_stay_out(void **state)
{
	struct stage *g = *state;
	const int64_t id = policy(g, "one", REGO);
	const struct answer *first = bouncer_pull(g->sandbox, "sandbox", NULL), *second;
	struct bouncer_bundle b;

	assert_status(200, client_post(g->s->c, "/policies/1/disable", "{}"));
	second = bouncer_pull(g->sandbox, "sandbox", tag_of(first));
	bundle_open(g->s, second, &b);
	assert_int_equal(3, b.n);
	bouncer_close(&b);
	assert_int_equal(1, id);
}

static void what_is_known_is_not_sent_again(void **state)
{
	struct stage *g = *state;
	const struct answer *a, *b;
	const char *tag;

	policy(g, "one", REGO);
	a = bouncer_pull(g->sandbox, "sandbox", NULL);
	tag = tag_of(a);
	b = assert_status(304, bouncer_ask(g->sandbox, "sandbox", tag, -1));
	assert_string_equal("", b->body);
	assert_string_equal("application/gzip", answer_header(b, "Content-Type"));
	b = assert_status(200, bouncer_ask(g->sandbox, "sandbox", "\"something-else\"", 0));
	assert_string_equal("application/vnd.openpolicyagent.bundles", answer_header(b, "Content-Type"));
	assert_int_equal(a->body_len, b->body_len);
	assert_memory_equal(a->body, b->body, a->body_len);
	b = assert_status(
		200, client_call(g->sandbox, "GET", "/api/v1/bundles/sandbox/bundle.tar.gz", NULL, NULL));
	assert_memory_equal(a->body, b->body, a->body_len);
}

static const struct answer *ask_with(struct stage *g, const char *method, const char *headers)
{
	return client_call(g->sandbox, method, "/api/v1/bundles/sandbox", headers, NULL);
}

static void tags_come_in_lists_and_wishes_have_bounds(void **state)
{
	struct stage *g = *state;
	const struct answer *a = bouncer_pull(g->sandbox, "sandbox", NULL), *b;
	const char *tag = tag_of(a);
	char headers[300];

	b = assert_status(200, ask_with(g, "HEAD", NULL));
	assert_string_equal(tag, answer_header(b, "ETag"));
	assert_int_equal(a->body_len, strtoul(answer_header(b, "Content-Length"), NULL, 10));
	assert_int_equal(0, b->body_len);
	snprintf(headers, sizeof(headers), "If-None-Match: \"other\", %s\r\n", tag);
	assert_status(304, ask_with(g, "GET", headers));
	assert_status(304, ask_with(g, "HEAD", headers));
	snprintf(headers, sizeof(headers), "If-None-Match: W/%s\r\n", tag);
	assert_status(304, ask_with(g, "GET", headers));
	assert_status(304, ask_with(g, "GET", "If-None-Match: *\r\n"));
	snprintf(headers, sizeof(headers), "If-None-Match: \"other\", %s\r\nPrefer: wait=1\r\n", tag);
	b = assert_status(304, ask_with(g, "GET", headers));
	assert_true(b->us >= 900000);
	/* No number is no wish to wait; the longest wish is cut, and ends when there is something new. */
	snprintf(headers, sizeof(headers), "If-None-Match: %s\r\nPrefer: wait=soon\r\n", tag);
	assert_status(304, ask_with(g, "GET", headers));
	snprintf(headers, sizeof(headers), "If-None-Match: %s\r\nPrefer: wait=-5\r\n", tag);
	assert_status(304, ask_with(g, "GET", headers));
	assert_status(200, ask_with(g, "GET", "Prefer: wait=99999999999999999999\r\n"));
}

static void who_waits_in_vain_is_told_so(void **state)
{
	struct stage *g = *state;
	const struct answer *a = bouncer_pull(g->sandbox, "sandbox", NULL), *b;

	b = assert_status(304, bouncer_ask(g->sandbox, "sandbox", tag_of(a), 1));
	assert_true(b->us >= 900000);
	assert_string_equal("application/vnd.openpolicyagent.bundles", answer_header(b, "Content-Type"));
}

static void neither_environment_sees_the_other(void **state)
{
	struct stage *g = *state;
	const struct answer *before, *a;
	struct bouncer_bundle b;

	before = bouncer_pull(g->production, "production", NULL);
	policy(g, "one", REGO);
	assert_string_equal(tag_of(before),
		tag_of(assert_status(200, bouncer_ask(g->production, "production", NULL, 1))));
	assert_error(403, "environment_mismatch", bouncer_ask(g->production, "sandbox", NULL, -1));
	assert_error(403, "environment_mismatch", bouncer_ask(g->sandbox, "production", NULL, -1));
	assert_error(404, "resource_not_found", bouncer_ask(g->sandbox, "staging", NULL, -1));
	assert_status(200, client_post(g->s->c, "/policies/1/promote", "{}"));
	a = bouncer_pull(g->production, "production", tag_of(before));
	bundle_open(g->s, a, &b);
	assert_int_equal(4, b.n);
	assert_string_equal("production",
		json_string_value(json_object_get(json_object_get(b.manifest, "metadata"), "environment")));
	bouncer_close(&b);
}

static void what_does_not_count_makes_no_bundle(void **state)
{
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));

	assert_status(201, client_post(g->s->c, "/users",
				   "{'email':'ann@acme.com','username':'ann','roles':['Viewer']}"));
	assert_status(304, bouncer_ask(g->sandbox, "sandbox", tag, 1));
	assert_int_equal(1, story_number(g->s, "SELECT count(*) FROM objects WHERE environment = 'sandbox'"));
	assert_int_equal(
		1, story_number(
			   g->s, "SELECT count(*) FROM objects, head WHERE objects.version = head.version"));
}

/* Twice the same content: the catalogue is lost, and the object, and both. */
static void the_same_content_is_the_same_bytes(void **state)
{
	struct stage *g = *state;
	const struct answer *a, *b;
	char path[500];

	policy(g, "one", REGO);
	a = bouncer_pull(g->sandbox, "sandbox", NULL);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/tenants/%s/bundles/sandbox/%.32s.tar.gz",
			daemon_objects(g->s->d), g->s->t.id, tag_of(a) + 1);
		assert_int_equal(0, access(path, F_OK));
		if (i != 1)
			story_value(g->s, "DELETE FROM objects");
		if (i != 0)
			unlink(path);
		/* What is in memory would hide it. */
		assert_int_equal(0, daemon_stop(g->s->d));
		daemon_restart(g->s->d);
		stage_restarted(g);
		b = bouncer_pull(g->sandbox, "sandbox", NULL);
		assert_string_equal(tag_of(a), tag_of(b));
		assert_int_equal(a->body_len, b->body_len);
		assert_memory_equal(a->body, b->body, a->body_len);
		assert_int_equal(0, access(path, F_OK));
	}
}

static void old_bundles_go(void **state)
{
	struct stage *g = *state;
	const struct answer *a = bouncer_pull(g->sandbox, "sandbox", NULL);
	char name[20];

	for (int i = 0; i < 14; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		policy(g, name, REGO);
		a = bouncer_pull(g->sandbox, "sandbox", tag_of(a));
	}
	assert_int_equal(10, story_number(g->s, "SELECT count(*) FROM objects"));
}

/* Waiting ------------------------------------------------------------------------------------------ */

struct waiter {
	struct client *c;
	const char *tag;
	const struct answer *answer;
	int64_t at_ms;
};

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;

	w->answer = bouncer_ask(w->c, "sandbox", w->tag, 25);
	w->at_ms = temp_now_ms();
	return NULL;
}

static int by_size(const void *x, const void *y)
{
	return *(const int64_t *)x > *(const int64_t *)y ? 1 : -1;
}

static void a_change_is_there_at_once(void **state)
{
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	int64_t took[PROMPT_ROUNDS];
	char name[20];

	for (int i = 0; i < PROMPT_ROUNDS; i++) {
		struct waiter w = { .c = g->sandbox, .tag = tag };
		int64_t committed;
		pthread_t thread;

		assert_int_equal(0, pthread_create(&thread, NULL, wait_for_it, &w));
		temp_sleep_ms(150);
		snprintf(name, sizeof(name), "p%d", i);
		policy(g, name, REGO);
		committed = temp_now_ms();
		assert_int_equal(0, pthread_join(thread, NULL));
		assert_status(200, w.answer);
		took[i] = w.at_ms - committed;
		tag = tag_of(w.answer);
	}
	qsort(took, PROMPT_ROUNDS, sizeof(took[0]), by_size);
	print_message("# from the commit to the bundle at a waiting bouncer: median %" PRId64
		      " ms, worst %" PRId64 " ms\n",
		took[PROMPT_ROUNDS / 2], took[PROMPT_ROUNDS - 1]);
	assert_true(took[PROMPT_ROUNDS / 2] < PROMPT_MS);
}

static int threads_of(const struct daemon *d)
{
	char path[40];
	DIR *folder;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)daemon_pid(d));
	folder = opendir(path);
	assert_non_null(folder);
	for (struct dirent *e; (e = readdir(folder)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(folder);
	return n;
}

/* Fifty times as many as there are workers, and none has a thread. */
static void a_crowd_waits_and_nobody_waits_for_it(void **state)
{
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	const int threads = threads_of(g->s->d), n = getenv("CC_LONG") != NULL ? MANY : CROWD;
	struct crowd *c = crowd_open(daemon_port(g->s->d), n, g->sandbox_key, "sandbox", tag, 60);
	int64_t begun;

	assert_int_equal(0, crowd_answered(c, "HTTP/1.1", 1000));
	assert_int_equal(threads, threads_of(g->s->d));
	assert_status(200, client_get(g->s->c, "/policies"));
	policy(g, "one", REGO);
	begun = temp_now_ms();
	assert_int_equal(n, crowd_answered(c, "HTTP/1.1 200", 30000));
	print_message(
		"# %d waiting bouncers had the new bundle after %" PRId64 " ms\n", n, temp_now_ms() - begun);
	crowd_close(c);
}

static void the_end_of_the_daemon_ends_the_wait(void **state)
{
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	struct crowd *c = crowd_open(daemon_port(g->s->d), 50, g->sandbox_key, "sandbox", tag, 60);
	const int64_t begun = temp_now_ms();

	assert_int_equal(0, crowd_answered(c, "HTTP/1.1", 500));
	assert_int_equal(0, daemon_stop(g->s->d));
	assert_true(temp_now_ms() - begun < 15000);
	assert_int_equal(50, crowd_answered(c, "HTTP/1.1 304", 5000));
	crowd_close(c);
	daemon_restart(g->s->d);
	stage_restarted(g);
}

/* A key that is revoked does not get what it waits for. */
static void a_revoked_key_waits_for_nothing(void **state)
{
	struct stage *g = *state;
	const char *tag = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	struct crowd *c = crowd_open(daemon_port(g->s->d), 3, g->sandbox_key, "sandbox", tag, 60);
	char sql[200];

	assert_int_equal(0, crowd_answered(c, "HTTP/1.1", 500));
	snprintf(sql, sizeof(sql),
		"SELECT id FROM cc.api_key WHERE tenant_id = '%s' AND display LIKE 'cc_test_%%'", g->s->t.id);
	assert_status(200, client_delete(g->s->operator, "/tenants/%s/api-keys/%s", g->s->t.id,
				   story_control_value(g->s, sql)));
	policy(g, "one", REGO);
	assert_int_equal(3, crowd_answered(c, "HTTP/1.1 401", 10000));
	crowd_close(c);
}

static void keys_of_anybody_are_public(void **state)
{
	struct stage *g = *state;
	const struct answer *own = bundle_keys(g->s), *other;

	assert_int_equal(1, answer_count(own, "keys"));
	other = assert_status(200, client_call(g->s->c, "GET",
					   "/.well-known/controlcore-keys/tenant-nobody-234567", NULL, NULL));
	assert_string_not_equal(answer_text(own, "keys[0].kid"), answer_text(other, "keys[0].kid"));
	assert_status(404, client_call(g->s->c, "GET", "/.well-known/controlcore-keys/Anything", NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_bundle_holds_what_opa_wants, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			packages_that_no_bundle_can_have_are_refused, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			a_damaged_bundle_is_made_again, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			of_two_defaults_the_first_is_in_the_bundle, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			drafts_and_switched_off_policies_stay_out, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			what_is_known_is_not_sent_again, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			tags_come_in_lists_and_wishes_have_bounds, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			who_waits_in_vain_is_told_so, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			neither_environment_sees_the_other, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			what_does_not_count_makes_no_bundle, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			the_same_content_is_the_same_bytes, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(old_bundles_go, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(a_change_is_there_at_once, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			a_crowd_waits_and_nobody_waits_for_it, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			the_end_of_the_daemon_ends_the_wait, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			a_revoked_key_waits_for_nothing, stage_open_unlimited, stage_close),
		cmocka_unit_test_setup_teardown(
			keys_of_anybody_are_public, stage_open_unlimited, stage_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
