/* SPDX-License-Identifier: Apache-2.0 */
/* A region whose PostgreSQL is gone, or says nothing: its tenants are told so, and nobody else notices. */
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

#include "cc/base/clock.h"
#include "cc/core/region_watch.h"

#include "client.h"

#define GONE "eu-west-1"
#define ALIVE "us-east-1"
#define LIMITS "{'max_policies':100000}"
#define POLICY "{'name':'%s%d','rego_code':'package p'}"

enum { WORKERS = 8, TENANTS = 16, CROWD = 64, LOOKS = 400 };

struct scene {
	struct daemon *d;
	struct tenant_fixture gone[TENANTS], calm;
};

static struct scene *scene;

static bool sanitized(void)
{
	const char *sanitize = getenv("CC_SANITIZE");

	return sanitize != NULL && sanitize[0] != '\0';
}

/* Room for a machine that is busy with other things, or instruments everything. */
static int64_t slack_us(void)
{
	return sanitized() ? 10000000 : 2000000;
}

/* --- Those whose region goes ---------------------------------------------------------------------- */

struct caller {
	const char *key, *word; /* of the names of what it makes */
	int index;
	long good, refused, others, without_retry;
	int64_t longest_us;
};

static atomic_bool over;

static const struct answer *read_anew(struct client *c)
{
	return client_call(c, "GET", "/api/v1/policies?limit=1", "Cache-Control: no-cache\r\n", NULL);
}

static void count(struct caller *w, const struct answer *a)
{
	if (a->status == 200 || a->status == 201)
		w->good++;
	else if (a->status == 503)
		w->refused++;
	else
		w->others++;
	if (a->status == 503 && answer_header(a, "Retry-After") == NULL)
		w->without_retry++;
	if (a->us > w->longest_us)
		w->longest_us = a->us;
}

static void *call_on(void *arg)
{
	struct caller *w = arg;
	struct client *c = client_open(daemon_port(scene->d));

	client_key(c, w->key);
	for (int i = 0; !atomic_load(&over); i++) {
		if (i % 4 == 3)
			count(w, client_post(c, "/policies", POLICY, w->word, w->index * 1000000 + i));
		else
			count(w, read_anew(c));
		clock_nap(20);
	}
	client_close(c);
	return NULL;
}

struct crowd {
	struct caller w[CROWD];
	pthread_t thread[CROWD];
};

static void crowd_start(struct crowd *crowd, const char *word)
{
	atomic_store(&over, false);
	for (int i = 0; i < CROWD; i++) {
		crowd->w[i] = (struct caller){ .key = scene->gone[i % TENANTS].key, .word = word,
						.index = i };
		assert_int_equal(0, pthread_create(&crowd->thread[i], NULL, call_on, &crowd->w[i]));
	}
}

static struct caller crowd_end(struct crowd *crowd)
{
	struct caller all = { 0 };

	atomic_store(&over, true);
	for (int i = 0; i < CROWD; i++) {
		const struct caller *w = &crowd->w[i];

		pthread_join(crowd->thread[i], NULL);
		all.good += w->good;
		all.refused += w->refused;
		all.others += w->others;
		all.without_retry += w->without_retry;
		all.longest_us = w->longest_us > all.longest_us ? w->longest_us : all.longest_us;
	}
	return all;
}

/* --- Those who must not notice -------------------------------------------------------------------- */

struct looks {
	int n;
	int64_t us[2 * LOOKS];
};

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void look_around(struct looks *l, int n, const char *what)
{
	struct client *c = client_of(scene->d, &scene->calm);
	static int names;

	l->n = 0;
	for (int i = 0; i < n; i++) {
		const struct answer *a = assert_status(200, read_anew(c));

		l->us[l->n++] = a->us;
		a = assert_status(201, client_post(c, "/policies", POLICY, "q", names++));
		l->us[l->n++] = a->us;
		clock_nap(5);
	}
	client_close(c);
	qsort(l->us, (size_t)l->n, sizeof(l->us[0]), by_size);
	print_message("%s: %d requests of another region, p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n", what,
		      l->n, (double)l->us[l->n / 2] / 1000, (double)l->us[l->n - 1 - l->n / 100] / 1000,
		      (double)l->us[l->n - 1] / 1000);
}

/* --- What the node says --------------------------------------------------------------------------- */

static const char *status_of(const struct answer *a, const char *region)
{
	char path[64];

	for (size_t i = 0; i < answer_count(a, "components.regions"); i++) {
		(void)snprintf(path, sizeof(path), "components.regions[%zu].region", i);
		if (strcmp(answer_text(a, path), region) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "components.regions[%zu].status", i);
		return answer_text(a, path);
	}
	fail_msg("no region %s in %s", region, a->asked);
	return NULL;
}

static void assert_health(struct client *c, const char *status, const char *region_status)
{
	const struct answer *a = assert_status(200, client_get(c, "/health"));

	assert_text(status, a, "status");
	assert_text("healthy", a, "components.database.status");
	assert_string_equal(region_status, status_of(a, GONE));
	assert_string_equal("healthy", status_of(a, ALIVE));
	assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL));
}

