/* SPDX-License-Identifier: Apache-2.0 */
/* Two texts, split at the first zero byte: their difference is empty exactly when they are equal. */
#include "fuzz.h"

#include <string.h>

#include "cc/core/linediff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	char *text = arena_alloc(a, size + 2);
	const char *to, *changes;

	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	to = text + strlen(text) + (strlen(text) < size ? 1 : 0);
	changes = linediff(a, text, to, "from", "to");
	FUZZ_EXPECT((changes[0] == '\0') == (strcmp(text, to) == 0));
	arena_destroy(a);
	return 0;
}
