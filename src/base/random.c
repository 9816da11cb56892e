/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

bool random_bytes(void *ret, size_t n)
{
	unsigned char *out = ret;

	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		out += got;
		n -= (size_t)got;
	}
	return true;
}

void random_text(char *ret, size_t n, const char *alphabet)
{
	const size_t letters = strlen(alphabet);
	/* Bytes from here on would favour the first letters: they are thrown away. */
	const size_t fair = 256 - 256 % letters;
	unsigned char pool[64];
	size_t left = 0;

	for (size_t i = 0; i < n;) {
		if (left == 0) {
			if (!random_bytes(pool, sizeof(pool)))
				abort();
			left = sizeof(pool);
		}
		left--;
		if (pool[left] < fair)
			ret[i++] = alphabet[pool[left] % letters];
	}
	ret[n] = '\0';
	bytes_wipe(pool, sizeof(pool));
}

char *id_new(struct arena *a, const char *prefix, size_t n)
{
	const size_t before = strlen(prefix);
	char *id = arena_alloc(a, before + n + 1);

	snprintf(id, before + 1, "%s", prefix);
	random_text(id + before, n, ALPHABET_BASE32);
	return id;
}
