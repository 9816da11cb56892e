/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Forwarded-For and Forwarded as a trusted proxy sends them on. Whatever stands there, who asks is an
 * address; from a stranger it is the stranger's; and what stands left of the first that is no proxy changes
 * nothing.
 */
#include "fuzz.h"

#include <string.h>

#include "src/http/forwarded.h"

#define PROXY "10.0.0.1"
#define STRANGER "203.0.113.5"
#define LEFT "for=10.0.0.3;proto=http, for=192.0.2.99;proto=http,"

static void expect_address(const char *text)
{
	struct cidr at;

	FUZZ_EXPECT(text != NULL && cidr_parse(text, &at) && strchr(text, '/') == NULL);
}

static bool is_proxy(const char *text, const struct cidr *trusted)
{
	struct cidr at;

	return cidr_parse(text, &at) && cidr_within(&at, trusted);
}

static void try_list(struct arena *a, const char *text, const struct cidr *trusted)
{
	const char *who = forwarded_for(a, PROXY, text, trusted, 1);

	expect_address(who);
	FUZZ_EXPECT(strcmp(STRANGER, forwarded_for(a, STRANGER, text, trusted, 1)) == 0);
	if (!is_proxy(who, trusted))
		FUZZ_EXPECT(strcmp(who, forwarded_for(a, PROXY, arena_printf(a, "192.0.2.99,%s", text),
						      trusted, 1)) == 0);
}

static void try_standard(struct arena *a, const char *text, const struct cidr *trusted)
{
	enum client_hop hop, other;
	const char *who = forwarded_standard(a, PROXY, text, trusted, 1, &hop), *again;

	expect_address(who);
	FUZZ_EXPECT(strcmp(STRANGER, forwarded_standard(a, STRANGER, text, trusted, 1, &other)) == 0);
	FUZZ_EXPECT(other == HOP_UNSAID);
	if (is_proxy(who, trusted))
		return;
	again = forwarded_standard(a, PROXY, arena_printf(a, LEFT "%s", text), trusted, 1, &other);
	/* Unless it is one element too many by now. */
	FUZZ_EXPECT(strcmp(again, PROXY) == 0 || (strcmp(again, who) == 0 && other == hop));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	char *text = arena_strndup(a, (const char *)data, size);
	struct cidr trusted;

	FUZZ_EXPECT(cidr_parse("10.0.0.0/8", &trusted));
	try_list(a, text, &trusted);
	try_standard(a, text, &trusted);
	(void)forwarded_hop(PROXY, text, &trusted, 1);
	arena_destroy(a);
	return 0;
}
