/* SPDX-License-Identifier: Apache-2.0 */
/* Three daemons on one Redis, one limit; and what becomes of it without Redis. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

enum { NODES = 3, LIMIT = 300, PART = LIMIT / NODES, ASKED_MAX = 4 * LIMIT };

/* Nothing comes back while a test runs, and the key's own rate is never met. */
static const char plans[] =
	"pro = {\n"
	"	limits = { max_policies = 10; max_resources = 10; max_users = 5; max_bouncers = 2; };\n"
	"	tenant_rate = { limit = 300; window = 86400; };\n"
	"	key_rate = { limit = 100000; window = 86400; };\n"
	"	price = { minor = 0; currency = \"USD\"; };\n"
	"	term_months = 12;\n"
	"};\n";

/* A node is known to the others a quarter of a second after it came, and gone two seconds after its death. */
#define HELLO_MS 1000
/* What was leased and not spent is given back within two seconds. */
#define LEASE_MS 2000

struct cluster {
	struct daemon *node[NODES];
};

static struct cluster cluster;

static int start(void **state)
{
	static const struct daemon_options options = { .plans = plans };

	cluster.node[0] = daemon_start(&options);
	for (int i = 1; i < NODES; i++)
		cluster.node[i] = daemon_join(cluster.node[0], &options);
	temp_sleep_ms(HELLO_MS);
	*state = &cluster;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (int i = NODES; i-- > 0;)
		daemon_finish(cluster.node[i]);
	return 0;
}

/* A tenant with a client on each node, each of which has seen the key. */
struct scene {
	struct tenant_fixture t;
	struct client *c[NODES];
	int passed, asked;
	int64_t us[ASKED_MAX];
};

static void scene_open(struct scene *s, const char *slug)
{
	memset(s, 0, sizeof(*s));
	fixture_tenant(cluster.node[0], slug, "pro", NULL, NULL, &s->t);
	for (int i = 0; i < NODES; i++)
		s->c[i] = client_of(cluster.node[i], &s->t);
}

static void scene_close(struct scene *s)
{
	for (int i = 0; i < NODES; i++)
		client_close(s->c[i]);
}

static const struct answer *ask(struct scene *s, int i)
{
	const struct answer *a;

	client_forget(s->c[i]);
	a = client_get(s->c[i], "/tenants/%s", s->t.id);
	if (a->status != 429)
		assert_status(200, a);
	s->passed += a->status == 200;
	if (s->asked < ASKED_MAX)
		s->us[s->asked++] = a->us;
	return a;
}

/* What it gets from one node until it is refused. */
static int drain(struct scene *s, int i)
{
	const int before = s->passed;

	while (ask(s, i)->status == 200)
		;
	return s->passed - before;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t p99(struct scene *s)
{
	qsort(s->us, (size_t)s->asked, sizeof(s->us[0]), by_size);
	return s->us[s->asked * 99 / 100];
}

static int64_t remaining(const struct answer *a)
{
	const char *text = answer_header(a, "X-RateLimit-Remaining");

	assert_non_null(text);
	return strtoll(text, NULL, 10);
}

static void in_turn_they_admit_exactly_the_limit(void **state)
{
	struct scene s;
	int refused = 0;

	(void)state;
	scene_open(&s, "turns");
	for (int i = 0; refused < NODES; i++)
		refused = ask(&s, i % NODES)->status == 200 ? 0 : refused + 1;
	assert_int_equal(LIMIT, s.passed);
	assert_error(429, "rate_limit_exceeded", ask(&s, 0));
	scene_close(&s);
}

static void each_shows_what_all_have_left(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "shown");
	for (int i = 0; i < 100; i++)
		(void)ask(&s, 0);
	/* A tenth of the limit may be leased out. */
	assert_in_range(remaining(ask(&s, 1)), LIMIT - 101 - LIMIT / 10, LIMIT - 101);
	assert_in_range(remaining(ask(&s, 2)), LIMIT - 102 - LIMIT / 10, LIMIT - 102);
	temp_sleep_ms(LEASE_MS);
	(void)ask(&s, 0);
	assert_in_range(drain(&s, 0) + drain(&s, 1) + drain(&s, 2), LIMIT - 103 - LIMIT / 10, LIMIT - 103);
	scene_close(&s);
}

struct shooter {
	pthread_t thread;
	struct scene *s;
	int node, passed;
};

static void *shoot(void *arg)
{
	struct shooter *h = arg;
	struct client *c = client_of(cluster.node[h->node], &h->s->t);

	for (int i = 0; i < LIMIT; i++) {
		client_forget(c);
		h->passed += client_get(c, "/tenants/%s", h->s->t.id)->status == 200;
	}
	client_close(c);
	return NULL;
}

