/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon dies while clients use it, and what it counted is compared with what they were answered: never
 * more than they sent, and of the answers that were complete at most the last one of each client is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>

#include <cmocka.h>

#include "crash.h"
#include "temp.h"

#define COUNTED_MS 20000
#define QUIET_MS 30 /* an answer that a client has read is counted by then */
enum { CLIENTS = 4, KILLS = 20, KILLS_LONG = 200, LOAD_MS = 120 };

/* A client has a tenant of its own, and one request at a time. */
struct user {
	struct tenant_fixture t;
	struct client *own;
	uint64_t random;
	pthread_t thread;
	int64_t sent, served, failed; /* failed: 5xx; what is in neither got no answer */
	int64_t missing;              /* answers that may have been complete and are not counted */
};

static struct crash crash;
static struct user users[CLIENTS];
static atomic_bool over;

static int start(void **state)
{
	crash = (struct crash){ 0 };
	crash_start(&crash, &(struct daemon_options){ .spare_schemas = 1 });
	for (int i = 0; i < CLIENTS; i++) {
		char slug[32];

		snprintf(slug, sizeof(slug), "user%d", i);
		fixture_tenant(crash.d, slug, "enterprise", NULL, NULL, &users[i].t);
		users[i].own = client_of(crash.d, &users[i].t);
		users[i].random = crash_random(&crash.random);
	}
	*state = &crash;
	return 0;
}

static int stop(void **state)
{
	int64_t served = 0, missing = 0;

	for (int i = 0; i < CLIENTS; i++) {
		client_close(users[i].own);
		served += users[i].served;
		missing += users[i].missing;
	}
	print_message("# %lld answers, of which %lld were complete and not counted when it died\n",
		      (long long)served, (long long)missing);
	crash_stop(*state);
	return 0;
}

static const struct answer *ask(struct user *u)
{
	static const char *const targets[] = { "/policies", "/resources?limit=1", "/users/1", "/policies/999",
					       "/tenants", "/bouncers" };
	const unsigned n = (unsigned)(crash_random(&u->random) % 7);

	if (n == 6)
		return client_post(u->own, "/resources", "{'name':'r%lld','type':'api'}", (long long)u->sent);
	return client_get(u->own, "%s", targets[n]);
}

/* Until there is no answer. */
static void *use(void *arg)
{
	struct user *u = arg;

	while (!atomic_load(&over)) {
		u->sent++;
		const struct answer *a = ask(u);

		if (a->status == 0)
			break;
		u->served += a->status < 500;
		u->failed += a->status >= 500;
		client_forget(u->own);
	}
	return NULL;
}

static void begin(struct crash *x)
{
	atomic_store(&over, false);
	for (int i = 0; i < CLIENTS; i++) {
		client_port(users[i].own, daemon_port(x->d));
		assert_int_equal(0, pthread_create(&users[i].thread, NULL, use, &users[i]));
	}
}

static void end(void)
{
	atomic_store(&over, true);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(users[i].thread, NULL);
}

static int64_t counted(struct crash *x, const struct user *u, const char *meter)
{
	return crash_number(x, NULL,
			    "SELECT coalesce(sum(quantity), 0) FROM cc.usage_hour WHERE tenant_id = '%s' AND"
			    " meter = '%s'",
			    u->t.id, meter);
}

/* What was missing once stays so; nothing is added by itself. */
static void check_user(struct crash *x, struct user *u, int may_miss)
{
	const int64_t give_up = temp_now_ms() + COUNTED_MS;
	int64_t n;

	do {
		n = counted(x, u, "api_calls");
		if (n < u->served - u->missing - may_miss)
			temp_sleep_ms(20);
	} while (n < u->served - u->missing - may_miss && temp_now_ms() < give_up);
	if (n < u->served - u->missing - may_miss || n > u->sent - u->failed)
		fail_msg("%s: %lld sent, %lld served, %lld missing before, %lld counted", u->t.slug,
			 (long long)u->sent, (long long)u->served, (long long)u->missing, (long long)n);
}

/* Nothing is under way any more when two looks a flush apart say the same. */
static void settle(struct crash *x)
{
	static const char sum[] = "SELECT coalesce(sum(quantity), 0) FROM cc.usage_hour";
	int64_t before = -1, now;

	for (; (now = crash_number(x, NULL, sum)) != before; before = now)
		temp_sleep_ms(1300);
}

static void check_all(struct crash *x, int may_miss)
{
	for (int i = 0; i < CLIENTS; i++)
		check_user(x, &users[i], may_miss);
}

