/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_CIDR_H
#define CC_BASE_CIDR_H

#include <stdbool.h>

/* A network of addresses (RFC 4632, RFC 4291), or one address: all its bits count. Pure; any thread. */
struct cidr {
	unsigned char net[16];          /* IPv4 in the last four, behind ::ffff:; bits beyond are zero */
	unsigned char bits;             /* of the 128 that count */
	bool v4;
};

#define CIDR_TEXT_MAX 48

/*
 * "10.0.0.0/8", "2001:db8::/32", or an address alone. An IPv4 address inside IPv6 (::ffff:10.1.2.3) is that
 * IPv4 address; bits that do not count are cleared. False: neither.
 */
bool cidr_parse(const char *text, struct cidr *ret);
/* Is all of inner in outer? IPv4 is in no network of IPv6, ::/0 included. */
bool cidr_within(const struct cidr *inner, const struct cidr *outer);
/* Its one way to be written, always with the length: "10.0.0.0/8". */
void cidr_print(const struct cidr *c, char ret[CIDR_TEXT_MAX]);

#endif
