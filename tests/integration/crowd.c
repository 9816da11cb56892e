/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "temp.h"

#define AGAIN_MS 5
#define AWAY_MS 20
#define DESCRIBE_EVERY 3

/* One client ------------------------------------------------------------------------------------------ */

static void complain(struct crowd_worker *w, const struct answer *a)
{
	if (w->problem[0] == '\0')
		snprintf(w->problem, sizeof(w->problem), "worker %d: %s: %d %.400s", w->n, a->asked,
			a->status, a->status == 0 ? a->error : a->body);
}

/* At the node that is next, if it is there. */
static struct client *at_node(struct crowd_worker *w, long i)
{
	struct crowd *c = w->crowd;

	for (int k = 0; k < c->nodes; k++) {
		const int n = (int)((i + k) % c->nodes), port = atomic_load(&c->port[n]);

		if (port == 0)
			continue;
		if (port != w->port[n])
			client_port(w->client[n], port);
		w->port[n] = port;
		return w->client[n];
	}
	return w->client[i % c->nodes];
}

static bool is_code(const struct answer *a, const char *code)
{
	const json_t *is = answer_at(a, "error");

	return json_is_string(is) && strcmp(json_string_value(is), code) == 0;
}

/* Not done, or nobody knows: it is asked for again. False: that must not be. */
static bool is_excused(struct crowd_worker *w, const struct answer *a, bool *uncertain)
{
	const bool moving = a->status == 503 && is_code(a, "tenant_moving");

	if (moving) {
		w->refused++;
		temp_sleep_ms(AGAIN_MS);
		return true;
	}
	if (!w->crowd->faults || (a->status != 503 && a->status != 0))
		return false;
	*uncertain = true;
	temp_sleep_ms(AWAY_MS);
	return true;
}

struct ask {
	const struct answer *(*call)(struct crowd_worker *w, struct client *c, long n);
	int status;
};

static const struct answer *create(struct crowd_worker *w, struct client *c, long n)
{
	return client_post(c, "/policies", "{'name':'w%d-%ld','rego_code':'package p'}", w->n, n);
}

static const struct answer *describe(struct crowd_worker *w, struct client *c, long n)
{
	char path[64];

	snprintf(path, sizeof(path), "/policies/%s", w->first);
	return client_patch(c, path, "{'description':'%ld'}", n);
}

/* Until it is done, or there is an end of it. */
static bool insist(struct crowd_worker *w, const struct ask *ask, long n)
{
	int64_t since = 0;
	bool uncertain = false;

	for (long at = n; !atomic_load(&w->crowd->stop); at++) {
		const struct answer *a = ask->call(w, at_node(w, at), n);
		const bool done = a->status == ask->status || (uncertain && a->status == 409);

		w->requests++;
		if (done) {
			if (since != 0 && temp_now_ms() - since > w->longest_ms)
				w->longest_ms = temp_now_ms() - since;
			if (ask->status == 201 && n == 1 && a->status == 201)
				snprintf(w->first, sizeof(w->first), "%lld", (long long)answer_int(a, "id"));
			return true;
		}
		if (since == 0)
			since = temp_now_ms();
		if (!is_excused(w, a, &uncertain)) {
			complain(w, a);
			return false;
		}
	}
	return false;
}

static void *write_all(void *arg)
{
	static const struct ask creation = { create, 201 }, description = { describe, 200 };
	struct crowd_worker *w = arg;

	for (long i = 1; insist(w, &creation, i); i++) {
		atomic_store(&w->created, i);
		if (i % DESCRIBE_EVERY == 0 && w->first[0] != '\0') {
			w->describing = i;
			if (!insist(w, &description, i))
				break;
			w->described = i;
		}
		for (int k = 0; k < w->crowd->nodes; k++)
			client_forget(w->client[k]);
		temp_sleep_ms(w->crowd->writer_pause_ms);
	}
	return NULL;
}

