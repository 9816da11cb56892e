/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half of all replies are lost, and every request is sent until one arrives, with the same
 * Idempotency-Key. However often that is, it happened once.
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

#include "lossy.h"
#include "story.h"
#include "temp.h"

enum {
	SENDERS = 4,
	OPS = 300,
	OPS_LONG = 10000, /* of all senders together */
	KILLS = 12,
	KILLS_LONG = 300,
	LOSS = 50,            /* percent */
	PATIENCE_MS = 150000, /* with one request; ten times as much with full counts */
	OBJECTS = 4096,
};

enum kind {
	POLICY,
	RESOURCE,
	BOUNCER,
	PATCH,
	DELETE,
	KEY,
	REVOKE,
	TENANT,
	KINDS,
};
/* Of twenty operations. */
static const enum kind mix[20] = { POLICY, RESOURCE, PATCH, KEY, POLICY, BOUNCER, PATCH, REVOKE, POLICY,
	DELETE, RESOURCE, PATCH, POLICY, KEY, POLICY, REVOKE, BOUNCER, DELETE, PATCH, TENANT };

struct sender {
	struct story *s;
	struct client *c, *operator; /* through the lossy network */
	int index, ops;
	int done[KINDS], replays;
	struct {
		int64_t id;
		int64_t version;
	} policy[OBJECTS]; /* those it made and did not delete */
	int npolicies, made;
	char key_id[64]; /* the one it made last, "" when it is revoked */
	char problem[1200];
	atomic_int finished;
	atomic_bool enough; /* it ends with the operation under way */
};

static void complain(struct sender *w, const struct answer *a, const char *what)
{
	if (w->problem[0] == '\0')
		snprintf(w->problem, sizeof(w->problem), "%s: %s: %d %s", what, a->asked, a->status,
			a->status == 0 ? a->error : a->body);
}

/* No word, or the word to come again. */
static bool is_open(const struct answer *a)
{
	const char *error = a->status >= 400 ? json_string_value(answer_at(a, "error")) : NULL;

	if (a->status == 0 || a->status == 429 || a->status == 503)
		return true;
	return error != NULL && strcmp(error, "idempotency_in_progress") == 0;
}

static const struct answer *insist(struct sender *w, struct client *c, const char *method, const char *path,
	const char *body, int expected)
{
	const int64_t end = temp_now_ms() + (getenv("CC_LONG") != NULL ? 10 * PATIENCE_MS : PATIENCE_MS);
	const struct answer *a;
	char header[100], target[200];
	int tries = 0;

	snprintf(header, sizeof(header), "Idempotency-Key: %s-%d-%d\r\n", w->s->t.slug, w->index, w->made++);
	snprintf(target, sizeof(target), "/api/v1%s", path);
	do {
		if (tries++ > 0)
			temp_sleep_ms(tries < 10 ? 1 : 20);
		a = client_call(c, method, target, header, body);
	} while (is_open(a) && temp_now_ms() < end);
	if (a->status != expected)
		complain(w, a, "after all tries");
	w->replays += answer_header(a, "Idempotent-Replayed") != NULL;
	return a;
}

static void make(struct sender *w, const char *path, const char *more)
{
	char body[300];
	const struct answer *a;

	snprintf(body, sizeof(body), "{\"name\":\"n-%d-%d\",%s}", w->index, w->made, more);
	a = insist(w, w->c, "POST", path, body, 201);
	if (a->status == 201 && strcmp(path, "/policies") == 0 && w->npolicies < OBJECTS) {
		w->policy[w->npolicies].id = answer_int(a, "id");
		w->policy[w->npolicies++].version = 1;
	}
}

static void patch(struct sender *w)
{
	const int i = w->made % (w->npolicies > 0 ? w->npolicies : 1);
	char path[64], body[100];
	const struct answer *a;

	snprintf(path, sizeof(path), "/policies/%lld", (long long)w->policy[i].id);
	snprintf(body, sizeof(body), "{\"description\":\"%d\"}", w->made);
	a = insist(w, w->c, "PATCH", path, body, 200);
	w->policy[i].version++;
	if (a->status == 200 && answer_int(a, "version") != w->policy[i].version)
		complain(w, a, "not one version more");
}

static void drop(struct sender *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/policies/%lld", (long long)w->policy[--w->npolicies].id);
	insist(w, w->c, "DELETE", path, NULL, 200);
}

static void make_key(struct sender *w)
{
	char path[128], body[100];
	const struct answer *a;

	snprintf(path, sizeof(path), "/tenants/%s/api-keys", w->s->t.id);
	snprintf(body, sizeof(body), "{\"name\":\"n-%d-%d\",\"scopes\":[\"policies:read\"]}", w->index,
		w->made);
	a = insist(w, w->c, "POST", path, body, 201);
	if (a->status == 201)
		snprintf(w->key_id, sizeof(w->key_id), "%s", answer_text(a, "id"));
	if (a->status == 201 && answer_header(a, "Idempotent-Replayed") != NULL &&
		answer_at(a, "key") != NULL)
		complain(w, a, "shows the secret again");
}

