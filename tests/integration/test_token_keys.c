/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that issuers publish: how often they are asked for, and who waits when an issuer does not answer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "minter.h"
#include "story.h"
#include "temp.h"
#include "web_peer.h"

enum {
	WORKERS = 16,
	WAITS = WORKERS / 4, /* requests that may wait for issuers */
	PAUSE_MS = 1000,     /* as the daemon of this suite has it … */
	OVER_MS = 1200,      /* … and when it is certainly over */
	AWAIT_MS = 20000,
	AT_ONCE_US = 1000000, /* a fetch that hangs takes two seconds */
	CROWD = 12,
};

#define VIEWER ",\"roles\":[\"Viewer\"]"

/* The issuer ------------------------------------------------------------------------------------------- */

enum mood { SERVES, IS_SLOW, FAILS, HANGS };

struct publisher {
	_Atomic(const char *) jwks;
	atomic_int mood;
	struct web_peer *peer;
	char *texts[2];
};

static void publish(struct web_turn *t, void *arg)
{
	const struct publisher *p = arg;
	const int mood = atomic_load(&p->mood);

	if (mood == HANGS)
		(void)web_sleep(t, 2 * AWAIT_MS);
	if (mood == IS_SLOW)
		(void)web_sleep(t, 300);
	web_reply(t, mood == FAILS ? 500 : 200, NULL, atomic_load(&p->jwks));
}

/* One that the story's tenant trusts, with the keys first to last. */
static void publisher_open(struct publisher *p, struct story *s, int first, int last)
{
	char *source, *body;

	*p = (struct publisher){ .texts[0] = jwks_of(first, last) };
	atomic_store(&p->jwks, p->texts[0]);
	p->peer = web_peer_start(publish, p);
	source = text("\"jwks_url\":\"%s/keys\"", web_peer_url(p->peer));
	body = issuers_body(source);
	assert_status(200, set_issuers(s, s->operator, body));
	free(source);
	free(body);
}

static void publish_others(struct publisher *p, int first, int last)
{
	p->texts[1] = jwks_of(first, last);
	atomic_store(&p->jwks, p->texts[1]);
}

static void publisher_close(struct publisher *p)
{
	web_peer_stop(p->peer);
	free(p->texts[0]);
	free(p->texts[1]);
}

/* Many at once ----------------------------------------------------------------------------------------- */

struct asker {
	pthread_t thread;
	struct client *c;
	const struct answer *a;
};

static void *ask(void *arg)
{
	struct asker *k = arg;

	k->a = client_get(k->c, "/policies");
	return NULL;
}

/* Each with a token of its own, all under way when it returns. */
static void crowd_start(struct asker *crowd, int n, struct story *s, int key)
{
	for (int i = 0; i < n; i++) {
		crowd[i].c = bearer(s, good_token(s, key, VIEWER));
		assert_int_equal(0, pthread_create(&crowd[i].thread, NULL, ask, &crowd[i]));
	}
}

static void crowd_join(struct asker *crowd, int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(0, pthread_join(crowd[i].thread, NULL));
}

static void crowd_close(struct asker *crowd, int n)
{
	for (int i = 0; i < n; i++)
		client_close(crowd[i].c);
}

static void assert_at_once(int status, const struct answer *a)
{
	assert_status(status, a);
	assert_in_range(a->us, 0, AT_ONCE_US);
}

static void assert_later(const struct answer *a)
{
	assert_error(503, "service_unavailable", a);
	assert_true(strtol(answer_header(a, "Retry-After"), NULL, 10) > 0);
}

static void await_requests(const struct publisher *p, int n)
{
	const int64_t end_ms = temp_now_ms() + AWAIT_MS;

	while (web_peer_requests(p->peer) < n && temp_now_ms() < end_ms)
		temp_sleep_ms(20);
	assert_true(web_peer_requests(p->peer) >= n);
}

/* Stories ---------------------------------------------------------------------------------------------- */

static void tokens_make_nobody_hammer_an_issuer(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *c = bearer(s, good_token(s, RSA, VIEWER));
	struct client *unknown = bearer(s, good_token(s, ED, VIEWER));
	const int64_t start_ms = temp_now_ms();

	publisher_open(&p, s, RSA, EC);
	for (int i = 0; i < 30; i++) {
		assert_status(200, client_get(c, "/policies"));
		assert_error(401, "invalid_token", client_get(unknown, "/policies"));
	}
	assert_in_range(web_peer_requests(p.peer), 1, 1 + (temp_now_ms() - start_ms) / PAUSE_MS);
	client_close(c);
	client_close(unknown);
	publisher_close(&p);
}

static void a_new_key_is_fetched_by_one_for_all(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct asker crowd[WAITS];
	struct client *old = bearer(s, good_token(s, RSA, VIEWER));

	publisher_open(&p, s, RSA, RSA);
	assert_status(200, client_get(old, "/policies"));
	publish_others(&p, EC, ED);
	atomic_store(&p.mood, IS_SLOW);
	temp_sleep_ms(OVER_MS);
	crowd_start(crowd, WAITS, s, EC);
	crowd_join(crowd, WAITS);
	for (int i = 0; i < WAITS; i++)
		assert_status(200, crowd[i].a);
	assert_int_equal(2, web_peer_requests(p.peer));
	assert_error(401, "invalid_token", client_get(old, "/policies"));
	crowd_close(crowd, WAITS);
	client_close(old);
	publisher_close(&p);
}

