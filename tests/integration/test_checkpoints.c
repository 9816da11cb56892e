/* SPDX-License-Identifier: Apache-2.0 */
/* The signed heads of the audit. */
#define _GNU_SOURCE /* memmem */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/core/signing.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"
#include "story.h"
#include "temp.h"

#define WAIT_MS 60000

static struct arena *arena;

static int start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_JOBS_AUDIT_CHECKPOINT_S=1", NULL };

	arena = arena_create(65536);
	daemon_group_options(&(struct daemon_options){ .env = env });
	return daemon_group_setup(state);
}

static int stop(void **state)
{
	arena_destroy(arena);
	return daemon_group_teardown(state);
}

/* The checkpoints of one chain, newest first, when there are n of them. */
static const struct answer *await(struct story *s, const char *chain, int64_t n)
{
	for (int64_t end = temp_now_ms() + WAIT_MS;; temp_sleep_ms(50)) {
		const struct answer *a =
			assert_status(200, client_get(s->c, "/audit/checkpoints?chain=%s", chain));

		if (answer_int(a, "total") >= n)
			return a;
		if (temp_now_ms() > end)
			fail_msg("no checkpoint after %d ms: %s", WAIT_MS, a->body);
	}
}

/* The member of checkpoint i, as text. */
static const char *member(const struct answer *a, size_t i, const char *name)
{
	return answer_text(a, arena_printf(arena, "checkpoints[%zu].%s", i, name));
}

static int64_t number(const struct answer *a, size_t i, const char *name)
{
	return answer_int(a, arena_printf(arena, "checkpoints[%zu].%s", i, name));
}

/* What another program would make of the documentation: members sorted, no spaces. */
static const char *canonical(const struct answer *a, size_t i, bool signature)
{
	return arena_printf(arena,
		"{\"at\":\"%s\",\"chain\":\"%s\",\"key_id\":\"%s\",\"mac\":\"%s\",\"number\":%" PRId64
		",\"previous\":\"%s\",\"seq\":%" PRId64 "%s%s%s,\"tenant_id\":\"%s\"}",
		member(a, i, "at"), member(a, i, "chain"), member(a, i, "key_id"), member(a, i, "mac"),
		number(a, i, "number"), member(a, i, "previous"), number(a, i, "seq"),
		signature ? ",\"signature\":\"" : "", signature ? member(a, i, "signature") : "",
		signature ? "\"" : "", member(a, i, "tenant_id"));
}

static void check_signature(struct story *s, const struct answer *a, size_t i)
{
	struct client *nobody = client_open(daemon_port(s->d));
	const struct answer *keys =
		assert_status(200, client_call(nobody, "GET", "/.well-known/controlcore-keys", NULL, NULL));
	const char *text = canonical(a, i, false);
	const char *x = answer_text(keys, "keys[0].x"), *sig = member(a, i, "signature");
	struct bytes pub, signature;
	char id[SIGNING_ID_LEN + 1];

	assert_int_equal(1, answer_count(keys, "keys"));
	assert_text(member(a, i, "key_id"), keys, "keys[0].kid");
	assert_text("Ed25519", keys, "keys[0].crv");
	assert_true(base64url_decode(arena, x, strlen(x), &pub));
	assert_int_equal(SIGN_PUBLIC_LEN, pub.n);
	signing_key_id(pub.p, id);
	assert_string_equal(id, member(a, i, "key_id"));
	assert_true(base64url_decode(arena, sig, strlen(sig), &signature));
	assert_int_equal(SIGN_LEN, signature.n);
	assert_true(sign_check(pub.p, text, strlen(text), signature.p));
	client_close(nobody);
}

static void check_link(const struct answer *a, size_t newer, size_t older)
{
	const char *text = canonical(a, older, true);
	unsigned char sum[32];

	sha256_of(text, strlen(text), sum);
	assert_string_equal(hex_encode(arena, sum, sizeof(sum)), member(a, newer, "previous"));
	assert_int_equal(number(a, older, "number") + 1, number(a, newer, "number"));
}

