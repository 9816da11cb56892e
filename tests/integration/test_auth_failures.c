/* SPDX-License-Identifier: Apache-2.0 */
/* Who guesses is slowed down; who knows is not. The daemon trusts 127.0.0.1 to say who asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "minter.h"

#include "cc/base/bytes.h"
#include "cc/crypto/apikey.h"

#define FAILURES 5
#define RATION 200 /* more than the look-ups that such an address has in a second */

static const struct answer *ask_from(struct client *c, const char *address)
{
	char line[120];

	(void)snprintf(line, sizeof(line), "X-Forwarded-For: %s\r\n", address);
	return client_call(c, "GET", "/api/v1/auth/validate", line, NULL);
}

/* A well-formed key that nobody has: with the id of `like`, or with one of its own. */
static void make_wrong(const char *like, char ret[static 80])
{
	static int n;
	uint32_t crc;
	int secret;

	(void)snprintf(ret, 80, "%s", like);
	/* prefix, 10 of the id, then the secret */
	secret = (int)(strchr(strchr(ret, '_') + 1, '_') + 1 - ret) + 10;
	(void)snprintf(ret + secret, 16, "%08d", ++n);
	ret[secret + 8] = like[secret + 8];
	crc = crc32_of(ret, strlen(ret) - 6);
	for (size_t i = strlen(ret) - 1; i >= strlen(like) - 6; i--, crc /= 62)
		ret[i] = ALPHABET_BASE62[crc % 62];
}

static void expect_limited(const struct answer *a)
{
	assert_error(429, "rate_limit_exceeded", a);
	assert_int(FAILURES, a, "limit");
	assert_int(0, a, "remaining");
	assert_in_range(answer_int(a, "retry_after"), 1, 60);
	assert_int_equal(answer_int(a, "retry_after"), strtol(answer_header(a, "Retry-After"), NULL, 10));
}

static void spend(struct client *c, const char *address)
{
	client_key(c, "cc_live_nothing");
	for (int i = 0; i < FAILURES; i++)
		assert_error(401, "unauthorized", ask_from(c, address));
	expect_limited(ask_from(c, address));
}

static void an_address_that_fails_is_slowed_down(void **state)
{
	struct client *c = client_open(daemon_port(*state));

	spend(c, "192.0.2.1");
	expect_limited(ask_from(c, "192.0.2.1"));
	assert_error(401, "unauthorized", ask_from(c, "192.0.2.2"));
	client_close(c);
}

/* Also one that this node never saw before. */
static void good_credentials_of_that_address_pass(void **state)
{
	struct client *c = client_open(daemon_port(*state));
	struct tenant_fixture t;
	char *key;

	fixture_tenant(*state, "neighbour", NULL, NULL, NULL, &t);
	key = fixture_key(*state, t.id, "policies:read", NULL);
	client_key(c, t.key);
	client_tenant(c, t.id);
	assert_status(200, ask_from(c, "192.0.2.3"));
	spend(c, "192.0.2.3");
	for (int i = 0; i < 3 * FAILURES; i++) {
		client_key(c, t.key);
		assert_status(200, ask_from(c, "192.0.2.3"));
		client_key(c, key);
		assert_status(200, ask_from(c, "192.0.2.3"));
		client_key(c, daemon_operator_key(*state));
		assert_status(200, ask_from(c, "192.0.2.3"));
	}
	client_key(c, "cc_live_nothing");
	expect_limited(ask_from(c, "192.0.2.3"));
	free(key);
	client_close(c);
}

/* Whoever guesses at one key from many addresses meets the key's own limit, and its owner does not. */
static void check_guesses(struct daemon *d, const char *tenant, const char *key, const char *network)
{
	struct client *c = client_open(daemon_port(d));
	char wrong[80], address[40];

	client_tenant(c, tenant);
	for (int i = 0; i <= FAILURES; i++) {
		const struct answer *a;

		make_wrong(key, wrong);
		client_key(c, wrong);
		(void)snprintf(address, sizeof(address), "%s.%d", network, i + 1);
		a = ask_from(c, address);
		if (i < FAILURES)
			assert_error(401, "unauthorized", a);
		else
			expect_limited(a);
	}
	client_key(c, key);
	for (int i = 0; i < 2 * FAILURES; i++)
		assert_status(200, ask_from(c, address));
	client_close(c);
}

