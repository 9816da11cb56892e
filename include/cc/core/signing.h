/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_SIGNING_H
#define CC_CORE_SIGNING_H

#include "cc/base/bytes.h"

/* Any thread: what is touched is the caller's or constant. */

/* What the daemon signs with. Ed25519; made of a secret of the settings, so that all nodes have the same. */
#define SIGNING_LEN 32
#define SIGNING_ID_LEN 43
struct signing_key {
	unsigned char seed[SIGNING_LEN], pub[SIGNING_LEN];
	char id[SIGNING_ID_LEN + 1];    /* thumbprint of RFC 7638 */
};

struct public_key {
	unsigned char pub[SIGNING_LEN];
	char id[SIGNING_ID_LEN + 1];
};

void signing_key_make(struct bytes secret, struct signing_key *ret);
/* The name of a public key; ret has room for SIGNING_ID_LEN and a NUL. */
void signing_key_id(const unsigned char pub[SIGNING_LEN], char *ret);
/*
 * The Ed25519 keys of a JWK set, as /.well-known/controlcore-keys shows them; others are passed over. How
 * many; 0: *ret_why says what is wrong with it, in the arena.
 */
size_t public_keys_read(struct arena *a, const char *text, size_t n, struct public_key *ret, size_t max,
			const char **ret_why);

#endif
