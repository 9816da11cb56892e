/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of hosts as people write them, and as the Host header does. What is taken is in lower case and does
 * not change when it is taken again; what is not is explained.
 */
#include "fuzz.h"

#include <string.h>

#include "src/http/guard.h"

#include "cc/net/hostname.h"

static void expect_plain(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		FUZZ_EXPECT((unsigned char)*p > ' ' && (unsigned char)*p < 0x7f && (*p < 'A' || *p > 'Z'));
}

static void try_name(struct arena *a, const char *text)
{
	const char *why = NULL, *name = hostname_ascii(a, text, &why), *again;

	FUZZ_EXPECT(name != NULL || why != NULL);
	if (name == NULL)
		return;
	expect_plain(name);
	FUZZ_EXPECT(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0');
	again = hostname_ascii(a, name, &why);
	FUZZ_EXPECT(again != NULL && strcmp(name, again) == 0);
	(void)hostname_is_suffix(name);
}

static void try_header(struct arena *a, const char *text)
{
	const char *host = NULL, *again = NULL;

	if (!guard_host(a, text, &host))
		return;
	expect_plain(host);
	FUZZ_EXPECT(strlen(host) <= 253);
	FUZZ_EXPECT(guard_host(a, host, &again) && strcmp(host, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	const char *text = arena_strndup(a, (const char *)data, size);

	try_name(a, text);
	try_header(a, text);
	arena_destroy(a);
	return 0;
}
