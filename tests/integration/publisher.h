/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_PUBLISHER_H
#define CC_TESTS_PUBLISHER_H

#include <stdatomic.h>

#include "minter.h"
#include "web_peer.h"

/* An issuer that publishes its keys, on every path of a server of its own. */
enum mood { SERVES, IS_SLOW, FAILS, HANGS };
struct publisher {
	_Atomic(const char *) jwks;
	atomic_int mood; /* enum mood */
	struct web_peer *peer;
	char *texts[2];
};

/* One that the story's tenant trusts as ISS, with the keys first to last. */
void publisher_open(struct publisher *p, struct story *s, int first, int last);
void publish_others(struct publisher *p, int first, int last);
/* Until it was asked n times; fails the test when that takes too long. */
void await_requests(const struct publisher *p, int n);
void publisher_close(struct publisher *p);

#endif
