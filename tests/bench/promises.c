/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promises [SECONDS [ROUNDS]]: what one tenant, an overload or a lost Redis does to the latency of another
 * tenant that goes on as before. Each row is measured in pairs, without the trouble and with it, on the same
 * daemon; the median round counts. CC_BIN is the program.
 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "cc/base/clock.h"
#include "client.h"
#include "temp.h"

enum { NODES = 3, CALM = 4, LOUD = 40, CROWDS = 16, CROWD = 40, SAMPLES = 100000, ROUNDS_MAX = 15 };

/* Pace of one thread, in us. Calm: 800 requests/s of 4 threads. Loud: 500/s of 40, 50 times its limit. */
#define CALM_US 5000
#define LOUD_US 80000

static const char plans[] =
	"pro = {\n"
	"	limits = { max_policies = \"unlimited\"; max_resources = 1;"
	"		max_users = 5; max_bouncers = 1; };\n"
	"	tenant_rate = { limit = 600; window = 60; };\n"
	"	key_rate = { limit = 600; window = 60; };\n"
	"	price = { minor = 0; currency = \"USD\"; };\n"
	"	term_months = 12;\n"
	"};\n"
	"enterprise = {\n"
	"	limits = { max_policies = \"unlimited\"; max_resources = 1;"
	"		max_users = 5; max_bouncers = 1; };\n"
	"	tenant_rate = { limit = 100000000; window = 60; };\n"
	"	key_rate = { limit = 100000000; window = 60; };\n"
	"	price = { minor = 0; currency = \"USD\"; };\n"
	"	term_months = 12;\n"
	"};\n";

static int64_t run_ms = 4000;
static int rounds = 3;

/* --- Latencies ------------------------------------------------------------------------------------- */

struct samples {
	pthread_mutex_t lock;
	int64_t us[SAMPLES];
	size_t n, refused; /* refused: 429 and 503 */
};

static void samples_clear(struct samples *s)
{
	s->n = s->refused = 0;
}

static void samples_add(struct samples *s, int64_t us, int status)
{
	pthread_mutex_lock(&s->lock);
	if (s->n < SAMPLES)
		s->us[s->n++] = us;
	s->refused += status == 429 || status == 503;
	pthread_mutex_unlock(&s->lock);
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* In ms; NAN-free: 0 without samples. */
static double samples_at(struct samples *s, double part)
{
	if (s->n == 0)
		return 0;
	qsort(s->us, s->n, sizeof(*s->us), by_size);
	return (double)s->us[(size_t)((double)(s->n - 1) * part)] / 1000;
}

/* --- Clients --------------------------------------------------------------------------------------- */

typedef const struct answer *(*asking)(struct client *c, int64_t serial);

/* A thread that asks at its own pace, late or not, until it is told to stop. */
struct asker {
	struct daemon *d;
	const char *key;
	asking ask;
	int64_t pace_us;
	int only; /* status that counts; 0: all */
	struct samples *to;
	const atomic_bool *stop;
	pthread_t thread;
};

static _Atomic int64_t serial;

static void nap_us(int64_t us)
{
	nanosleep(&(struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 }, NULL);
}

static void *ask_on(void *arg)
{
	struct asker *k = arg;
	struct client *c = client_open(daemon_port(k->d));
	int64_t next = clock_mono_us();

	client_key(c, k->key);
	while (!atomic_load(k->stop)) {
		const struct answer *a = k->ask(c, atomic_fetch_add(&serial, 1));
		int64_t now;

		if (k->to != NULL && (k->only == 0 || k->only == a->status))
			samples_add(k->to, a->us, a->status);
		client_forget(c);
		next += k->pace_us;
		now = clock_mono_us();
		if (now < next)
			nap_us(next - now);
		else
			next = now;
	}
	client_close(c);
	return NULL;
}

static void askers_start(struct asker *k, int n, const struct asker *like)
{
	for (int i = 0; i < n; i++) {
		k[i] = *like;
		assert_int_equal(0, pthread_create(&k[i].thread, NULL, ask_on, &k[i]));
	}
}

static void askers_join(struct asker *k, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(k[i].thread, NULL);
}

static const struct answer *ask_list(struct client *c, int64_t n)
{
	(void)n;
	return client_call(c, "GET", "/api/v1/policies", "Cache-Control: no-cache\r\n", NULL);
}

static const struct answer *ask_create(struct client *c, int64_t n)
{
	return client_post(c, "/policies", "{'name':'p%" PRId64 "','rego_code':'package p'}", n);
}

static const struct answer *ask_health(struct client *c, int64_t n)
{
	(void)n;
	return client_get(c, "/health");
}

/* --- The stage ------------------------------------------------------------------------------------- */

struct stage {
	struct daemon *node[NODES];
	struct tenant_fixture calm, loud, crowd[CROWDS];
	struct samples *calm_us;
};

/* Rows of tenants that a thread holds: what writes there is slow. */
struct holder {
	struct stage *st;
	const struct tenant_fixture *t;
	int n;
	int64_t hold_us, let_us;
	const atomic_bool *stop;
	pthread_t thread;
};

static PGconn *connect_to(struct daemon *d, const char *database)
{
	char *conninfo = daemon_conninfo(d, database);
	PGconn *pg = PQconnectdb(conninfo);

	free(conninfo);
	assert_int_equal(CONNECTION_OK, PQstatus(pg));
	return pg;
}

static void run(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);

	assert_true(PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK);
	PQclear(r);
}

