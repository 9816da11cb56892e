/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "cc/net/http_client.h"
#include "net/address.h"

static bool is_public(const char *text)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&in4);
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		fail_msg("%s is no address", text);
	return address_is_public((const struct sockaddr *)&in6);
}

static void addresses_of_the_internet_are_public(void **state)
{
	static const char *const some[] = { "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0",
		"223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2003::1",
		"3ffe::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8" };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (!is_public(some[i]))
			fail_msg("%s is public", some[i]);
}

static void special_addresses_are_not(void **state)
{
	static const char *const some[] = { "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
		"100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
		"172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
		"192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
		"239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::8.8.8.8", "fe80::1",
		"fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001::1", "2001:1ff::1", "2001:db8::1",
		"2002:0808:0808::1", "3fff::1", "3fff:fff::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3",
		"64:ff9b::192.168.1.1", "64:ff9b:1::8.8.8.8", "100::1", "4000::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (is_public(some[i]))
			fail_msg("%s is not public", some[i]);
}

static void other_families_are_not(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	(void)state;
	assert_false(address_is_public((const struct sockaddr *)&un));
}

static void urls_of_private_addresses_are_told(void **state)
{
	static const char *const inside[] = {
		"https://127.0.0.1/", "https://10.1.2.3:8443/k", "https://0x7f.1/", "https://2130706433/",
		"https://169.254.169.254/latest", "https://[::1]/", "https://[fe80::1%25lo]/", "https://0/",
		"https://[::ffff:10.0.0.1]/", "https://localhost/", "https://A.LocalHost:1/",
	};
	static const char *const outside[] = {
		"https://a.example/", "https://93.184.216.34/", "https://[2606:2800:220:1::1]/",
		"https://mylocalhost/", "https://localhost.example/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		assert_null(http_url_fault(inside[i], 0));
		if (http_url_fault(inside[i], HTTP_PUBLIC_ONLY) == NULL)
			fail_msg("public: %s", inside[i]);
	}
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_null(http_url_fault(outside[i], HTTP_PUBLIC_ONLY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_internet_are_public),
		cmocka_unit_test(special_addresses_are_not),
		cmocka_unit_test(other_families_are_not),
		cmocka_unit_test(urls_of_private_addresses_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