static void heads_are_signed_when_they_have_grown(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct story *s = *state;
	const struct answer *a = await(s, "data", 1);

	assert_string_equal(s->t.id, member(a, 0, "tenant_id"));
	assert_string_equal("data", member(a, 0, "chain"));
	assert_string_equal(zeros, member(a, 0, "previous"));
	assert_int_equal(1, number(a, 0, "number"));
	assert_int_equal(1, number(a, 0, "seq"));
	assert_string_equal(
		story_value(s, "SELECT encode(mac, 'hex') FROM audit WHERE seq = 1"), member(a, 0, "mac"));
	check_signature(s, a, 0);
	story_policy(s, "p");
	a = await(s, "data", 2);
	assert_int_equal(2, number(a, 0, "seq"));
	check_signature(s, a, 0);
	check_link(a, 0, 1);
	a = await(s, "control", 1);
	check_signature(s, a, 0);
	assert_string_equal("control", member(a, 0, "chain"));
}

static void heads_that_did_not_grow_are_not_signed_again(void **state)
{
	struct story *s = *state;
	const struct answer *a = await(s, "control", 1);
	char find[200];

	(void)await(s, "data", 1);
	snprintf(find, sizeof(find), "SELECT checkpoint_at FROM cc.tenant WHERE id = '%s'", s->t.id);
	/* It was this tenant's turn at least three times. */
	for (int i = 0; i < 3; i++) {
		char *before = strdup(story_control_value(s, find));

		for (int64_t end = temp_now_ms() + WAIT_MS; strcmp(before, story_control_value(s, find)) == 0;
			temp_sleep_ms(50))
			assert_true(temp_now_ms() < end);
		free(before);
	}
	assert_int(1, client_get(s->c, "/audit/checkpoints?chain=data"), "total");
	a = client_get(s->c, "/audit/checkpoints?limit=1&skip=1");
	assert_int_equal(1, answer_count(a, "checkpoints"));
	assert_true(answer_int(a, "total") <= 3);
}

/* The log says so, and nothing is signed that would make it look right again. */
static void a_chain_that_was_cut_is_not_signed_over(void **state)
{
	struct story *s = *state;
	bool said = false;
	int64_t n;

	story_policy(s, "p");
	do
		n = number(await(s, "data", 1), 0, "seq");
	while (n < 2);
	story_value(s, "DELETE FROM audit WHERE seq = 2");
	story_value(s, "UPDATE head SET audit_seq = 1, audit_mac = (SELECT mac FROM audit WHERE seq = 1)");
	n = answer_int(client_get(s->c, "/audit/checkpoints?chain=data"), "total");
	for (int64_t end = temp_now_ms() + WAIT_MS; !said; temp_sleep_ms(50)) {
		char wanted[200];

		snprintf(wanted, sizeof(wanted), "the data chain of the audit of %s was cut or rewritten",
			s->t.id);
		said = daemon_log_lines(s->d, wanted) > 0;
		if (temp_now_ms() > end)
			fail_msg("the log does not say it");
	}
	/* Grown again beyond the checkpoint, with other rows. */
	story_policy(s, "q");
	story_policy(s, "r");
	temp_sleep_ms(3000);
	assert_int(n, client_get(s->c, "/audit/checkpoints?chain=data"), "total");
}

static void checkpoints_need_the_scope_of_the_audit(void **state)
{
	struct story *s = *state;
	char *key = fixture_key(s->d, s->t.id, "policies:read", NULL);

	client_key(s->c, key);
	assert_error(403, "insufficient_scope", client_get(s->c, "/audit/checkpoints"));
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			heads_are_signed_when_they_have_grown, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			heads_that_did_not_grow_are_not_signed_again, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_chain_that_was_cut_is_not_signed_over, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			checkpoints_need_the_scope_of_the_audit, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
