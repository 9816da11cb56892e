/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles in a bucket, over a network that loses answers: what is pulled is whole, and in the end the bucket
 * holds what the catalogue says and nothing else.
 */
#include <inttypes.h>
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
#include "s3_peer.h"
#include "stage.h"
#include "temp.h"

#define LOST_PERCENT 5
#define ROUNDS 30
#define BAD_PERCENT 40
#define BAD_ROUNDS 5
#define SLOW_MS 500
#define TOO_SLOW_MS 15000 /* for one attempt, and for who waits for a bundle */
#define CHECK_MS 60000
#define CHANGES_MS 50 /* between two changes, of which none has its bundle before the next */
#define CHANGED_ROUNDS 4

static struct s3_peer *peer;
static struct lossy *network;
static char endpoint[100], region[100], bucket[100], access_key[300], secret_key[600];
static const char *const env[] = { endpoint, region, bucket, access_key, secret_key,
	"CONTROLCORE_STORE_ATTEMPT_MS=3000", "CONTROLCORE_STORE_BUNDLES_MIB=0", NULL };

static int start(void **state)
{
	static struct daemon_options options = { .env = env };
	struct s3_conf c;

	peer = s3_peer_start(S3_SWIFT);
	network = lossy_open(s3_peer_port(peer), 11);
	c = s3_peer_conf(peer);
	snprintf(endpoint, sizeof(endpoint), "CONTROLCORE_STORE_ENDPOINT=http://127.0.0.1:%d",
		lossy_port(network));
	snprintf(region, sizeof(region), "CONTROLCORE_STORE_REGION=%s", c.region);
	snprintf(bucket, sizeof(bucket), "CONTROLCORE_STORE_BUCKET=%s", c.bucket);
	snprintf(access_key, sizeof(access_key), "CONTROLCORE_STORE_ACCESS_KEY=%s", c.access_key);
	snprintf(secret_key, sizeof(secret_key), "CONTROLCORE_STORE_SECRET_KEY=%s", c.secret_key);
	daemon_group_options(&options);
	return daemon_group_setup(state);
}

static int stop(void **state)
{
	const int e = daemon_group_teardown(state);

	lossy_close(network);
	s3_peer_stop(peer);
	return e;
}

/* The next one. A store that fails six times in a row is told of: the bouncer comes again, as OPA's do. */
static void pull_next(struct story *s, struct client *bouncer, char etag[100], struct bouncer_bundle *ret)
{
	const struct answer *a;

	do {
		a = bouncer_ask(bouncer, "sandbox", etag[0] != '\0' ? etag : NULL, 5);
	} while (a->status == 304 || a->status == 503);
	assert_status(200, a);
	snprintf(etag, 100, "%s", answer_header(a, "ETag"));
	bundle_open(s, a, ret);
}

static void change_and_pull(struct story *s, struct client *bouncer, int n, char etag[100])
{
	/* All policies so far, data, manifest and signatures. */
	const size_t all = (size_t)n + 1 + 3;
	struct bouncer_bundle b;
	char name[24];

	snprintf(name, sizeof(name), "p%d", n);
	story_policy(s, name);
	pull_next(s, bouncer, etag, &b);
	/* Who had to wait is given what was there before it. */
	while (b.n < all) {
		bouncer_close(&b);
		pull_next(s, bouncer, etag, &b);
	}
	assert_int_equal(all, b.n);
	bouncer_close(&b);
}

static void check_store(struct story *s)
{
	const char *bin = getenv("CC_BIN"), *config = daemon_config_path(s->d);
	const char *const argv[] = { bin, "check-objects", "--config", config, NULL };
	struct temp_run r = temp_run(argv, env, CHECK_MS);

	if (r.status != 0 || strstr(r.out, "objects: 0 findings") == NULL)
		fail_msg("status %d: %s%s", r.status, r.out, r.err);
	temp_run_free(&r);
}

static void what_is_lost_on_the_way_costs_nothing(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), etag[100] = "";
	struct client *bouncer = client_open(daemon_port(s->d));
	long lost, delivered;

	client_key(bouncer, key);
	lossy_rate(network, LOST_PERCENT);
	for (int i = 0; i < ROUNDS; i++)
		change_and_pull(s, bouncer, i, etag);
	lossy_rate(network, BAD_PERCENT);
	for (int i = 0; i < BAD_ROUNDS; i++)
		change_and_pull(s, bouncer, ROUNDS + i, etag);
	lossy_counts(network, &lost, &delivered);
	print_message("# %d bundles; answers of the store: %ld lost or cut, %ld delivered\n",
		ROUNDS + BAD_ROUNDS, lost, delivered);
	assert_true(lost >= 5);
	lossy_rate(network, 0);
	/* The old ones are removed behind the newest. */
	story_policy(s, "last");
	assert_status(200, bouncer_pull(bouncer, "sandbox", etag));
	assert_int_equal(10, story_number(s, "SELECT count(*) FROM objects WHERE environment = 'sandbox'"));
	check_store(s);
	client_close(bouncer);
	free(key);
}

