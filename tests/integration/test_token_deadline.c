/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of issuers and requests that have less time than a fetch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publisher.h"

/* What there was no time for says nothing of the issuer. */
static void a_fetch_ends_with_its_request(void **state)
{
	struct story *s = *state;
	struct publisher p;
	struct client *c = bearer(s, good_token(s, RSA, ",\"roles\":[\"Viewer\"]"));

	publisher_open(&p, s, RSA, RSA);
	atomic_store(&p.mood, HANGS);
	for (int i = 1; i <= 2; i++) {
		assert_error(503, "service_unavailable", client_get(c, "/policies"));
		assert_int_equal(i, web_peer_requests(p.peer));
	}
	atomic_store(&p.mood, SERVES);
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
	publisher_close(&p);
}

static int start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_AUTH_PRIVATE_ISSUERS=true",
		"CONTROLCORE_SERVER_REQUEST_MS=1000", NULL };
	static const struct daemon_options options = { .env = env };

	return minter_start_with(state, &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_fetch_ends_with_its_request, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, start, minter_stop);
}
