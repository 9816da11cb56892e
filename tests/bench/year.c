/* SPDX-License-Identifier: Apache-2.0 */
/*
 * year [SECONDS]: how long a tenant's metrics of a year by hour take, with nothing else under way and
 * beside 200 reads a second of another tenant. CC_BIN is the program.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "client.h"
#include "temp.h"

enum { THREADS = 4, RATE = 200, SAMPLES = 10000, HOURS = 8760 };
#define PROMISED_MS 50
#define ASK "/tenants/%s/metrics?start_date=2025-01-01&end_date=2025-12-31&granularity=hour"

static int64_t us[SAMPLES];
static size_t nsamples;
static int seconds = 10;
static struct daemon *d;
static struct tenant_fixture asked, other;
static atomic_bool stop;

/* Each hour has calls of four kinds, and what nodes keep beside them. */
static void seed(void)
{
	char sql[1500];

	snprintf(sql, sizeof(sql),
		"INSERT INTO cc.usage_hour SELECT '%s', h, m.meter, m.detail, m.n"
		" FROM generate_series('2025-01-01T00:00:00Z'::timestamptz, '2025-12-31T23:00:00Z', '1 hour')"
		" h, (VALUES ('api_calls', '/policies 2xx', 10), ('api_calls', '/users 2xx', 5),"
		" ('api_failures', '/users 5xx', 2), ('bouncer_requests', 'production', 1000))"
		" m (meter, detail, n);"
		"INSERT INTO cc.usage_hour_total SELECT tenant_id, hour, 15, 2, 1000 FROM cc.usage_hour"
		" WHERE tenant_id = '%s' GROUP BY 1, 2;"
		"INSERT INTO cc.usage_day SELECT tenant_id, date_trunc('day', hour, 'UTC'), meter, detail,"
		" sum(quantity) FROM cc.usage_hour WHERE tenant_id = '%s' GROUP BY 1, 2, 3, 4;"
		"ANALYZE cc.usage_hour, cc.usage_hour_total, cc.usage_day",
		asked.id, asked.id, asked.id);
	fixture_control(d, sql);
}

/* By the clock, until it is told to stop. */
static void *read_on(void *arg)
{
	struct client *c = client_of(d, &other);
	const int64_t pace = INT64_C(1000000) * THREADS / RATE;

	(void)arg;
	for (int64_t at = clock_mono_us(); !atomic_load(&stop); at += pace) {
		while (clock_mono_us() < at)
			temp_sleep_ms(1);
		(void)client_call(c, "GET", "/api/v1/policies", "Cache-Control: no-cache\r\n", NULL);
		client_forget(c);
	}
	client_close(c);
	return NULL;
}

static bool ask_for(int64_t ms)
{
	struct client *c = client_of(d, &asked);
	const int64_t end = clock_mono_ms() + ms;
	bool good = true;

	nsamples = 0;
	while (good && clock_mono_ms() < end && nsamples < SAMPLES) {
		const struct answer *a = client_get(c, ASK, asked.id);

		good = a->status == 200 && answer_count(a, "series") == HOURS;
		us[nsamples++] = a->us;
		client_forget(c);
		temp_sleep_ms(20);
	}
	client_close(c);
	return good;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double ms_at(double part)
{
	return nsamples == 0 ? 0 : (double)us[(size_t)((double)(nsamples - 1) * part)] / 1000;
}

static bool tell(const char *when)
{
	bool kept;

	qsort(us, nsamples, sizeof(us[0]), by_size);
	kept = nsamples > 0 && ms_at(0.99) <= PROMISED_MS;
	printf("%s: a year by hour, p99 in %d ms, %s: %zu times; ms: p50 %.1f, p90 %.1f, p99 %.1f, "
	       "worst %.1f\n",
		kept ? "PASS" : "FAIL", PROMISED_MS, when, nsamples, ms_at(0.5), ms_at(0.9), ms_at(0.99),
		ms_at(1));
	return kept;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	bool good;

	if (argc > 1)
		seconds = (int)strtol(argv[1], NULL, 10);
	d = daemon_start(NULL);
	fixture_tenant(d, "year", "enterprise", NULL, NULL, &asked);
	fixture_tenant(d, "other", "enterprise", NULL, NULL, &other);
	seed();
	good = ask_for(seconds * INT64_C(1000)) && tell("alone");
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, read_on, NULL));
	good = ask_for(seconds * INT64_C(1000)) && tell("beside 200 reads a second") && good;
	atomic_store(&stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	daemon_finish(d);
	return good ? 0 : 1;
}