static void known_keys_outlive_an_outage_and_nobody_waits(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *c = bearer(s, good_token(s, RSA, VIEWER));
	struct client *new = bearer(s, good_token(s, EC, VIEWER));
	int64_t end_ms;

	publisher_open(&p, s, RSA, RSA);
	assert_status(200, client_get(c, "/policies"));
	atomic_store(&p.mood, FAILS);
	temp_sleep_ms(OVER_MS);
	assert_at_once(200, client_get(c, "/policies"));
	await_requests(&p, 2);
	assert_at_once(200, client_get(c, "/policies"));
	assert_later(client_get(new, "/policies"));
	atomic_store(&p.mood, HANGS);
	end_ms = temp_now_ms() + AWAIT_MS;
	for (const int before = web_peer_requests(p.peer); web_peer_requests(p.peer) == before;) {
		assert_true(temp_now_ms() < end_ms);
		assert_at_once(200, client_get(c, "/policies"));
		temp_sleep_ms(20);
	}
	for (int i = 0; i < 20; i++)
		assert_at_once(200, client_get(c, "/policies"));
	publish_others(&p, EC, ED);
	atomic_store(&p.mood, SERVES);
	/* Asked with the old key alone, it learns of the new one. */
	for (end_ms = temp_now_ms() + AWAIT_MS; client_get(c, "/policies")->status == 200;) {
		assert_true(temp_now_ms() < end_ms);
		temp_sleep_ms(50);
	}
	assert_at_once(200, client_get(new, "/policies"));
	client_close(c);
	client_close(new);
	publisher_close(&p);
}

static void an_issuer_that_hangs_holds_up_nobody_else(void **state)
{
	struct story *s = *state, other = *s;
	struct publisher hanging, good;
	struct asker crowd[CROWD];
	struct client *c, *forger = bearer(s, good_token(s, STRANGER, VIEWER));
	int waited = 0;

	fixture_tenant(s->d, "bystander", NULL, NULL, NULL, &other.t);
	publisher_open(&good, &other, RSA, RSA);
	c = bearer(&other, good_token(&other, RSA, VIEWER));
	assert_status(200, client_get(c, "/policies"));
	publisher_open(&hanging, s, RSA, RSA);
	atomic_store(&hanging.mood, HANGS);
	crowd_start(crowd, CROWD, s, STRANGER);
	await_requests(&hanging, 1);
	for (int i = 0; i < 20; i++) {
		assert_at_once(200, client_get(c, "/policies"));
		assert_at_once(200, client_get(s->c, "/policies"));
	}
	crowd_join(crowd, CROWD);
	for (int i = 0; i < CROWD; i++) {
		assert_later(crowd[i].a);
		waited += crowd[i].a->us > AT_ONCE_US;
	}
	assert_in_range(waited, 1, WAITS);
	/* It is left alone for a while: forgeries cost nobody anything. */
	for (int i = 0; i < 5; i++)
		assert_later(client_get(forger, "/policies"));
	assert_int_equal(1, web_peer_requests(hanging.peer));
	crowd_close(crowd, CROWD);
	client_close(c);
	client_close(forger);
	publisher_close(&hanging);
	publisher_close(&good);
}

/* What an issuer publishes is not its customers' choice; what they write themselves is. */
static void a_key_that_cannot_be_used_hides_no_other(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct signer *weak = signer_make(SIGNER_RSA_1024, "weak");
	char *bad = signer_jwk(weak), *good = signer_jwk(signers[RSA]);
	char *set = text("{\"keys\":[%s,%s]}", bad, good), *alone = text("{\"keys\":[%s]}", bad);
	struct client *c = bearer(s, good_token(s, RSA, VIEWER));
	char *source, *body;

	publisher_open(&p, s, RSA, RSA);
	atomic_store(&p.jwks, set);
	assert_status(200, client_get(c, "/policies"));
	source = text("\"jwks\":%s", set);
	body = issuers_body(source);
	assert_fault("issuers[0].jwks", "format", set_issuers(s, s->operator, body));
	client_close(c);
	publisher_close(&p);
	publisher_open(&p, s, RSA, RSA);
	atomic_store(&p.jwks, alone);
	c = bearer(s, good_token(s, RSA, VIEWER));
	assert_later(client_get(c, "/policies"));
	client_close(c);
	publisher_close(&p);
	signer_free(weak);
	free(bad);
	free(good);
	free(set);
	free(alone);
	free(source);
	free(body);
}

static int start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_AUTH_PRIVATE_ISSUERS=true",
		"CONTROLCORE_AUTH_KEYS_FRESH_S=1", "CONTROLCORE_AUTH_KEYS_PAUSE_S=1",
		"CONTROLCORE_AUTH_KEYS_RETRY_S=3", NULL };
	static const struct daemon_options options = { .workers = WORKERS, .env = env };

	return minter_start_with(state, &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tokens_make_nobody_hammer_an_issuer, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_new_key_is_fetched_by_one_for_all, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			known_keys_outlive_an_outage_and_nobody_waits, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			an_issuer_that_hangs_holds_up_nobody_else, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_key_that_cannot_be_used_hides_no_other, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, start, minter_stop);
}