/* From here on what is missing is known. */
static void take_stock(struct crash *x)
{
	settle(x);
	for (int i = 0; i < CLIENTS; i++) {
		users[i].missing = users[i].served - counted(x, &users[i], "api_calls");
		users[i].sent = users[i].served + users[i].failed;
	}
}

#define WRONG_HOURS \
	"SELECT count(*) FROM (SELECT tenant_id, hour, meter, sum(quantity)::bigint FROM cc.usage_hour" \
	" WHERE meter <> 'api_failures' GROUP BY 1, 2, 3" \
	" EXCEPT SELECT tenant_id, hour, meter, quantity FROM cc.usage_hour_meter UNION ALL" \
	" (SELECT tenant_id, hour, 'api_failures', sum(quantity)::bigint FROM cc.usage_hour" \
	" WHERE meter = 'api_failures' GROUP BY 1, 2" \
	" EXCEPT SELECT tenant_id, hour, 'api_failures', api_failures FROM cc.usage_hour_total)) d"
#define WRONG_DAYS \
	"SELECT count(*) FROM (SELECT tenant_id, date_trunc('day', hour, 'UTC'), meter, detail," \
	" sum(quantity)::bigint FROM cc.usage_hour GROUP BY 1, 2, 3, 4" \
	" EXCEPT SELECT tenant_id, day, meter, detail, quantity FROM cc.usage_day) d"

static void check_sums(struct crash *x)
{
	assert_int_equal(0, crash_number(x, NULL, WRONG_HOURS));
	assert_int_equal(0, crash_number(x, NULL, WRONG_DAYS));
}

/* Of each client at most the last answer is missing, and at most the last request more. */
static void a_kill_costs_at_most_what_is_in_flight(void **state)
{
	struct crash *x = *state;
	const int kills = x->full ? KILLS_LONG : KILLS;

	for (int i = 1; i <= kills; i++) {
		x->rounds++;
		begin(x);
		temp_sleep_ms(20 + (int)crash_pick(x, LOAD_MS));
		crash_kill(x);
		end();
		crash_restart(x);
		check_all(x, i);
	}
	settle(x);
	check_all(x, kills);
	check_sums(x);
	take_stock(x);
}

/* All have their answers, and the second is not over: none is missing, none is counted twice. */
static void what_was_answered_before_is_counted(void **state)
{
	struct crash *x = *state;
	const int kills = x->full ? KILLS_LONG / 10 : 5;

	for (int i = 0; i < kills; i++) {
		x->rounds++;
		begin(x);
		temp_sleep_ms(20 + (int)crash_pick(x, LOAD_MS));
		end();
		temp_sleep_ms(QUIET_MS);
		crash_kill(x);
		crash_restart(x);
		check_all(x, 0);
	}
	settle(x);
	check_all(x, 0);
	check_sums(x);
}

/* At each point of its way into the database, in turn. */
static void it_may_die_wherever_it_sends(void **state)
{
	struct crash *x = *state;
	const int step = x->full ? 1 : 5;

	for (int nth = 1; nth <= 30; nth += step) {
		x->rounds++;
		crash_arm(x, "usage.send", "*", nth);
		begin(x);
		temp_sleep_ms(100);
		end();
		if (!crash_awaits_death(x, 2500))
			break;
		crash_kill(x);
		crash_restart(x);
		check_all(x, 1);
		take_stock(x);
	}
	if (daemon_running(x->d))
		crash_arm(x, NULL, "nothing", 1);
	check_sums(x);
}

static void redis_has_no_part_in_it(void **state)
{
	struct crash *x = *state;

	begin(x);
	for (int i = 0; i < 5; i++) {
		temp_sleep_ms(50);
		assert_string_equal("+OK", crash_redis(x, "FLUSHALL"));
	}
	end();
	settle(x);
	check_all(x, 0);
}

/* While it is away counts wait; none is sent under two numbers, however a commit ended. */
static void postgresql_may_be_killed(void **state)
{
	struct crash *x = *state;

	for (int i = 0; i < (x->full ? 20 : 2); i++) {
		begin(x);
		temp_sleep_ms(200 + (int)crash_pick(x, 900));
		daemon_database_kill(x->d);
		temp_sleep_ms(300);
		daemon_database_restart(x->d);
		assert_true(daemon_await_ready(x->d, 30000));
		end();
		check_all(x, 0);
	}
	settle(x);
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(users[i].served - users[i].missing, counted(x, &users[i], "api_calls"));
	check_sums(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_costs_at_most_what_is_in_flight),
		cmocka_unit_test(what_was_answered_before_is_counted),
		cmocka_unit_test(it_may_die_wherever_it_sends),
		cmocka_unit_test(redis_has_no_part_in_it),
		cmocka_unit_test(postgresql_may_be_killed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