/* BEGIN and a lock of every head. */
static char *holding(struct holder *h)
{
	PGconn *control = connect_to(h->st->node[0], DAEMON_CONTROL_DB);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)fprintf(f, "BEGIN");
	for (int i = 0; i < h->n; i++) {
		const char *id = h->t[i].id;
		PGresult *r = PQexecParams(control, "SELECT schema_id FROM cc.tenant WHERE id = $1", 1, NULL,
			&id, NULL, NULL, 0);

		assert_int_equal(1, PQntuples(r));
		(void)fprintf(f, "; SELECT 1 FROM %s.head FOR UPDATE", PQgetvalue(r, 0, 0));
		PQclear(r);
	}
	(void)fclose(f);
	PQfinish(control);
	return text;
}

static void *hold_on(void *arg)
{
	struct holder *h = arg;
	char *database = daemon_region_db("us-east-1"), *sql = holding(h);
	PGconn *pg = connect_to(h->st->node[0], database);

	while (!atomic_load(h->stop)) {
		run(pg, sql);
		for (int64_t us = 0; us < h->hold_us && !atomic_load(h->stop); us += 10000)
			nap_us(10000);
		run(pg, "COMMIT");
		nap_us(h->let_us);
	}
	PQfinish(pg);
	free(sql);
	free(database);
	return NULL;
}

/* --- Troubles -------------------------------------------------------------------------------------- */

struct trouble {
	atomic_bool stop;
	struct holder holder;
	struct asker asker[CROWDS * CROWD];
	int n;
};

static void trouble_none(struct stage *st, struct trouble *t)
{
	(void)st;
	(void)t;
}

static void hold(
	struct trouble *t, struct stage *st, const struct tenant_fixture *who, int n, int64_t hold_us)
{
	t->holder = (struct holder){ .st = st, .t = who, .n = n, .hold_us = hold_us, .let_us = 10000,
				     .stop = &t->stop };
	assert_int_equal(0, pthread_create(&t->holder.thread, NULL, hold_on, &t->holder));
}

/* Fifty times what the loud tenant may ask, each write of it slow. */
static void trouble_loud(struct stage *st, struct trouble *t)
{
	hold(t, st, &st->loud, 1, 100000);
	t->n = LOUD;
	askers_start(t->asker, LOUD, &(struct asker){ .d = st->node[0], .key = st->loud.key,
			.ask = ask_create, .pace_us = LOUD_US, .stop = &t->stop });
}

/* More than the queue takes, and none of it moves. */
static void trouble_crowd(struct stage *st, struct trouble *t)
{
	hold(t, st, st->crowd, CROWDS, 60000000);
	t->n = CROWDS * CROWD;
	for (int i = 0; i < CROWDS; i++)
		askers_start(t->asker + i * CROWD, CROWD, &(struct asker){ .d = st->node[0],
				.key = st->crowd[i].key, .ask = ask_create, .pace_us = 1000000,
				.stop = &t->stop });
	nap_us(2000000);
}

static void trouble_redis_killed(struct stage *st, struct trouble *t)
{
	(void)t;
	daemon_redis_kill(st->node[0]);
}

static void trouble_redis_stopped(struct stage *st, struct trouble *t)
{
	(void)t;
	kill(daemon_redis_pid(st->node[0]), SIGSTOP);
}

static void trouble_end(struct stage *st, struct trouble *t)
{
	const pid_t redis = daemon_redis_pid(st->node[0]);

	atomic_store(&t->stop, true);
	if (t->holder.st != NULL)
		pthread_join(t->holder.thread, NULL);
	askers_join(t->asker, t->n);
	if (redis == 0)
		daemon_redis_restart(st->node[0]);
	else
		kill(redis, SIGCONT);
}