static void revoke(struct sender *w)
{
	char path[200];

	snprintf(path, sizeof(path), "/tenants/%s/api-keys/%s", w->s->t.id, w->key_id);
	insist(w, w->c, "DELETE", path, NULL, 200);
}

static void make_tenant(struct sender *w)
{
	char body[300];
	const struct answer *a;

	snprintf(body, sizeof(body),
		"{\"name\":\"Lost %s\",\"domain\":\"%s-%d-%d.controlcore.io\",\"region\":\"us-east-1\"}",
		w->s->t.slug, w->s->t.slug, w->index, w->made);
	a = insist(w, w->operator, "POST", "/tenants", body, 201);
	if (a->status == 201 && strcmp("active", answer_text(a, "status")) != 0)
		complain(w, a, "is not active");
}

static void operate(struct sender *w, enum kind kind)
{
	static const char *const bodies[] = { "\"rego_code\":\"package p\"", "\"type\":\"api\"",
		"\"hostname\":\"h.example.com\",\"environment\":\"sandbox\"" };
	static const char *const paths[] = { "/policies", "/resources", "/bouncers" };

	switch (kind) {
	case POLICY:
	case RESOURCE:
	case BOUNCER:
		make(w, paths[kind], bodies[kind]);
		break;
	case PATCH:
		patch(w);
		break;
	case DELETE:
		drop(w);
		break;
	case KEY:
		make_key(w);
		break;
	case REVOKE:
		revoke(w);
		break;
	case TENANT:
		make_tenant(w);
		break;
	case KINDS:
		break;
	}
	w->done[kind]++;
}

static void *send_all(void *arg)
{
	struct sender *w = arg;

	for (int i = 0; i < w->ops && w->problem[0] == '\0' && !atomic_load(&w->enough); i++) {
		operate(w, mix[i % 20]);
		client_forget(w->c);
		client_forget(w->operator);
		atomic_fetch_add(&w->finished, 1);
	}
	return NULL;
}

/* What happened, against what was asked for --------------------------------------------------------- */

static int total(const struct sender *w, enum kind kind)
{
	int n = 0;

	for (int i = 0; i < SENDERS; i++)
		n += w[i].done[kind];
	return n;
}

static void check_actions(struct story *s, const struct sender *w)
{
	const struct {
		enum kind kind;
		const char *action;
		bool control;
	} actions[] = {
		{POLICY,    "createPolicy",   false},
		{ RESOURCE, "createResource", false},
		{ BOUNCER,  "createBouncer",  false},
		{ PATCH,    "updatePolicy",   false},
		{ DELETE,   "deletePolicy",   false},
		{ KEY,      "createApiKey",   true },
		{ REVOKE,   "revokeApiKey",   true },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		char sql[200];
		int64_t n;

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE action = '%s'%s%s%s",
			actions[i].control ? "tenant_audit" : "audit", actions[i].action,
			actions[i].control ? " AND tenant_id = '" : "", actions[i].control ? s->t.id : "",
			actions[i].control ? "'" : "");
		n = actions[i].control ? strtoll(story_control_value(s, sql), NULL, 10)
				       : story_number(s, sql);
		/* The tenant's first key was made with it. */
		if (actions[i].kind == KEY)
			n--;
		if (n != total(w, actions[i].kind))
			fail_msg("%s took place %lld times, was asked for %d times", actions[i].action,
				(long long)n, total(w, actions[i].kind));
	}
}

static void check_objects(struct story *s, const struct sender *w)
{
	char sql[300];

	assert_int_equal(total(w, POLICY) - total(w, DELETE),
		story_number(s, "SELECT count(DISTINCT name) FROM policies WHERE deleted_at IS NULL"));
	assert_int_equal(total(w, RESOURCE), story_number(s, "SELECT count(DISTINCT name) FROM resources"));
	assert_int_equal(total(w, BOUNCER), story_number(s, "SELECT count(*) FROM bouncers"));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM api_key WHERE tenant_id = '%s'", s->t.id);
	assert_int_equal(total(w, KEY) + 1, strtoll(story_control_value(s, sql), NULL, 10));
	for (int i = 0; i < SENDERS; i++)
		for (int k = 0; k < w[i].npolicies; k++) {
			snprintf(sql, sizeof(sql), "SELECT version FROM policies WHERE id = %lld",
				(long long)w[i].policy[k].id);
			assert_int_equal(w[i].policy[k].version, story_number(s, sql));
		}
}

