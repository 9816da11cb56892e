/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook [SECONDS]: how long the endpoint for Stripe's events takes at 200 signed events a second, each
 * of which is committed before it is answered. CC_BIN is the program.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "client.h"
#include "stripe_peer.h"
#include "temp.h"

enum { THREADS = 8, RATE = 200, SAMPLES = 100000 };
#define PROMISED_MS 100
#define SECRET "whsec_of_the_bench"

static int64_t us[SAMPLES];
static _Atomic size_t nsamples, failed;
static atomic_int number;
static int seconds = 20, port;

static void send_one(struct client *c)
{
	char headers[300], body[2200], filler[1800];
	const struct answer *a;

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	snprintf(body, sizeof(body),
		"{\"id\":\"evt_%d\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":1,"
		"\"livemode\":false,"
		"\"data\":{\"object\":{\"object\":\"customer\",\"id\":\"cus_1\",\"name\":\"%s\"}}}",
		atomic_fetch_add(&number, 1), filler);
	snprintf(headers, sizeof(headers), "Stripe-Signature: %s\r\n",
		stripe_signature(SECRET, body, (int64_t)time(NULL)));
	a = client_call(c, "POST", "/api/v1/integrations/stripe/webhook", headers, body);
	if (a->status != 200)
		atomic_fetch_add(&failed, 1);
	us[atomic_fetch_add(&nsamples, 1) % SAMPLES] = a->us;
	client_forget(c);
}

/* By the clock: a slow answer does not make the next request later. */
static void *run(void *arg)
{
	struct client *c = client_open(port);
	const int64_t pace = INT64_C(1000000) * THREADS / RATE,
		      start = clock_mono_us() + *(int *)arg * pace / THREADS;

	for (int64_t at = start; at < start + seconds * INT64_C(1000000); at += pace) {
		while (clock_mono_us() < at)
			temp_sleep_ms(1);
		send_one(c);
	}
	client_close(c);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double ms_at(double part)
{
	const size_t n = atomic_load(&nsamples);

	return n == 0 ? 0 : (double)us[(size_t)((double)(n - 1) * part)] / 1000;
}

int main(int argc, char **argv)
{
	static const char *const env[] = { "CONTROLCORE_STRIPE_WEBHOOK_SECRET=" SECRET, NULL };
	struct daemon *d = daemon_start(&(struct daemon_options){ .env = env });
	pthread_t threads[THREADS];
	int which[THREADS];
	bool kept;

	if (argc > 1)
		seconds = (int)strtol(argv[1], NULL, 10);
	port = daemon_port(d);
	for (int i = 0; i < THREADS; i++) {
		which[i] = i;
		if (pthread_create(&threads[i], NULL, run, &which[i]) != 0)
			return 1;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(us, atomic_load(&nsamples), sizeof(us[0]), by_size);
	kept = atomic_load(&failed) == 0 && ms_at(0.99) <= PROMISED_MS;
	printf("%s: events of Stripe's, p99 in %d ms, %d a second for %d s: %zu, %zu not taken; ms: "
	       "p50 %.1f, p90 %.1f, p99 %.1f, worst %.1f\n",
		kept ? "PASS" : "FAIL", PROMISED_MS, RATE, seconds, atomic_load(&nsamples),
		atomic_load(&failed), ms_at(0.5), ms_at(0.9), ms_at(0.99), ms_at(1));
	daemon_finish(d);
	return kept ? 0 : 1;
}