/* A bouncer counts on whether it is heard or not. */
static const struct answer *beat(struct crowd_worker *w, struct client *c, long n)
{
	char path[64];

	snprintf(path, sizeof(path), "/peps/%s/heartbeat", w->first);
	return client_post(c, path, "{'requests_total':%ld}", n);
}

static void *beat_all(void *arg)
{
	static const struct ask sign = { beat, 200 };
	struct crowd_worker *w = arg;

	for (long i = 1; insist(w, &sign, i); i++) {
		w->beaten = i;
		for (int k = 0; k < w->crowd->nodes; k++)
			client_forget(w->client[k]);
		temp_sleep_ms(w->crowd->beat_pause_ms);
	}
	return NULL;
}

static void *read_all(void *arg)
{
	struct crowd_worker *w = arg;

	for (long i = w->n; !atomic_load(&w->crowd->stop) && w->problem[0] == '\0'; i++) {
		struct client *c = at_node(w, i);
		const int n = w->crowd->policies;
		const struct answer *a = n == 0 || i % 4 == 0 ? client_get(c, "/policies?limit=20&sort=-id")
							      : client_get(c, "/policies/%ld", 1 + i % n);

		w->requests++;
		if (a->status != 200 && !(w->crowd->faults && (a->status == 503 || a->status == 0)))
			complain(w, a);
		client_forget(c);
		temp_sleep_ms(w->crowd->reader_pause_ms);
	}
	return NULL;
}

/* All of them ----------------------------------------------------------------------------------------- */

void crowd_node(struct crowd *c, int i, struct daemon *d)
{
	atomic_store(&c->port[i], d != NULL ? daemon_port(d) : 0);
}

static void start_bouncer(struct crowd_worker *w)
{
	const struct answer *a = assert_status(201,
		client_post(w->client[0], "/bouncers",
			"{'name':'live-%d','hostname':'h','bouncer_type':'sidecar',"
			"'environment':'production'}",
			w->n));

	snprintf(w->first, sizeof(w->first), "%lld", (long long)answer_int(a, "id"));
}

static void start_worker(struct crowd *c, int n, enum crowd_role role)
{
	static void *(*const work[])(void *) = { write_all, read_all, beat_all };
	struct crowd_worker *w = &c->worker[n];

	*w = (struct crowd_worker){ .crowd = c, .n = n, .role = role };
	for (int k = 0; k < c->nodes; k++) {
		w->port[k] = atomic_load(&c->port[k]);
		w->client[k] = client_open(w->port[k]);
		client_key(w->client[k], c->t->key);
	}
	if (role == CROWD_BEATS)
		start_bouncer(w);
	assert_int_equal(0, pthread_create(&w->thread, NULL, work[role], w));
}

void crowd_start(struct crowd *c, struct daemon *const *node, int writers, int readers)
{
	c->workers = writers + readers + c->bouncers;
	assert_true(c->workers <= CROWD_MOST);
	atomic_store(&c->stop, false);
	for (int k = 0; k < c->nodes; k++)
		crowd_node(c, k, node[k]);
	for (int n = 0; n < c->workers; n++)
		start_worker(c, n, n < writers		 ? CROWD_WRITES
				   : n < writers + readers ? CROWD_READS
							   : CROWD_BEATS);
}

void crowd_stop(struct crowd *c)
{
	atomic_store(&c->stop, true);
	for (int n = 0; n < c->workers; n++) {
		pthread_join(c->worker[n].thread, NULL);
		for (int k = 0; k < c->nodes; k++)
			client_close(c->worker[n].client[k]);
	}
	for (int n = 0; n < c->workers; n++)
		if (c->worker[n].problem[0] != '\0')
			fail_msg("%s", c->worker[n].problem);
}

static int64_t number(PGconn *pg, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int64_t number(PGconn *pg, const char *fmt, ...)
{
	char sql[900];
	PGresult *r;
	va_list args;
	int64_t n;

	va_start(args, fmt);
	vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	r = PQexec(pg, sql);
	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) == 0)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return n;
}

