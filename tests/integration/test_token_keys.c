/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that issuers publish: how often they are asked for, and who waits when an issuer does not answer. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "publisher.h"
#include "story.h"
#include "temp.h"

enum {
	WORKERS = 16,
	PLACES = WORKERS / 4,           /* fetches that requests may wait for */
	FOLLOWERS = PLACES / 2,         /* who wait for another's, of one tenant */
	WAITS = PLACES / 2 + FOLLOWERS, /* requests that may wait for one tenant's issuers */
	FETCHES = 16,                   /* that requests start in a minute, for one tenant */
	PAUSE_MS = 1000,     /* as the daemon of this suite has it … */
	OVER_MS = 1200,      /* … and when it is certainly over */
	IDLE_MS = 2200,      /* over twice the time that keys are fresh */
	RETRY_MS = 3000,
	AWAIT_MS = 20000,
	AT_ONCE_US = 1000000, /* a fetch that hangs takes two seconds */
	CROWD = 12,
};

#define WARNING "\"level\":\"warn\",\"msg\":\"request\""
#define VIEWER ",\"roles\":[\"Viewer\"]"

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

static void asker_start(struct asker *k, struct story *s, char *token)
{
	k->c = bearer(s, token);
	assert_int_equal(0, pthread_create(&k->thread, NULL, ask, k));
}