static void check_tenants(struct story *s, const struct sender *w)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM tenant WHERE name = 'Lost %s' AND status = 'active'",
		s->t.slug);
	assert_int_equal(total(w, TENANT), strtoll(story_control_value(s, sql), NULL, 10));
	snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM tenant_audit a JOIN tenant t ON t.id = a.tenant_id"
		" WHERE t.name = 'Lost %s' AND a.action = 'createTenant'",
		s->t.slug);
	assert_int_equal(total(w, TENANT), strtoll(story_control_value(s, sql), NULL, 10));
	assert_string_equal(
		"0", story_control_value(s, "SELECT count(*) FROM tenant WHERE status = 'provisioning'"));
}

/* Each request left one record, and none is unfinished but for a tenant's that nobody asked for again. */
static void check_records(struct story *s, const struct sender *w)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM idempotency WHERE key LIKE '%s-%%'", s->t.slug);
	assert_int_equal(total(w, POLICY) + total(w, RESOURCE) + total(w, BOUNCER) + total(w, PATCH) +
				 total(w, DELETE),
		story_number(s, sql));
	assert_int_equal(total(w, KEY) + total(w, REVOKE) + total(w, TENANT),
		strtoll(story_control_value(s, sql), NULL, 10));
}

/* Stages -------------------------------------------------------------------------------------------- */

struct crowd {
	struct lossy *net;
	struct sender *sender;
	pthread_t thread[SENDERS];
};

static void begin(struct story *s, struct crowd *c, int ops)
{
	static const char unlimited[] =
		"'max_policies':null,'max_resources':null,'max_bouncers':null,'max_users':null";

	story_limit(s, unlimited);
	c->net = lossy_open(daemon_port(s->d), 4711);
	lossy_rate(c->net, LOSS);
	c->sender = calloc(SENDERS, sizeof(*c->sender));
	assert_non_null(c->sender);
	for (int i = 0; i < SENDERS; i++) {
		struct sender *w = &c->sender[i];

		w->s = s;
		w->index = i;
		w->ops = ops / SENDERS;
		w->c = client_open(lossy_port(c->net));
		client_key(w->c, s->t.key);
		w->operator= client_open(lossy_port(c->net));
		client_key(w->operator, daemon_operator_key(s->d));
		assert_int_equal(0, pthread_create(&c->thread[i], NULL, send_all, w));
	}
}

static void end(struct story *s, struct crowd *c)
{
	long lost, delivered;
	int replays = 0;

	for (int i = 0; i < SENDERS; i++) {
		pthread_join(c->thread[i], NULL);
		replays += c->sender[i].replays;
		if (c->sender[i].problem[0] != '\0')
			fail_msg("%s", c->sender[i].problem);
		client_close(c->sender[i].c);
		client_close(c->sender[i].operator);
	}
	lossy_counts(c->net, &lost, &delivered);
	print_message("# %ld replies lost, %ld delivered, %d of them replays\n", lost, delivered, replays);
	assert_true(lost > 0 && replays > 0);
	lossy_close(c->net);
	check_actions(s, c->sender);
	check_objects(s, c->sender);
	check_tenants(s, c->sender);
	check_records(s, c->sender);
	free(c->sender);
}

static void a_request_whose_replies_are_lost_happens_once(void **state)
{
	struct story *s = *state;
	struct crowd c;

	begin(s, &c, getenv("CC_LONG") != NULL ? OPS_LONG : OPS);
	end(s, &c);
}

static int finished(const struct crowd *c)
{
	int n = 0;

	for (int i = 0; i < SENDERS; i++)
		n += atomic_load(&c->sender[i].finished);
	return n;
}

/* Something happens between two deaths; a creation that was cut off must be undone first, for example. */
static void await_progress(const struct crowd *c, int before)
{
	for (int64_t end = temp_now_ms() + 5000; finished(c) == before && temp_now_ms() < end;)
		temp_sleep_ms(2);
}

/* The program dies at any moment, and another takes its place. */
static void a_request_whose_server_dies_happens_once(void **state)
{
	const int kills = getenv("CC_LONG") != NULL ? KILLS_LONG : KILLS;
	struct story *s = *state;
	struct crowd c;
	unsigned random = 815;

	begin(s, &c, OPS_LONG);
	for (int i = 0; i < kills; i++) {
		await_progress(&c, finished(&c));
		random = random * 1103515245 + 12345;
		temp_sleep_ms((int)(random >> 16) % 300);
		daemon_kill(s->d);
		daemon_restart(s->d);
		lossy_target(c.net, daemon_port(s->d));
	}
	for (int i = 0; i < SENDERS; i++)
		atomic_store(&c.sender[i].enough, true);
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
	end(s, &c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_request_whose_replies_are_lost_happens_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_request_whose_server_dies_happens_once, story_open, story_close),
	};

	daemon_group_options(&(struct daemon_options){ .provision_lease_s = 2 });
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