static void check_worker(const struct crowd_worker *w, PGconn *pg, const char *t, bool stopped)
{
	const long created = atomic_load(&w->created);
	const int64_t there = number(pg,
		"SELECT count(*) FROM generate_series(1, %ld) i JOIN %s.policies p ON p.name = 'w%d-' || i",
		created, t, w->n);
	int64_t all, described;

	if (there != created)
		fail_msg("worker %d: %ld were acknowledged, %lld are there", w->n, created, (long long)there);
	if (!stopped)
		return;
	/* The last one may have been refused, or given up. */
	all = number(pg, "SELECT count(*) FROM %s.policies WHERE name LIKE 'w%d-%%'", t, w->n);
	assert_in_range(all, created, created + 1);
	if (w->first[0] == '\0')
		return;
	described = number(pg, "SELECT coalesce(nullif(description, ''), '0') FROM %s.policies WHERE id = %s",
		t, w->first);
	if (described != w->described && described != w->describing)
		fail_msg("worker %d: description %ld was acknowledged, it is %lld", w->n, w->described,
			(long long)described);
}

/*
 * The last sign of life may be on its way from the old region, or be lost with it: never one of the future.
 */
static void check_bouncer(const struct crowd_worker *w, PGconn *pg, const char *t, bool faults)
{
	const int64_t beaten = number(pg,
		"SELECT coalesce((SELECT requests_total FROM %s.bouncer_live WHERE bouncer_id = %s), 0)", t,
		w->first);

	if (beaten < (faults ? 0 : w->beaten) || beaten > w->beaten + 1)
		fail_msg("bouncer %s: %ld was acknowledged, it is %lld", w->first, w->beaten,
			(long long)beaten);
}

/* Each effect is one line of the audit, and each line one effect. */
static void check_audit(PGconn *pg, const char *t)
{
	assert_int_equal(number(pg, "SELECT count(*) FROM %s.policies WHERE name LIKE 'w%%'", t),
		number(pg,
			"SELECT count(*) FROM %s.audit WHERE action = 'createPolicy' AND outcome = 'success'",
			t));
	assert_int_equal(0, number(pg,
				    "SELECT count(*) FROM (SELECT object_id FROM %s.audit WHERE action = "
				    "'createPolicy' AND"
				    " outcome = 'success' GROUP BY object_id HAVING count(*) > 1) twice",
				    t));
	assert_int_equal(number(pg, "SELECT max(seq) FROM %s.audit", t),
		number(pg, "SELECT audit_seq FROM %s.head", t));
}

void crowd_check(struct crowd *c, struct daemon *d, const char *region, const char *schema)
{
	char *database = daemon_region_db(region), *info = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(info);
	const bool stopped = atomic_load(&c->stop);

	if (PQstatus(pg) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(pg));
	for (int n = 0; n < c->workers; n++)
		if (c->worker[n].role == CROWD_WRITES)
			check_worker(&c->worker[n], pg, schema, stopped);
		else if (c->worker[n].role == CROWD_BEATS && stopped)
			check_bouncer(&c->worker[n], pg, schema, c->faults);
	if (stopped)
		check_audit(pg, schema);
	PQfinish(pg);
	free(info);
	free(database);
}

long crowd_created(struct crowd *c)
{
	long n = 0;

	for (int i = 0; i < c->workers; i++)
		n += atomic_load(&c->worker[i].created);
	return n;
}

long crowd_beats(const struct crowd *c)
{
	long n = 0;

	for (int i = 0; i < c->workers; i++)
		n += c->worker[i].beaten;
	return n;
}

long crowd_requests(const struct crowd *c)
{
	long n = 0;

	for (int i = 0; i < c->workers; i++)
		n += c->worker[i].requests;
	return n;
}

long crowd_refused(const struct crowd *c)
{
	long n = 0;

	for (int i = 0; i < c->workers; i++)
		n += c->worker[i].refused;
	return n;
}

int64_t crowd_longest_ms(const struct crowd *c)
{
	int64_t ms = 0;

	for (int i = 0; i < c->workers; i++)
		ms = c->worker[i].longest_ms > ms ? c->worker[i].longest_ms : ms;
	return ms;
}
