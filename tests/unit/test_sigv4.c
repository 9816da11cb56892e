/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4 by the examples that AWS has published for S3, and the first of its test suite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/sigv4.h"
#include "cc/base/clock.h"

#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define HOST \
	{ \
		"host", "examplebucket.s3.amazonaws.com" \
	}
#define TIME "20130524T000000Z"
#define DATE \
	{ \
		"x-amz-date", TIME \
	}
#define SUM(hex) \
	{ \
		"x-amz-content-sha256", (hex) \
	}

static const struct sig_key s3_key = { "AKIAIOSFODNN7EXAMPLE", EXAMPLE_SECRET, "us-east-1", "s3" };

static int set_up(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int tear_down(void **state)
{
	arena_destroy(*state);
	return 0;
}

static void signs(void **state, const struct sig_key *key, const struct sig_ask *ask, const char *time,
	const char *want)
{
	const char *text = sig_authorization(*state, key, ask, time);
	const char *got = strstr(text, "Signature=");

	assert_non_null(got);
	assert_string_equal(want, got + strlen("Signature="));
}

static void a_part_of_an_object_is_asked_for(void **state)
{
	const struct sig_pair headers[] = { HOST, { "range", "bytes=0-9" }, SUM(SIG_EMPTY), DATE };
	const struct sig_ask ask = { "GET", "/test.txt", NULL, 0, headers, 4, SIG_EMPTY };

	signs(state, &s3_key, &ask, TIME, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	assert_non_null(strstr(sig_authorization(*state, &s3_key, &ask, TIME),
		"Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "));
}

static void an_object_is_put(void **state)
{
	static const char sum[] = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	const struct sig_pair headers[] = { { "date", "Fri, 24 May 2013 00:00:00 GMT" }, HOST, SUM(sum), DATE,
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" } };
	const struct sig_ask ask = { "PUT", "/test$file.text", NULL, 0, headers, 5, sum };

	signs(state, &s3_key, &ask, TIME, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	assert_string_equal("/test%24file.text", sig_target(*state, &ask));
}

static void a_parameter_without_a_value_is_asked_for(void **state)
{
	const struct sig_pair headers[] = { HOST, SUM(SIG_EMPTY), DATE };
	const struct sig_pair query[] = { { "lifecycle", "" } };
	const struct sig_ask ask = { "GET", "/", query, 1, headers, 3, SIG_EMPTY };

	signs(state, &s3_key, &ask, TIME, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
	assert_string_equal("/?lifecycle=", sig_target(*state, &ask));
}

static void objects_are_listed(void **state)
{
	const struct sig_pair headers[] = { HOST, SUM(SIG_EMPTY), DATE };
	const struct sig_pair query[] = { { "prefix", "J" }, { "max-keys", "2" } };
	const struct sig_ask ask = { "GET", "/", query, 2, headers, 3, SIG_EMPTY };

	signs(state, &s3_key, &ask, TIME, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	assert_string_equal("/?max-keys=2&prefix=J", sig_target(*state, &ask));
}

static void a_url_is_signed(void **state)
{
	const struct sig_pair headers[] = { HOST };
	const struct sig_ask ask = { "GET", "/test.txt", NULL, 0, headers, 1, SIG_UNSIGNED };

	assert_string_equal("/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
			    "AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date="
			    "20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
			    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
		sig_presigned(*state, &s3_key, &ask, TIME, 86400));
}

/* get-vanilla of aws-sig-v4-test-suite: another service, no digest among the headers. */
static void the_plainest_request_is_signed(void **state)
{
	const struct sig_key key = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1",
		"service" };
	const struct sig_pair headers[] = { { "host", "example.amazonaws.com" },
		{ "x-amz-date", "20150830T123600Z" } };
	const struct sig_ask ask = { "GET", "/", NULL, 0, headers, 2, SIG_EMPTY };

	signs(state, &key, &ask, "20150830T123600Z",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

static void a_slash_stays_and_all_else_is_escaped(void **state)
{
	const struct sig_ask ask = { .method = "GET", .path = "/b/a b/\xc3\xa9+~" };

	assert_string_equal("/b/a%20b/%C3%A9%2B~", sig_target(*state, &ask));
}

static void times_are_written_without_marks(void **state)
{
	char text[SIG_TIME_LEN + 1];
	int64_t at;

	(void)state;
	assert_true(time_parse("2013-05-24T00:00:00Z", false, &at));
	sig_time(at, text);
	assert_string_equal(TIME, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_of_an_object_is_asked_for),
		cmocka_unit_test(an_object_is_put),
		cmocka_unit_test(a_parameter_without_a_value_is_asked_for),
		cmocka_unit_test(objects_are_listed),
		cmocka_unit_test(a_url_is_signed),
		cmocka_unit_test(the_plainest_request_is_signed),
		cmocka_unit_test(a_slash_stays_and_all_else_is_escaped),
		cmocka_unit_test(times_are_written_without_marks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