static void a_crowd_gets_at_most_a_tenth_more(void **state)
{
	struct shooter h[2 * NODES];
	struct scene s;
	int passed = 0;

	(void)state;
	scene_open(&s, "crowd");
	for (int i = 0; i < 2 * NODES; i++) {
		h[i] = (struct shooter){ .s = &s, .node = i % NODES };
		assert_int_equal(0, pthread_create(&h[i].thread, NULL, shoot, &h[i]));
	}
	for (int i = 0; i < 2 * NODES; i++) {
		pthread_join(h[i].thread, NULL);
		passed += h[i].passed;
	}
	assert_in_range(passed, LIMIT - LIMIT / 10, LIMIT + LIMIT / 10);
	scene_close(&s);
}

#define APART "rate limits are not shared"
#define TOGETHER "rate limits are shared"

static void await_lines(const char *text, const int before[NODES])
{
	for (int i = 0; i < NODES; i++) {
		const int64_t end = temp_now_ms() + 20000;

		while (daemon_log_lines(cluster.node[i], text) == before[i]) {
			assert_true(temp_now_ms() < end);
			temp_sleep_ms(20);
		}
		assert_int_equal(before[i] + 1, daemon_log_lines(cluster.node[i], text));
	}
}

static void count_all(const char *text, int ret[NODES])
{
	for (int i = 0; i < NODES; i++)
		ret[i] = daemon_log_lines(cluster.node[i], text);
}

/* Half of what comes before, as the time it takes is compared. */
static void ask_half(struct scene *s)
{
	for (int i = 0; i < LIMIT / 2; i++)
		(void)ask(s, i % NODES);
	assert_int_equal(LIMIT / 2, s->passed);
}

/* Neither open nor closed, and no slower; 40 ms more than the promised five, for busy machines. */
static void each_has_its_part(struct scene *s, int64_t usual_us)
{
	for (int i = 0; i < NODES; i++)
		assert_int_equal(PART, drain(s, i));
	assert_int_equal(LIMIT, s->passed);
	if (p99(s) > usual_us + 45000)
		fail_msg("p99 is %lld us, was %lld", (long long)p99(s), (long long)usual_us);
}

static void without_redis(const char *slug, void (*lose)(void), void (*find)(void))
{
	char usual[32], later[32];
	int apart[NODES], together[NODES];
	struct scene u, s, l;

	(void)snprintf(usual, sizeof(usual), "%s-usual", slug);
	(void)snprintf(later, sizeof(later), "%s-later", slug);
	scene_open(&u, usual);
	scene_open(&s, slug);
	scene_open(&l, later);
	ask_half(&u);
	count_all(APART, apart);
	count_all(TOGETHER, together);
	lose();
	each_has_its_part(&s, p99(&u));
	await_lines(APART, apart);
	each_has_its_part(&l, p99(&u));
	/* What was spent of the other before is not forgotten: half of it, at the most, is left. */
	assert_in_range(drain(&u, 0) + drain(&u, 1) + drain(&u, 2), 1, LIMIT / 2 + LIMIT / 10);
	find();
	await_lines(TOGETHER, together);
	temp_sleep_ms(LEASE_MS);
	for (int i = 0; i < NODES; i++) {
		assert_status(429, ask(&s, i));
		assert_status(429, ask(&l, i));
	}
	count_all(TOGETHER, together);
	scene_close(&u);
	scene_close(&s);
	scene_close(&l);
}

static void kill_redis(void)
{
	daemon_redis_kill(cluster.node[0]);
}

static void start_redis(void)
{
	daemon_redis_restart(cluster.node[0]);
}

static void silence_redis(void)
{
	assert_int_equal(0, kill(daemon_redis_pid(cluster.node[0]), SIGSTOP));
}

static void wake_redis(void)
{
	assert_int_equal(0, kill(daemon_redis_pid(cluster.node[0]), SIGCONT));
}

static void redis_is_killed(void **state)
{
	(void)state;
	without_redis("killed", kill_redis, start_redis);
}

static void redis_is_silent(void **state)
{
	(void)state;
	without_redis("silent", silence_redis, wake_redis);
}

static void who_is_left_has_all_of_it(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "left");
	for (int i = 0; i < 60; i++)
		(void)ask(&s, i % NODES);
	daemon_stop(cluster.node[1]);
	daemon_kill(cluster.node[2]);
	temp_sleep_ms(2000 + HELLO_MS);
	/* What the dead one had leased is lost, until it would have come back anyway. */
	assert_in_range(drain(&s, 0), LIMIT - 60 - PART / 10, LIMIT - 60);
	daemon_restart(cluster.node[1]);
	daemon_restart(cluster.node[2]);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_turn_they_admit_exactly_the_limit),
		cmocka_unit_test(each_shows_what_all_have_left),
		cmocka_unit_test(a_crowd_gets_at_most_a_tenth_more),
		cmocka_unit_test(redis_is_killed),
		cmocka_unit_test(redis_is_silent),
		cmocka_unit_test(who_is_left_has_all_of_it),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
