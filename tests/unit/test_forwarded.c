/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/forwarded.h"

static struct cidr trusted[3];

static int group_start(void **state)
{
	*state = arena_create(4096);
	assert_true(cidr_parse("10.0.0.0/8", &trusted[0]));
	assert_true(cidr_parse("127.0.0.1", &trusted[1]));
	assert_true(cidr_parse("2001:db8::/32", &trusted[2]));
	return 0;
}

static int group_end(void **state)
{
	arena_destroy(*state);
	return 0;
}

#define IS(expected, peer, header) \
	assert_string_equal((expected), forwarded_for(*state, (peer), (header), trusted, 3))

static void nobody_is_trusted_by_default(void **state)
{
	assert_string_equal("127.0.0.1", forwarded_for(*state, "127.0.0.1", "192.0.2.1", trusted, 0));
}

static void a_stranger_cannot_say_who_it_is(void **state)
{
	IS("203.0.113.5", "203.0.113.5", "192.0.2.1");
	IS("203.0.113.5", "203.0.113.5", "10.0.0.1, 10.0.0.2");
	IS("", "", "192.0.2.1");
}

static void a_proxy_says_who_asked_it(void **state)
{
	IS("192.0.2.1", "10.0.0.1", "192.0.2.1");
	IS("127.0.0.1", "127.0.0.1", NULL);
	IS("192.0.2.1", "127.0.0.1", "  192.0.2.1\t");
	IS("192.0.2.1", "127.0.0.1", "192.0.2.1:4711");
	IS("2a00::1", "127.0.0.1", "[2a00::1]:4711");
	IS("2a00::1", "127.0.0.1", "[2a00::1]");
	IS("2a00::1", "2001:db8::7", "2A00:0::1");
	IS("192.0.2.1", "::ffff:10.0.0.1", "::ffff:192.0.2.1");
}

static void the_rightmost_that_is_no_proxy_counts(void **state)
{
	IS("192.0.2.1", "10.0.0.1", "1.1.1.1, 192.0.2.1, 10.0.0.2");
	IS("192.0.2.1", "10.0.0.1", "10.9.9.9,192.0.2.1,10.0.0.2,127.0.0.1");
	IS("10.0.0.3", "10.0.0.1", "10.0.0.3, 10.0.0.2");
}

static void what_is_no_address_ends_the_search(void **state)
{
	IS("10.0.0.1", "10.0.0.1", "unknown");
	IS("10.0.0.1", "10.0.0.1", "");
	IS("10.0.0.2", "10.0.0.1", "192.0.2.1, _hidden, 10.0.0.2");
	IS("10.0.0.1", "10.0.0.1", "192.0.2.1,");
	IS("10.0.0.1", "10.0.0.1", "192.0.2.0/24");
	IS("10.0.0.1", "10.0.0.1", "192.0.2.1 192.0.2.2");
}

static void only_a_proxy_says_that_its_client_spoke_tls(void **state)
{
	(void)state;
	assert_int_equal(HOP_TLS, forwarded_hop("10.0.0.1", "https", trusted, 3));
	assert_int_equal(HOP_TLS, forwarded_hop("10.0.0.1", "HTTPS", trusted, 3));
	assert_int_equal(HOP_CLEAR, forwarded_hop("10.0.0.1", "http", trusted, 3));
	assert_int_equal(HOP_CLEAR, forwarded_hop("10.0.0.1", "http, https", trusted, 3));
	assert_int_equal(HOP_CLEAR, forwarded_hop("10.0.0.1", "https, https", trusted, 3));
	assert_int_equal(HOP_CLEAR, forwarded_hop("10.0.0.1", "", trusted, 3));
	assert_int_equal(HOP_UNSAID, forwarded_hop("10.0.0.1", NULL, trusted, 3));
	assert_int_equal(HOP_UNSAID, forwarded_hop("203.0.113.5", "https", trusted, 3));
	assert_int_equal(HOP_UNSAID, forwarded_hop("10.0.0.1", "https", trusted, 0));
	assert_int_equal(HOP_UNSAID, forwarded_hop("", "https", trusted, 3));
}

#define STANDARD(expected, hop, peer, header) \
	do { \
		enum client_hop told = (enum client_hop)-1; \
		assert_string_equal((expected), \
				    forwarded_standard(*state, (peer), (header), trusted, 3, &told)); \
		assert_int_equal((hop), told); \
	} while (0)

static void the_standard_header_says_the_same(void **state)
{
	STANDARD("192.0.2.1", HOP_TLS, "10.0.0.1", "for=192.0.2.1;proto=https");
	STANDARD("192.0.2.1", HOP_CLEAR, "10.0.0.1", "for=192.0.2.1;proto=http;by=10.0.0.1");
	STANDARD("192.0.2.1", HOP_TLS, "10.0.0.1", " Proto=HTTPS ; FOR=\"192.0.2.1:4711\" ");
	STANDARD("2a00::1", HOP_UNSAID, "10.0.0.1", "for=\"[2a00::1]:4711\";host=\"a,b;c\"");
	/* What stands left of the first that is no proxy anybody wrote. */
	STANDARD("192.0.2.1", HOP_CLEAR, "10.0.0.1",
		 "for=1.1.1.1;proto=https, for=192.0.2.1;proto=http, for=10.0.0.2;proto=https");
	STANDARD("192.0.2.1", HOP_TLS, "10.0.0.1", "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http");
	STANDARD("10.0.0.1", HOP_TLS, "10.0.0.1", "for=unknown;proto=https");
	STANDARD("10.0.0.1", HOP_TLS, "10.0.0.1", "proto=https");
	STANDARD("192.0.2.1", HOP_CLEAR, "10.0.0.1", "for=192.0.2.1, for=10.0.0.2;proto=http");
	STANDARD("192.0.2.1", HOP_UNSAID, "10.0.0.1", "for=192.0.2.1, for=10.0.0.2;proto=https");
}

static void what_is_not_well_formed_says_nobodys_name(void **state)
{
	static const char *const headers[] = {
		"", "for", "for=", "=192.0.2.1", "for=192.0.2.1;proto", "for=192.0.2.1;;proto=https",
		"for=192.0.2.1,,for=192.0.2.2", "for=\"192.0.2.1;proto=https", "for=192.0.2.1;for=192.0.2.2",
		"for=[2a00::1]", "for=192.0.2.1 proto=https", "for=\"192.0.2.1\\",
	};
	char many[40 * 16];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		STANDARD("10.0.0.1", HOP_CLEAR, "10.0.0.1", headers[i]);
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "%sfor=10.0.0.3", i > 0 ? "," : "");
	STANDARD("10.0.0.1", HOP_CLEAR, "10.0.0.1", many);
	STANDARD("203.0.113.5", HOP_UNSAID, "203.0.113.5", "for=192.0.2.1;proto=https");
	STANDARD("10.0.0.1", HOP_UNSAID, "10.0.0.1", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_trusted_by_default),
		cmocka_unit_test(a_stranger_cannot_say_who_it_is),
		cmocka_unit_test(a_proxy_says_who_asked_it),
		cmocka_unit_test(the_rightmost_that_is_no_proxy_counts),
		cmocka_unit_test(what_is_no_address_ends_the_search),
		cmocka_unit_test(only_a_proxy_says_that_its_client_spoke_tls),
		cmocka_unit_test(the_standard_header_says_the_same),
		cmocka_unit_test(what_is_not_well_formed_says_nobodys_name),
	};

	return cmocka_run_group_tests_name("forwarded", tests, group_start, group_end);
}