static void a_key_that_is_guessed_at_has_a_limit_of_its_own(void **state)
{
	struct tenant_fixture t;

	fixture_tenant(*state, "guessed", NULL, NULL, NULL, &t);
	check_guesses(*state, t.id, t.key, "198.51.100");
	check_guesses(*state, t.id, daemon_operator_key(*state), "203.0.113");
}

static void a_key_that_ended_is_a_failure_too(void **state)
{
	struct client *c = client_open(daemon_port(*state)), *op = client_operator(*state);
	struct tenant_fixture t;
	char *key, *id;

	fixture_tenant(*state, "endedkeys", NULL, NULL, NULL, &t);
	key = fixture_key(*state, t.id, "policies:read", &id);
	assert_status(200, client_delete(op, "/tenants/%s/api-keys/%s", t.id, id));
	client_key(c, key);
	for (int i = 0; i < FAILURES; i++)
		assert_error(401, "key_revoked", ask_from(c, "192.0.2.4"));
	expect_limited(ask_from(c, "192.0.2.4"));
	free(key);
	free(id);
	client_close(c);
	client_close(op);
}

static void a_token_that_fails_is_one_too(void **state)
{
	struct client *c = client_open(daemon_port(*state));

	client_key(c, "eyJhbGciOiJub25lIn0.e30.x");
	for (int i = 0; i < FAILURES; i++)
		assert_int_equal(401, ask_from(c, "192.0.2.5")->status);
	expect_limited(ask_from(c, "192.0.2.5"));
	client_close(c);
}

/* Forgeries of the same address have spent what may be looked up for it. */
static void a_token_that_was_verified_goes_on(void **state)
{
	struct story *s = *state;
	struct client *c, *forger = bearer(s, good_token(s, STRANGER, ",\"roles\":[\"Viewer\"]"));

	trust(s);
	c = bearer(s, good_token(s, RSA, ",\"roles\":[\"Viewer\"]"));
	assert_status(200, ask_from(c, "192.0.2.7"));
	for (int i = 0; i < RATION; i++)
		assert_true(ask_from(forger, "192.0.2.7")->status != 200);
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < RATION / 10; k++)
			assert_int_equal(429, ask_from(forger, "192.0.2.7")->status);
		assert_status(200, ask_from(c, "192.0.2.7"));
	}
	client_close(c);
	client_close(forger);
}

static void who_shows_nothing_has_not_failed(void **state)
{
	struct client *c = client_open(daemon_port(*state));

	for (int i = 0; i < 2 * FAILURES; i++)
		assert_error(401, "unauthorized", ask_from(c, "192.0.2.6"));
	client_key(c, "cc_live_nothing");
	assert_error(401, "unauthorized", ask_from(c, "192.0.2.6"));
	client_close(c);
}

static void a_site_of_ipv6_is_one_address(void **state)
{
	struct client *c = client_open(daemon_port(*state));
	char address[64];

	client_key(c, "cc_live_nothing");
	for (int i = 0; i < FAILURES; i++) {
		(void)snprintf(address, sizeof(address), "2001:db8:0:1:%d::%d", i, i);
		assert_error(401, "unauthorized", ask_from(c, address));
	}
	expect_limited(ask_from(c, "2001:db8:0:1:ffff::1"));
	assert_error(401, "unauthorized", ask_from(c, "2001:db8:0:2::1"));
	client_close(c);
}

static int start(void **state)
{
	static char limit[64];
	static const char *const env[] = { limit, "CONTROLCORE_SERVER_TRUSTED_PROXIES=127.0.0.1", NULL };
	static const struct daemon_options options = { .env = env };

	(void)snprintf(limit, sizeof(limit), "CONTROLCORE_LIMITS_AUTH_FAILURES=%d", FAILURES);
	return minter_start_with(state, &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_that_fails_is_slowed_down),
		cmocka_unit_test(good_credentials_of_that_address_pass),
		cmocka_unit_test(a_key_that_is_guessed_at_has_a_limit_of_its_own),
		cmocka_unit_test(a_key_that_ended_is_a_failure_too),
		cmocka_unit_test(a_token_that_fails_is_one_too),
		cmocka_unit_test_setup_teardown(a_token_that_was_verified_goes_on, story_open, story_close),
		cmocka_unit_test(who_shows_nothing_has_not_failed),
		cmocka_unit_test(a_site_of_ipv6_is_one_address),
	};

	return cmocka_run_group_tests(tests, start, minter_stop);
}
