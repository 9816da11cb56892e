/* SPDX-License-Identifier: Apache-2.0 */
/* Which texts hold a credential: none of them is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/base/str.h"
#include "http/guard.h"

#define KEY "cc_live_0123456789abcdefghijABCDEFGHIJabcdefghij01012345"

static void credentials_are_found(void **state)
{
	static const char *const texts[] = {
		KEY, "/" KEY, "/a" KEY "b", "/policies&api_key=" KEY, "/policies;" KEY, "/policies#" KEY,
		"/policies%3Fapi_key=x", "/policies%253Fapi_key%253Dx", "/cc%5Flive%5Fx2345678",
		"/cc%255flive%255fx2345678", "/%63c_live_x2345678", "http://user:x@host/",
		"http%3A//user%40host/%3Aa://b@c", "/Bearer%20x", "/bearer+x", "/access_token:x",
		"/Access-Token=x", "/x/eyJhbGc.eyJjIjo.abc", "/xeyJhbGc.eyJjIjo.",
		"/sk_live_x2345678", "/whsec_x2345678", "cc_op_12345678", "my-rk_test_12345678",
		"task_test_42.sk_live_12345678", "eyJeyJ.eyJ.eyJ.x",
		"/%25252525252525252525252525255f",
	};
	struct arena *a = arena_create(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!guard_tells_secret(a, texts[i]))
			fail_msg("%s", texts[i]);
	arena_destroy(a);
}

static void all_else_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"", "*", "/", "/api/v1/policies/17", "/api/v1/tenants/acme-abc123/api-keys/key-0123456789",
		"/api/v1/tenants/acme/auth/issuers", "/a%20b%zz%", "/monkey=banana", "/eyJhbGc.eyJjIjo",
		"/eyJ", "/eyJ..", "/cc_live", "/bearer", "/bearers%20x", "http://host/a@b", "/%e2%80%ae",
		"/100%25", "task_test_42", "task_test_12345678", "desk_live_1", "acc_test_1",
		"acc_test_12345678",
		"cc_test_42", "task_test_0123456789abcdef0123456789abcdef", "sk_live_1234567",
		"whsec_of_mine",
	};
	struct arena *a = arena_create(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (guard_tells_secret(a, texts[i]))
			fail_msg("%s", texts[i]);
	arena_destroy(a);
}

static void no_credential_becomes_a_request_id(void **state)
{
	(void)state;
	assert_true(guard_request_id("req-1.2_3"));
	assert_false(guard_request_id(KEY));
	assert_false(guard_request_id("x-" KEY));
	assert_false(guard_request_id("x.eyJhbGc.eyJjIjo.abc"));
	assert_false(guard_request_id(""));
	assert_false(guard_request_id("a b"));
}

/* The strstr() of the sanitizers measures all of the text whatever it finds, each time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LONG_TEXT ((size_t)64 << 10)
#else
#define LONG_TEXT ((size_t)4 << 20)
#endif

/* Of what grows with the square of the text this would take minutes. */
static void long_texts_are_looked_at_once(void **state)
{
	static const char *const parts[] = { "eyJ", "eyJ.", "cc_live_", "sk_live_1", "%25", "key", "://" };
	struct arena *a = arena_create(4096);
	struct str text;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		str_init(&text, a, 4096);
		while (text.len < LONG_TEXT)
			str_add(&text, parts[i]);
		(void)guard_tells_secret(a, text.data);
		assert_false(guard_request_id(text.data));
	}
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_found),
		cmocka_unit_test(all_else_is_left_alone),
		cmocka_unit_test(no_credential_becomes_a_request_id),
		cmocka_unit_test(long_texts_are_looked_at_once),
	};

	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
