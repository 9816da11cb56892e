/* SPDX-License-Identifier: Apache-2.0 */
/* The first lines of a request: the target, its query, Host. Accepted parts keep their promise. */
#include "fuzz.h"

#include <string.h>

#include "src/http/guard.h"
#include "cc/crypto/apikey.h"

static void ask_query(struct arena *a, const char *text)
{
	const char *why = NULL;
	struct kv *pair = NULL;
	size_t n = 0;

	if (guard_query(a, text, &pair, &n, &why) != ERR_NONE)
		FUZZ_EXPECT(why != NULL);
	else
		for (size_t i = 0; i < n; i++)
			FUZZ_EXPECT(pair[i].key != NULL && pair[i].value != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	const char *text = arena_strndup(a, (const char *)data, size);
	const char *host = NULL, *why = NULL;
	struct apikey key;

	if (guard_target(text, strlen(text), &why) != ERR_NONE)
		FUZZ_EXPECT(why != NULL);
	ask_query(a, text);
	if (guard_host(a, text, &host))
		for (const char *p = host; *p != '\0'; p++)
			FUZZ_EXPECT((unsigned char)*p > ' ' && !(*p >= 'A' && *p <= 'Z'));
	(void)guard_request_id(text);
	(void)guard_tells_secret(a, text);
	(void)guard_json_type(text, true);
	(void)apikey_parse(text, &key);
	arena_destroy(a);
	return 0;
}
