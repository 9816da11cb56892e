/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection of the PROXY protocol begins with, in pieces of every size: what is made of it does not
 * depend on them, no byte beyond the header is asked for, and whom it is for is an address.
 */
#include "fuzz.h"

#include <string.h>

#include "src/http/proxy.h"

struct outcome {
	enum proxy_says says;
	size_t read;
	struct sockaddr_storage from;
};

/* As the acceptor reads: never more than what is needed. */
static struct outcome read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
	struct outcome o = { .says = PROXY_MORE };
	size_t need = PROXY_HEAD;

	while (o.says == PROXY_MORE && o.read < size) {
		const size_t left = size - o.read, wanted = need - o.read;
		size_t n = left < piece ? left : piece;

		if (n > wanted)
			n = wanted;
		o.read += n;
		o.says = proxy_read(data, o.read, &need, &o.from);
		FUZZ_EXPECT(need >= PROXY_HEAD);
		FUZZ_EXPECT(o.says != PROXY_MORE || (need > o.read && need <= PROXY_MAX));
	}
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct outcome whole = read_in_pieces(data, size, PROXY_MAX);

	for (size_t piece = 1; piece <= PROXY_HEAD + 1; piece++) {
		const struct outcome o = read_in_pieces(data, size, piece);

		/* What is none may be seen to be none earlier. */
		FUZZ_EXPECT(o.says == whole.says && (o.says == PROXY_BAD || o.read == whole.read));
		FUZZ_EXPECT(memcmp(&o.from, &whole.from, sizeof(o.from)) == 0);
	}
	FUZZ_EXPECT(whole.says != PROXY_CLIENT || whole.from.ss_family == AF_INET ||
		    whole.from.ss_family == AF_INET6);
	FUZZ_EXPECT(whole.says == PROXY_CLIENT || whole.from.ss_family == AF_UNSPEC);
	return 0;
}
