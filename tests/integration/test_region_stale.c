/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant whose place another region has become, and nodes that have not heard of it: steps made by hand. */
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
#include <libpq-fe.h>

#include "cc/base/clock.h"

#include "client.h"

#define POLICY "{'name':'%s%d','rego_code':'package p'}"
#define LIMITS "{'max_policies':1000000}"

enum { NODES = 2, WRITERS = 4, FLIPS = 20, PAUSE_MS = 150, FRESH_MS = 1000 };

/* Where a tenant may be: two schemas in two regions, the second of which was another tenant's. */
struct place {
	char *database;
	char schema[32];
	char version[32];       /* of its head when it was fenced */
};

struct scene {
	struct daemon *node[NODES];
	struct tenant_fixture t, other;
	struct place place[2];
	int at, epoch;
};

static const char *const regions[2] = { "us-east-1", "eu-west-1" };
static struct scene *scene;

static bool sanitized(void)
{
	const char *sanitize = getenv("CC_SANITIZE");

	return sanitize != NULL && sanitize[0] != '\0';
}

/* The first column of the first row. */
static const char *ask(const char *database, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *ask(const char *database, const char *fmt, ...)
{
	static char text[128];
	char *conninfo = daemon_conninfo(scene->node[0], database), sql[600];
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	r = PQexec(pg, sql);
	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	(void)snprintf(text, sizeof(text), "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	PQclear(r);
	PQfinish(pg);
	free(conninfo);
	return text;
}

static void fence(struct place *p)
{
	const char *version = ask(p->database, "UPDATE %s.head SET writable = false RETURNING version",
				  p->schema);

	(void)snprintf(p->version, sizeof(p->version), "%s", version);
}

/* What was written behind the fence would have counted. */
static void open_gate(struct place *p, int epoch)
{
	const char *version = ask(p->database, "SELECT version FROM %s.head", p->schema);

	if (p->version[0] != '\0')
		assert_string_equal(p->version, version);
	(void)ask(p->database, "UPDATE %s.head SET writable = true, epoch = %d", p->schema, epoch);
}

static void point_to(int at)
{
	(void)ask(DAEMON_CONTROL_DB,
		  "UPDATE cc.tenant SET region = '%s', schema_id = '%s', epoch = %d WHERE id = '%s'",
		  regions[at], scene->place[at].schema, scene->epoch, scene->t.id);
}

/* Nobody is told: only the gate can tell who asks. */
static void flip(void)
{
	const int to = 1 - scene->at;

	fence(&scene->place[scene->at]);
	scene->epoch++;
	open_gate(&scene->place[to], scene->epoch);
	point_to(to);
	scene->at = to;
}

static void tell_all(void)
{
	(void)ask(DAEMON_CONTROL_DB,
		  "WITH h AS (UPDATE cc.change_head SET version = version + 1 RETURNING version)"
		  " INSERT INTO cc.change (version, tenant_id, kind, subject)"
		  " SELECT version, '%s', 'tenant', '%s' FROM h", scene->t.id, scene->t.id);
}

static long policies_at(int at, const char *word)
{
	const struct place *p = &scene->place[at];

	return strtol(ask(p->database, "SELECT count(*) FROM %s.policies WHERE name LIKE '%s%%'", p->schema,
			  word),
		      NULL, 10);
}

static const struct answer *read_anew(struct client *c)
{
	return client_call(c, "GET", "/api/v1/policies?limit=1", "Cache-Control: no-cache\r\n", NULL);
}

static const char *name_of_first(struct client *c)
{
	return answer_text(assert_status(200, client_get(c, "/policies/1")), "name");
}

/* --- Stories -------------------------------------------------------------------------------------- */

/* Each time on both nodes: one request, and it is where it belongs. */
static void a_write_follows_to_another_region_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		for (int n = 0; n < NODES; n++) {
			struct client *c = client_open(daemon_port(scene->node[n]));
			long before[2];

			client_key(c, scene->t.key);
			assert_status(200, read_anew(c));
			flip();
			for (int at = 0; at < 2; at++)
				before[at] = policies_at(at, "follow");
			assert_status(201, client_post(c, "/policies", POLICY, "follow", NODES * i + n));
			assert_int_equal(before[scene->at] + 1, policies_at(scene->at, "follow"));
			assert_int_equal(before[1 - scene->at], policies_at(1 - scene->at, "follow"));
			client_close(c);
		}
	}
}

static void behind_a_fence_nothing_is_written(void **state)
{
	struct client *c = client_open(daemon_port(scene->node[0]));
	const struct answer *a;

	(void)state;
	client_key(c, scene->t.key);
	fence(&scene->place[scene->at]);
	a = client_post(c, "/policies", POLICY, "fence", 0);
	assert_error(503, "tenant_moving", a);
	assert_string_equal("1", answer_header(a, "Retry-After"));
	assert_int_equal(0, policies_at(0, "fence") + policies_at(1, "fence"));
	open_gate(&scene->place[scene->at], scene->epoch);
	assert_status(201, client_post(c, "/policies", POLICY, "fence", 0));
	client_close(c);
}

