/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of an export from anywhere: without a last seal that somebody signed there is always a fault. */
#include "fuzz.h"

#include <string.h>

#include "cc/core/audit_verify.h"

static void ignore(void *arg, int64_t line, const char *text)
{
	(void)arg;
	(void)line;
	FUZZ_EXPECT(text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char secret[] = "0123456789abcdef0123456789abcdef";
	static const struct public_key key = { .id = "nobody" };
	const struct verify_options o = { .keys = &key,
					  .nkeys = 1,
					  .audit_key = { secret, sizeof(secret) - 1 },
					  .audit_key_version = 1,
					  .fault = ignore };
	struct audit_verify *v = audit_verify_open(&o);
	const char *text = (const char *)data;

	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		const size_t n = end != NULL ? (size_t)(end - text) : size;

		audit_verify_line(v, text, n);
		text += n + (end != NULL);
		size -= n + (end != NULL);
	}
	FUZZ_EXPECT(audit_verify_close(v).faults > 0);
	return 0;
}