/* --- Rows ------------------------------------------------------------------------------------------ */

struct row {
	const char *title;
	asking ask;
	int only;
	void (*trouble)(struct stage *st, struct trouble *t);
};

struct figure {
	double p50, p99;
	size_t refused, n;
};

static struct figure measure(struct stage *st, const struct row *r, bool with)
{
	struct trouble *t = calloc(1, sizeof(*t));
	atomic_bool stop = false;
	struct asker calm[CALM];
	struct figure f;

	assert_non_null(t);
	(with ? r->trouble : trouble_none)(st, t);
	samples_clear(st->calm_us);
	askers_start(calm, CALM, &(struct asker){ .d = st->node[0], .key = st->calm.key, .ask = r->ask,
			.pace_us = CALM_US, .only = with ? r->only : 0, .to = st->calm_us, .stop = &stop });
	nap_us(run_ms * 1000);
	atomic_store(&stop, true);
	askers_join(calm, CALM);
	trouble_end(st, t);
	free(t);
	f = (struct figure){ .refused = st->calm_us->refused, .n = st->calm_us->n };
	f.p50 = samples_at(st->calm_us, 0.5);
	f.p99 = samples_at(st->calm_us, 0.99);
	return f;
}

static int by_p99(const void *a, const void *b)
{
	const struct figure *x = a, *y = b;

	return (x->p99 > y->p99) - (x->p99 < y->p99);
}

static void show(struct stage *st, const struct row *r)
{
	struct figure alone[ROUNDS_MAX] = { 0 }, with[ROUNDS_MAX] = { 0 };
	const struct figure *a = &alone[rounds / 2], *w = &with[rounds / 2];

	for (int i = 0; i < rounds; i++) {
		alone[i] = measure(st, r, false);
		with[i] = measure(st, r, true);
		temp_sleep_ms(500);
	}
	qsort(alone, (size_t)rounds, sizeof(*alone), by_p99);
	qsort(with, (size_t)rounds, sizeof(*with), by_p99);
	printf("%-44s %7.2f %7.2f %7.2f %7.2f %6.2f %8zu %8zu\n", r->title, a->p50, a->p99, w->p50, w->p99,
		a->p99 > 0 ? w->p99 / a->p99 : 0, w->n, w->refused);
}

static const struct row rows[] = {
	{ "reads beside a loud tenant", ask_list, 0, trouble_loud },
	{ "writes beside a loud tenant", ask_create, 0, trouble_loud },
	{ "health under overload", ask_health, 0, trouble_crowd },
	{ "refusals (503) under overload", ask_create, 503, trouble_crowd },
	{ "reads without Redis", ask_list, 0, trouble_redis_killed },
	{ "reads with a Redis that does not answer", ask_list, 0, trouble_redis_stopped },
	{ "writes with a Redis that does not answer", ask_create, 0, trouble_redis_stopped },
};

int main(int argc, char **argv)
{
	static const struct daemon_options options = { .plans = plans, .workers = 16 };
	static struct samples samples = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct stage st = { .calm_us = &samples };
	char slug[32];

	if (argc > 1)
		run_ms = strtol(argv[1], NULL, 10) * 1000;
	if (argc > 2)
		rounds = (int)strtol(argv[2], NULL, 10);
	if (run_ms < 1000 || rounds < 1 || rounds > ROUNDS_MAX)
		return 2;
	st.node[0] = daemon_start(&options);
	for (int i = 1; i < NODES; i++)
		st.node[i] = daemon_join(st.node[0], &options);
	fixture_tenant(st.node[0], "calm", "enterprise", NULL, NULL, &st.calm);
	fixture_tenant(st.node[0], "loud", "pro", NULL, NULL, &st.loud);
	for (int i = 0; i < CROWDS; i++) {
		(void)snprintf(slug, sizeof(slug), "crowd%d", i);
		fixture_tenant(st.node[0], slug, "enterprise", NULL, NULL, &st.crowd[i]);
	}
	printf("%-44s %7s %7s %7s %7s %6s %8s %8s\n", "in ms; alone, then with it", "p50", "p99", "p50",
		"p99", "ratio", "asked", "429/503");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		show(&st, &rows[i]);
	for (int i = NODES; i-- > 0;)
		daemon_finish(st.node[i]);
	return 0;
}