/* The place that was left goes on answering: it is not asked for longer than a second. */
static void a_read_of_the_old_place_is_a_second_old_at_most(void **state)
{
	struct client *c[NODES];
	int64_t longest = 0;

	(void)state;
	for (int n = 0; n < NODES; n++) {
		c[n] = client_open(daemon_port(scene->node[n]));
		client_key(c[n], scene->t.key);
	}
	for (int i = 0; i < 6; i++) {
		char now[16];
		int64_t start;

		for (int n = 0; n < NODES; n++)
			assert_status(200, read_anew(c[n]));
		flip();
		(void)snprintf(now, sizeof(now), "at %d", scene->at);
		start = clock_mono_ms();
		tell_all();
		for (int n = 0; n < NODES; n++) {
			while (strcmp(now, name_of_first(c[n])) != 0)
				clock_nap(5);
			if (clock_mono_ms() - start > longest)
				longest = clock_mono_ms() - start;
		}
	}
	print_message("the old place was read for %lld ms at most\n", (long long)longest);
	/* The promise, and as much again for clients that get no processor. */
	assert_true(longest <= (sanitized() ? 10 : 2) * FRESH_MS);
	for (int n = 0; n < NODES; n++)
		client_close(c[n]);
}

struct writer {
	int index;
	long taken, moving, others;
};

static atomic_bool over;

static void *write_on(void *arg)
{
	struct writer *w = arg;
	struct client *c = client_open(daemon_port(scene->node[w->index % NODES]));

	client_key(c, scene->t.key);
	for (int i = 0; !atomic_load(&over); i++) {
		const struct answer *a = client_post(c, "/policies", POLICY, "race", w->index * 1000000 + i);

		w->taken += a->status == 201;
		w->moving += a->status == 503;
		w->others += a->status != 201 && a->status != 503;
	}
	client_close(c);
	return NULL;
}

/* What was acknowledged is there, once, and nothing that was not; open_gate() looks behind the fences. */
static void of_many_writes_none_is_lost_and_none_is_late(void **state)
{
	struct writer w[WRITERS], all = { 0 };
	pthread_t thread[WRITERS];

	(void)state;
	atomic_store(&over, false);
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .index = i };
		assert_int_equal(0, pthread_create(&thread[i], NULL, write_on, &w[i]));
	}
	for (int i = 0; i < FLIPS; i++) {
		clock_nap(PAUSE_MS);
		flip();
		if (i % 2 == 0)
			tell_all();
	}
	clock_nap(PAUSE_MS);
	atomic_store(&over, true);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(thread[i], NULL);
		all.taken += w[i].taken;
		all.moving += w[i].moving;
		all.others += w[i].others;
	}
	print_message("%d flips: %ld writes taken, %ld asked to come again\n", FLIPS, all.taken, all.moving);
	assert_int_equal(0, all.others);
	assert_true(all.taken > FLIPS);
	assert_int_equal(all.taken, policies_at(0, "race") + policies_at(1, "race"));
	assert_true(policies_at(0, "race") > 0 && policies_at(1, "race") > 0);
}

/* --- Set-up --------------------------------------------------------------------------------------- */

static void find_place(int at, const struct tenant_fixture *t)
{
	struct place *p = &scene->place[at];
	struct client *c = client_of(scene->node[0], t);

	p->database = daemon_region_db(regions[at]);
	(void)snprintf(p->schema, sizeof(p->schema), "%s",
		       ask(DAEMON_CONTROL_DB, "SELECT schema_id FROM cc.tenant WHERE id = '%s'", t->id));
	assert_status(201, client_post(c, "/policies", POLICY, "at ", at));
	client_close(c);
}

static int open_scene(void **state)
{
	static const struct daemon_options options = { .own_servers = true };

	scene = calloc(1, sizeof(*scene));
	scene->node[0] = daemon_start(&options);
	scene->node[1] = daemon_join(scene->node[0], &options);
	fixture_tenant(scene->node[0], "moves", "enterprise", regions[0], LIMITS, &scene->t);
	fixture_tenant(scene->node[0], "gives", "enterprise", regions[1], LIMITS, &scene->other);
	find_place(0, &scene->t);
	find_place(1, &scene->other);
	/* What is in the second place belongs to nobody else any more. */
	(void)ask(DAEMON_CONTROL_DB, "UPDATE cc.tenant SET schema_id = NULL WHERE id = '%s'",
		  scene->other.id);
	scene->epoch = 1;
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	(void)state;
	for (int n = NODES; n-- > 0;)
		daemon_finish(scene->node[n]);
	for (int at = 0; at < 2; at++)
		free(scene->place[at].database);
	free(scene);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_follows_to_another_region_at_once),
		cmocka_unit_test(behind_a_fence_nothing_is_written),
		cmocka_unit_test(a_read_of_the_old_place_is_a_second_old_at_most),
		cmocka_unit_test(of_many_writes_none_is_lost_and_none_is_late),
	};

	return cmocka_run_group_tests(tests, open_scene, close_scene);
}
