/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of JSON (RFC 8785) is its own canonical form. */
#include "fuzz.h"

#include <string.h>

#include "cc/schema/doc.h"

static const char *canonical(struct arena *a, const char *text, size_t n)
{
	const char *why = NULL;
	struct doc *d = doc_parse(a, text, n, &why);
	struct str out;
	bool good;

	FUZZ_EXPECT(d != NULL || why != NULL);
	if (d == NULL)
		return NULL;
	str_init(&out, a, 256);
	good = doc_canonical(d, NULL, &out);
	doc_free(d);
	return good ? out.data : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	const char *once = canonical(a, (const char *)data, size);
	const char *twice = once != NULL ? canonical(a, once, strlen(once)) : NULL;

	if (once != NULL)
		FUZZ_EXPECT(twice != NULL && strcmp(once, twice) == 0);
	arena_destroy(a);
	return 0;
}