/* Each with a token of its own, all under way when it returns. */
static void crowd_start(struct asker *crowd, int n, struct story *s, int key)
{
	for (int i = 0; i < n; i++)
		asker_start(&crowd[i], s, good_token(s, key, VIEWER));
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
	struct asker crowd[1 + FOLLOWERS];
	struct client *old = bearer(s, good_token(s, RSA, VIEWER));

	publisher_open(&p, s, RSA, RSA);
	assert_status(200, client_get(old, "/policies"));
	publish_others(&p, EC, ED);
	atomic_store(&p.mood, IS_SLOW);
	temp_sleep_ms(OVER_MS);
	crowd_start(crowd, 1 + FOLLOWERS, s, EC);
	crowd_join(crowd, 1 + FOLLOWERS);
	for (int i = 0; i < 1 + FOLLOWERS; i++)
		assert_status(200, crowd[i].a);
	assert_int_equal(2, web_peer_requests(p.peer));
	assert_error(401, "invalid_token", client_get(old, "/policies"));
	crowd_close(crowd, 1 + FOLLOWERS);
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

/* ISS with a number, at paths of one publisher. */
#define ISS_N "https://%d.acme.com/"

static void trust_many(struct story *s, const struct publisher *p, int n)
{
	char *body = text("{\"issuers\":[");

	for (int i = 0; i < n; i++) {
		char *longer = text("%s%s{\"issuer\":\"" ISS_N "\",\"audience\":\"" AUD "\","
				    "\"jwks_url\":\"%s/%d\",\"algorithms\":[\"RS256\"]}%s",
			body, i > 0 ? "," : "", i, web_peer_url(p->peer), i, i == n - 1 ? "]}" : "");

		free(body);
		body = longer;
	}
	assert_status(200, set_issuers(s, s->operator, body));
	free(body);
}

static char *forged(const struct story *s, int issuer)
{
	char *header = header_of(STRANGER);
	char *claims = text("{\"iss\":\"" ISS_N "\",\"aud\":\"" AUD "\",\"sub\":\"u\",\"exp\":%" PRId64
			    ",\"tenant_id\":\"%s\"}",
		issuer, (int64_t)time(NULL) + 600, s->t.id);
	char *token = signer_token(signers[STRANGER], header, claims);

	free(header);
	free(claims);
	return token;
}

/* However many issuers of his hang, others' keys can be had. */
static void no_tenant_has_all_the_places(void **state)
{
	enum { ISSUERS = 5 };
	struct story *s = *state, other = *s;
	struct publisher hanging, good;
	struct asker crowd[CROWD];
	struct client *c;
	int waited = 0;

	fixture_tenant(s->d, "patient", NULL, NULL, NULL, &other.t);
	publisher_open(&good, &other, RSA, RSA);
	c = bearer(&other, good_token(&other, RSA, VIEWER));
	publisher_open(&hanging, s, RSA, RSA);
	atomic_store(&hanging.mood, HANGS);
	trust_many(s, &hanging, ISSUERS);
	for (int i = 0; i < CROWD; i++)
		asker_start(&crowd[i], s, forged(s, i % ISSUERS));
	await_requests(&hanging, PLACES / 2);
	assert_at_once(200, client_get(c, "/policies"));
	crowd_join(crowd, CROWD);
	for (int i = 0; i < CROWD; i++) {
		assert_later(crowd[i].a);
		waited += crowd[i].a->us > AT_ONCE_US;
	}
	assert_in_range(waited, 1, WAITS);
	crowd_close(crowd, CROWD);
	client_close(c);
	publisher_close(&hanging);
	publisher_close(&good);
}

/* Whoever forges would fill the log with warnings otherwise. */
static void an_outage_is_logged_once(void **state)
{
	struct story *s = *state;
	const int warnings = daemon_log_lines(s->d, WARNING);
	struct publisher p;
	struct client *c = bearer(s, good_token(s, STRANGER, VIEWER));
	char *words;

	publisher_open(&p, s, RSA, RSA);
	words = text("an issuer cannot be had\",\"cause\":\"%s/keys: ", web_peer_url(p.peer));
	atomic_store(&p.mood, FAILS);
	for (int i = 0; i < 10; i++)
		assert_later(client_get(c, "/policies"));
	for (int i = 0; i < 100 && daemon_log_lines(s->d, words) < web_peer_requests(p.peer); i++)
		temp_sleep_ms(50);
	assert_int_equal(web_peer_requests(p.peer), daemon_log_lines(s->d, words));
	assert_int_equal(warnings, daemon_log_lines(s->d, WARNING));
	free(words);
	client_close(c);
	publisher_close(&p);
}

/* Pauses are for URLs, and a tenant can name as many as it likes. */
static void other_paths_buy_no_fetches(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *c = bearer(s, good_token(s, RSA, VIEWER));
	const int64_t start_ms = temp_now_ms();

	publisher_open(&p, s, RSA, RSA);
	atomic_store(&p.mood, FAILS);
	for (int i = 0; i < 3 * FETCHES; i++) {
		char *source = text("\"jwks_url\":\"%s/%d\"", web_peer_url(p.peer), i);
		char *body = issuers_body(source);

		assert_status(200, set_issuers(s, s->operator, body));
		assert_later(client_get(c, "/policies"));
		free(source);
		free(body);
	}
	assert_in_range(web_peer_requests(p.peer), FETCHES,
		FETCHES + 1 + (temp_now_ms() - start_ms) * FETCHES / 60000);
	client_close(c);
	publisher_close(&p);
}

/* Nobody used its keys for long: what it publishes now is asked for first. */
static void a_withdrawn_key_does_not_outlive_idleness(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *old = bearer(s, good_token(s, RSA, VIEWER));
	struct client *new = bearer(s, good_token(s, EC, VIEWER));

	publisher_open(&p, s, RSA, RSA);
	assert_status(200, client_get(old, "/policies"));
	atomic_store(&p.mood, FAILS);
	temp_sleep_ms(IDLE_MS);
	assert_status(200, client_get(old, "/policies"));
	assert_int_equal(2, web_peer_requests(p.peer));
	publish_others(&p, EC, ED);
	atomic_store(&p.mood, SERVES);
	temp_sleep_ms(IDLE_MS + RETRY_MS);
	assert_error(401, "invalid_token", client_get(old, "/policies"));
	assert_int_equal(3, web_peer_requests(p.peer));
	assert_status(200, client_get(new, "/policies"));
	client_close(old);
	client_close(new);
	publisher_close(&p);
}

static void who_forges_has_nothing_fetched_of_known_keys(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *c = bearer(s, good_token(s, RSA, VIEWER));
	struct client *forger = bearer(s, good_token(s, STRANGER, VIEWER));

	publisher_open(&p, s, RSA, RSA);
	assert_status(200, client_get(c, "/policies"));
	for (int i = 0; i < 10; i++) {
		temp_sleep_ms(IDLE_MS / 10);
		assert_error(401, "invalid_token", client_get(forger, "/policies"));
	}
	assert_int_equal(1, web_peer_requests(p.peer));
	client_close(c);
	client_close(forger);
	publisher_close(&p);
}

/* After 3 s, then after 6: two attempts in the first nine. */
static void who_keeps_failing_is_asked_less_often(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *c = bearer(s, good_token(s, RSA, VIEWER));
	int64_t end_ms;

	publisher_open(&p, s, RSA, RSA);
	assert_status(200, client_get(c, "/policies"));
	atomic_store(&p.mood, FAILS);
	for (end_ms = temp_now_ms() + 3 * RETRY_MS; temp_now_ms() < end_ms;) {
		assert_at_once(200, client_get(c, "/policies"));
		temp_sleep_ms(50);
	}
	assert_in_range(web_peer_requests(p.peer), 2, 3);
	client_close(c);
	publisher_close(&p);
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
		cmocka_unit_test_setup_teardown(no_tenant_has_all_the_places, story_open, story_close),
		cmocka_unit_test_setup_teardown(other_paths_buy_no_fetches, story_open, story_close),
		cmocka_unit_test_setup_teardown(an_outage_is_logged_once, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_withdrawn_key_does_not_outlive_idleness, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			who_forges_has_nothing_fetched_of_known_keys, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			who_keeps_failing_is_asked_less_often, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, start, minter_stop);
}
