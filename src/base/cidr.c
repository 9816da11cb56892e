/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/cidr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/str.h"

#define V4_BEFORE 96            /* bits of ::ffff:0:0/96 */

static const unsigned char mapped[16] = { [10] = 0xff, [11] = 0xff };

static bool parse_address(const char *text, size_t n, struct cidr *ret)
{
	char address[INET6_ADDRSTRLEN];

	if (n == 0 || n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	ret->bits = 128;
	if (inet_pton(AF_INET, address, ret->net + 12) == 1) {
		memcpy(ret->net, mapped, 12);
		ret->v4 = true;
		return true;
	}
	return inet_pton(AF_INET6, address, ret->net) == 1;
}

/* What stands behind the slash, as it is to be written: no sign, no zero in front. */
static bool parse_length(const char *text, int64_t most, int64_t *ret)
{
	if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] != '\0'))
		return false;
	return parse_int64(text, ret) && *ret <= most;
}

static void clear_rest(struct cidr *c)
{
	for (unsigned i = 0; i < sizeof(c->net); i++) {
		const int kept = (int)c->bits - (int)(8 * i);

		if (kept <= 0)
			c->net[i] = 0;
		else if (kept < 8)
			c->net[i] &= (unsigned char)(0xff00U >> kept);
	}
}

bool cidr_parse(const char *text, struct cidr *ret)
{
	const size_t n = strcspn(text, "/");
	int64_t length;

	*ret = (struct cidr){ 0 };
	if (!parse_address(text, n, ret))
		return false;
	if (text[n] == '/') {
		if (!parse_length(text + n + 1, ret->v4 ? 32 : 128, &length))
			return false;
		ret->bits = (unsigned char)(length + (ret->v4 ? V4_BEFORE : 0));
	}
	if (ret->bits >= V4_BEFORE && memcmp(ret->net, mapped, 12) == 0)
		ret->v4 = true;
	clear_rest(ret);
	return true;
}

bool cidr_within(const struct cidr *inner, const struct cidr *outer)
{
	const unsigned whole = outer->bits / 8, rest = outer->bits % 8;
	const unsigned char mask = (unsigned char)(0xff00U >> rest);

	if (inner->v4 != outer->v4 || inner->bits < outer->bits)
		return false;
	if (memcmp(inner->net, outer->net, whole) != 0)
		return false;
	return rest == 0 || ((inner->net[whole] ^ outer->net[whole]) & mask) == 0;
}

void cidr_print(const struct cidr *c, char ret[CIDR_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";

	if (c->v4)
		(void)inet_ntop(AF_INET, c->net + 12, address, sizeof(address));
	else
		(void)inet_ntop(AF_INET6, c->net, address, sizeof(address));
	(void)snprintf(ret, CIDR_TEXT_MAX, "%s/%d", address, c->bits - (c->v4 ? V4_BEFORE : 0));
}
