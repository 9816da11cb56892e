/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/proxy.h"

#define MARK "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 MARK "\x21\x11\0\x0c" "\xc0\0\2\1" "\xc6\x33\x64\1" "\x30\x39\1\xbb"
#define TCP6 MARK "\x21\x21\0\x24" "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2" "\x30\x39\1\xbb"

static enum proxy_says says(const char *text, size_t n, size_t *need, char ip[64])
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	const enum proxy_says ret = proxy_read((const unsigned char *)text, n, need, &ss);

	ip[0] = '\0';
	memcpy(&in, &ss, sizeof(in));
	memcpy(&in6, &ss, sizeof(in6));
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &in.sin_addr, ip, 64);
	if (ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6.sin6_addr, ip, 64);
	return ret;
}

static void the_client_is_who_the_header_says(void **state)
{
	size_t need;
	char ip[64];

	(void)state;
	assert_int_equal(PROXY_CLIENT, says(TCP4, sizeof(TCP4) - 1, &need, ip));
	assert_int_equal(sizeof(TCP4) - 1, need);
	assert_string_equal("192.0.2.1", ip);
	assert_int_equal(PROXY_CLIENT, says(TCP6, sizeof(TCP6) - 1, &need, ip));
	assert_int_equal(sizeof(TCP6) - 1, need);
	assert_string_equal("2001:db8::1", ip);
	/* With further members that nobody needs. */
	assert_int_equal(PROXY_CLIENT, says(MARK "\x21\x11\0\x10" "\xc0\0\2\1" "\xc6\x33\x64\1"
					    "\x30\x39\1\xbb" "\4\0\1x", 32, &need, ip));
	assert_int_equal(32, need);
}

static void a_piece_of_it_says_how_much_is_needed(void **state)
{
	size_t need;
	char ip[64];

	(void)state;
	for (size_t n = 0; n < sizeof(TCP6) - 1; n++) {
		assert_int_equal(PROXY_MORE, says(TCP6, n, &need, ip));
		assert_int_equal(n < PROXY_HEAD ? PROXY_HEAD : sizeof(TCP6) - 1, need);
	}
}

static void a_proxy_may_speak_for_itself(void **state)
{
	size_t need;
	char ip[64];

	(void)state;
	assert_int_equal(PROXY_ITSELF, says(MARK "\x20\0\0\0", 16, &need, ip));
	assert_int_equal(PROXY_ITSELF, says(MARK "\x20\x11\0\0", 16, &need, ip));
	assert_int_equal(PROXY_ITSELF, says(MARK "\x20\x11\0\x0c" "123456789012", 28, &need, ip));
}

static void anything_else_is_refused_at_its_first_byte(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} bad[] = {
		{ "GET / HTTP/1.1\r\n", 1 }, { "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 1 },
		{ "\x16\x03\x01", 3 }, { "\r\n\r\nGET", 5 }, { MARK "\x11\x11\0\x0c", 16 },
		{ MARK "\x22\x11\0\x0c", 16 }, { MARK "\x21\x11\xff\xff", 16 },
		{ MARK "\x21\0\0\0", 16 }, { MARK "\x21\0\0\x0c" "123456789012", 28 },
		{ MARK "\x21\x12\0\x0c" "123456789012", 28 }, { MARK "\x21\x31\0\x0c" "123456789012", 28 },
		{ MARK "\x21\x11\0\x0b" "12345678901", 27 }, { MARK "\x21\x21\0\x0c" "123456789012", 28 },
	};
	size_t need;
	char ip[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (says(bad[i].text, bad[i].n, &need, ip) != PROXY_BAD)
			fail_msg("header %zu was taken", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_client_is_who_the_header_says),
		cmocka_unit_test(a_piece_of_it_says_how_much_is_needed),
		cmocka_unit_test(a_proxy_may_speak_for_itself),
		cmocka_unit_test(anything_else_is_refused_at_its_first_byte),
	};

	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
