/* SPDX-License-Identifier: Apache-2.0 */
/* Another signing key: every bouncer gets what it signs, and nodes of both keys do not fight. */
#define _GNU_SOURCE /* memmem */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"
#include "temp.h"
#include "cc/base/arena.h"
#include "cc/base/bytes.h"

static const char *const rotated[] = {
	"CONTROLCORE_SECRETS_SIGNING_KEY=another signing key for tests, of 32 bytes",
	"CONTROLCORE_SECRETS_SIGNING_KEY_PREVIOUS=a signing key for tests, 32 bytes or more", NULL
};

static struct client *bouncer_at(struct daemon *d, const char *key)
{
	struct client *c = client_open(daemon_port(d));

	client_key(c, key);
	return c;
}

static void keep_tag(const struct answer *a, char ret[100])
{
	snprintf(ret, 100, "%s", answer_header(a, "ETag"));
}

/* The key that a bundle names, among those that are published. */
static const char *signer(const struct bouncer_bundle *b, const struct answer *keys)
{
	const char *token = strstr(bouncer_file(b, ".signatures.json")->text, "\":[\"") + 4;
	static char kid[100];

	for (size_t i = 0; i < answer_count(keys, "keys"); i++) {
		char at[40];
		struct arena *a = arena_create(1024);
		struct bytes head;

		snprintf(at, sizeof(at), "keys[%zu].kid", i);
		assert_true(base64url_decode(a, token, strcspn(token, "."), &head));
		snprintf(kid, sizeof(kid), "%s", answer_text(keys, at));
		if (memmem(head.p, head.n, kid, strlen(kid)) != NULL) {
			arena_destroy(a);
			return kid;
		}
		arena_destroy(a);
	}
	fail_msg("no published key signed it");
	return NULL;
}

struct waiter {
	struct client *c;
	const char *tag;
	const struct answer *answer;
};

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;

	w->answer = bouncer_ask(w->c, "sandbox", w->tag, 25);
	return NULL;
}

static void a_new_key_signs_what_the_old_one_did(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), before[100], after[100], kid[100];
	struct client *c = bouncer_at(s->d, key);
	struct bouncer_bundle old, new;
	const struct answer *keys, *a;

	a = bouncer_pull(c, "sandbox", NULL);
	keep_tag(a, before);
	keys = bundle_keys(s);
	assert_int_equal(1, answer_count(keys, "keys"));
	bouncer_open(a, keys, &old);
	snprintf(kid, sizeof(kid), "%s", signer(&old, keys));
	assert_int_equal(0, daemon_stop(s->d));
	daemon_env(s->d, rotated);
	daemon_restart(s->d);
	client_port(c, daemon_port(s->d));
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
	/* Nothing but the key has changed, and who waits with the old one's gets the new one's. */
	a = assert_status(200, bouncer_ask(c, "sandbox", before, 25));
	keep_tag(a, after);
	assert_string_not_equal(before, after);
	keys = bundle_keys(s);
	assert_int_equal(2, answer_count(keys, "keys"));
	bouncer_open(a, keys, &new);
	assert_string_not_equal(kid, signer(&new, keys));
	assert_string_equal(answer_text(keys, "keys[0].kid"), signer(&new, keys));
	assert_string_equal(kid, answer_text(keys, "keys[1].kid"));
	assert_int_equal(old.n, new.n);
	assert_status(304, bouncer_ask(c, "sandbox", after, -1));
	bouncer_close(&old);
	bouncer_close(&new);
	client_close(c);
	free(key);
}

/* One node after the other is started with the new key: until then each has its own, and makes it once. */
static void nodes_of_both_keys_live_side_by_side(void **state)
{
	struct story *s = *state;
	const struct daemon_options options = { .env = rotated };
	struct daemon *next = daemon_join(s->d, &options);
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), old[100], new[100];
	struct client *a = bouncer_at(s->d, key), *b = bouncer_at(next, key);
	struct waiter w = { .c = a, .tag = old };
	pthread_t thread;

	keep_tag(bouncer_pull(a, "sandbox", NULL), old);
	keep_tag(bouncer_pull(b, "sandbox", NULL), new);
	assert_string_not_equal(old, new);
	for (int i = 0; i < 3; i++) {
		assert_status(304, bouncer_ask(a, "sandbox", old, 1));
		assert_status(304, bouncer_ask(b, "sandbox", new, 1));
	}
	assert_int_equal(2, story_number(s, "SELECT count(*) FROM objects"));
	assert_int_equal(0, pthread_create(&thread, NULL, wait_for_it, &w));
	temp_sleep_ms(150);
	assert_status(
		201, client_post(s->c, "/policies",
			     "{'name':'p','environment':'sandbox','rego_code':'package app\\n\\nx := 1'}"));
	assert_status(200, bouncer_pull(b, "sandbox", new));
	assert_int_equal(0, pthread_join(thread, NULL));
	assert_status(200, w.answer);
	client_close(a);
	client_close(b);
	daemon_finish(next);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nodes_of_both_keys_live_side_by_side, story_open_unlimited, story_close),
		cmocka_unit_test_setup_teardown(
			a_new_key_signs_what_the_old_one_did, story_open_unlimited, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