/* Slow, and then slower than anybody waits: what needs no store goes on, and bundles come when it is back. */
static void a_slow_store_holds_nobody_else_up(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), etag[100] = "";
	struct client *bouncer = client_open(daemon_port(s->d));
	const struct answer *a;

	client_key(bouncer, key);
	lossy_slow(network, SLOW_MS);
	change_and_pull(s, bouncer, 0, etag);
	lossy_slow(network, TOO_SLOW_MS);
	story_policy(s, "p1");
	a = bouncer_ask(bouncer, "sandbox", etag, 60);
	assert_error(503, "service_unavailable", a);
	assert_non_null(answer_header(a, "Retry-After"));
	assert_status(200, client_get(s->c, "/policies"));
	story_policy(s, "p2");
	lossy_slow(network, 0);
	change_and_pull(s, bouncer, 3, etag);
	check_store(s);
	client_close(bouncer);
	free(key);
}

static void await_storing(struct story *s)
{
	const int64_t until = temp_now_ms() + CHECK_MS;

	while (story_number(s, "SELECT count(*) FROM storing") == 0 && temp_now_ms() < until)
		temp_sleep_ms(50);
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM storing"));
}

/* It was stored, and cannot be written down: it does not stay. */
static void what_is_not_written_down_goes(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), etag[100] = "";
	struct client *bouncer = client_open(daemon_port(s->d));
	struct crowd *waiting;

	client_key(bouncer, key);
	change_and_pull(s, bouncer, 0, etag);
	lossy_slow(network, 2000);
	story_policy(s, "p1");
	waiting = crowd_open(daemon_port(s->d), 1, key, "sandbox", etag, 1);
	await_storing(s);
	story_value(s, "UPDATE head SET epoch = epoch + 100");
	/* The answers to HEAD, PUT and DELETE. */
	temp_sleep_ms(7000);
	lossy_slow(network, 0);
	crowd_close(waiting);
	story_value(s, "UPDATE policies SET rego_code = rego_code || ' ' WHERE name = 'p1'");
	story_value(s, "UPDATE head SET epoch = epoch - 100");
	change_and_pull(s, bouncer, 2, etag);
	check_store(s);
	client_close(bouncer);
	free(key);
}

/* Changes the same policy again and again. */
struct restless {
	struct client *c;
	atomic_bool over;
};

static void *change_always(void *arg)
{
	struct restless *r = arg;

	for (int i = 0; !atomic_load(&r->over); i++) {
		assert_status(200,
			client_patch(r->c, "/policies/1", "{'rego_code':'package app\\n\\nx := %d'}", i));
		client_forget(r->c);
		temp_sleep_ms(CHANGES_MS);
	}
	return NULL;
}

/* The newest is never there, but always one that is newer than the last. */
static void who_changes_always_has_bundles_too(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), etag[100] = "";
	struct client *bouncer = client_open(daemon_port(s->d)), *fresh = client_open(daemon_port(s->d));
	struct restless r = { .c = client_of(s->d, &s->t) };
	pthread_t thread;

	client_key(bouncer, key);
	client_key(fresh, key);
	change_and_pull(s, bouncer, 0, etag);
	lossy_slow(network, SLOW_MS);
	assert_int_equal(0, pthread_create(&thread, NULL, change_always, &r));
	for (int i = 0; i < CHANGED_ROUNDS; i++) {
		const struct answer *a = assert_status(200, bouncer_ask(bouncer, "sandbox", etag, 5));

		assert_string_not_equal(etag, answer_header(a, "ETag"));
		snprintf(etag, sizeof(etag), "%s", answer_header(a, "ETag"));
		assert_status(200, bouncer_ask(fresh, "sandbox", NULL, -1));
	}
	atomic_store(&r.over, true);
	assert_int_equal(0, pthread_join(thread, NULL));
	lossy_slow(network, 0);
	client_close(r.c);
	client_close(fresh);
	client_close(bouncer);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_lost_on_the_way_costs_nothing, story_open_unlimited, story_close),
		cmocka_unit_test_setup_teardown(
			a_slow_store_holds_nobody_else_up, story_open_unlimited, story_close),
		cmocka_unit_test_setup_teardown(
			what_is_not_written_down_goes, story_open_unlimited, story_close),
		cmocka_unit_test_setup_teardown(
			who_changes_always_has_bundles_too, story_open_unlimited, story_close),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