static void await_region(struct client *c, const char *status)
{
	const int64_t start = clock_mono_ms();

	while (strcmp(status, status_of(assert_status(200, client_get(c, "/health")), GONE)) != 0) {
		if (clock_mono_ms() - start > REGION_SILENCE_MS + slack_us() / 1000)
			fail_msg("%s is not %s in time", GONE, status);
		clock_nap(20);
	}
}

static int64_t await_service(void)
{
	struct client *c = client_of(scene->d, &scene->gone[0]);
	const int64_t start = clock_mono_ms();

	while (read_anew(c)->status != 200) {
		if (clock_mono_ms() - start > 2000 + slack_us() / 1000)
			fail_msg("%s is back and not used", GONE);
		clock_nap(10);
	}
	client_close(c);
	return clock_mono_ms() - start;
}

/* --- Stories -------------------------------------------------------------------------------------- */

typedef void (*change)(struct daemon *d, const char *region);

static void others_do_not_notice(const char *how, change leave, change come_back)
{
	struct client *op = client_operator(scene->d);
	struct crowd crowd;
	struct looks before, during, after;
	struct caller all;
	int64_t back_ms;

	assert_health(op, "healthy", "healthy");
	crowd_start(&crowd, how);
	look_around(&before, LOOKS / 4, "before");
	leave(scene->d, GONE);
	look_around(&during, LOOKS, how);
	await_region(op, "unhealthy");
	assert_health(op, "degraded", "unhealthy");
	look_around(&after, LOOKS / 4, "once it is known");
	all = crowd_end(&crowd);
	come_back(scene->d, GONE);
	back_ms = await_service();
	print_message("%s: %ld answered, %ld refused, longest %.0f ms; back in %lld ms\n", how, all.good,
		      all.refused, (double)all.longest_us / 1000, (long long)back_ms);
	assert_int_equal(0, all.others);
	assert_int_equal(0, all.without_retry);
	assert_true(all.good > 0 && all.refused > 0);
	assert_true(all.longest_us < REGION_SILENCE_MS * INT64_C(1000) + slack_us());
	assert_true(during.us[during.n - 1] < slack_us());
	await_region(op, "healthy");
	assert_health(op, "healthy", "healthy");
	client_close(op);
}

static void one_that_is_killed(void **state)
{
	(void)state;
	others_do_not_notice("killed", daemon_region_kill, daemon_region_restart);
}

static void one_that_says_nothing(void **state)
{
	(void)state;
	others_do_not_notice("silent", daemon_region_freeze, daemon_region_thaw);
}

/* --- Without it from the start -------------------------------------------------------------------- */

static void starts_without(change leave, change come_back, const char *how)
{
	struct client *op, *c;
	const struct answer *a;
	int64_t start;

	leave(scene->d, GONE);
	assert_int_equal(0, daemon_stop(scene->d));
	start = clock_mono_ms();
	daemon_restart(scene->d);
	print_message("%s: ready without it after %lld ms\n", how, (long long)(clock_mono_ms() - start));
	op = client_operator(scene->d);
	assert_health(op, "degraded", "unhealthy");
	c = client_of(scene->d, &scene->calm);
	assert_status(200, read_anew(c));
	client_close(c);
	c = client_of(scene->d, &scene->gone[1]);
	a = read_anew(c);
	assert_error(503, "service_unavailable", a);
	assert_non_null(answer_header(a, "Retry-After"));
	client_close(c);
	come_back(scene->d, GONE);
	await_region(op, "healthy");
	(void)await_service();
	assert_health(op, "healthy", "healthy");
	client_close(op);
}

static void a_node_starts_without_one_that_is_killed(void **state)
{
	(void)state;
	starts_without(daemon_region_kill, daemon_region_restart, "killed");
}

static void a_node_starts_without_one_that_says_nothing(void **state)
{
	(void)state;
	starts_without(daemon_region_freeze, daemon_region_thaw, "silent");
}

static int open_scene(void **state)
{
	static const struct daemon_options options = { .workers = WORKERS, .own_servers = true };
	char slug[32];

	scene = calloc(1, sizeof(*scene));
	scene->d = daemon_start(&options);
	for (int i = 0; i < TENANTS; i++) {
		(void)snprintf(slug, sizeof(slug), "gone%d", i);
		fixture_tenant(scene->d, slug, "enterprise", GONE, LIMITS, &scene->gone[i]);
	}
	fixture_tenant(scene->d, "calm", "enterprise", ALIVE, LIMITS, &scene->calm);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	(void)state;
	daemon_finish(scene->d);
	free(scene);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_killed),
		cmocka_unit_test(one_that_says_nothing),
		cmocka_unit_test(a_node_starts_without_one_that_is_killed),
		cmocka_unit_test(a_node_starts_without_one_that_says_nothing),
	};

	return cmocka_run_group_tests(tests, open_scene, close_scene);
}
