/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct block4 {
	uint32_t net;
	int bits;
};

/* Where nobody of the public internet lives. */
static const struct block4 special4[] = {
	{0x00000000,  8 }, /* 0.0.0.0: this network */
	{ 0x0A000000, 8 }, /* 10.0.0.0: private */
	{ 0x64400000, 10}, /* 100.64.0.0: shared between a provider's customers */
	{ 0x7F000000, 8 }, /* 127.0.0.0: loopback */
	{ 0xA9FE0000, 16}, /* 169.254.0.0: link-local, metadata services */
	{ 0xAC100000, 12}, /* 172.16.0.0: private */
	{ 0xC0000000, 24}, /* 192.0.0.0: protocol assignments */
	{ 0xC0000200, 24}, /* 192.0.2.0: documentation */
	{ 0xC0586300, 24}, /* 192.88.99.0: 6to4 relays */
	{ 0xC0A80000, 16}, /* 192.168.0.0: private */
	{ 0xC6120000, 15}, /* 198.18.0.0: benchmarks */
	{ 0xC6336400, 24}, /* 198.51.100.0: documentation */
	{ 0xCB007100, 24}, /* 203.0.113.0: documentation */
	{ 0xE0000000, 3 }, /* 224.0.0.0: multicast, reserved, broadcast */
};

struct block6 {
	unsigned char net[16];
	int bits;
};

/* Public addresses lie in 2000::/3; these parts of it are not. */
static const struct block6 special6[] = {
	{{ 0x20, 0x01 },              23}, /* 2001::: protocol assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32}, /* 2001:db8::: documentation */
	{ { 0x20, 0x02 },             16}, /* 2002::: 6to4, an IPv4 address inside */
	{ { 0x3f, 0xff },             20}, /* 3fff::: documentation */
};

static const unsigned char mapped4[16] = { [10] = 0xff, [11] = 0xff };         /* ::ffff:0:0/96 */
static const unsigned char nat64[16] = { [1] = 0x64, [2] = 0xff, [3] = 0x9b }; /* 64:ff9b::/96 */

static bool is_public4(uint32_t a)
{
	for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++) {
		const uint32_t mask = UINT32_MAX << (32 - special4[i].bits);

		if ((a & mask) == special4[i].net)
			return false;
	}
	return true;
}

static bool begins(const unsigned char *a, const unsigned char *net, int bits)
{
	const int whole = bits / 8, rest = bits % 8;
	const unsigned char mask = (unsigned char)(0xff00U >> rest);

	return memcmp(a, net, (size_t)whole) == 0 && (rest == 0 || ((a[whole] ^ net[whole]) & mask) == 0);
}

static uint32_t last4(const unsigned char *a)
{
	return (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];
}

static bool is_public6(const unsigned char *a)
{
	if (begins(a, mapped4, 96) || begins(a, nat64, 96))
		return is_public4(last4(a));
	if ((a[0] & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < sizeof(special6) / sizeof(special6[0]); i++)
		if (begins(a, special6[i].net, special6[i].bits))
			return false;
	return true;
}

bool address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in4, address, sizeof(in4));
		return is_public4(ntohl(in4.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof(in6));
		return is_public6(in6.sin6_addr.s6_addr);
	}
	return false;
}
