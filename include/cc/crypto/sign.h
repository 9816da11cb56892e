/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_SIGN_H
#define CC_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>

/* Any thread: what is touched is the caller's or constant. */

/* Ed25519 (RFC 8032): whoever knows the public half can check, only the seed can sign. */
#define SIGN_SEED_LEN 32
#define SIGN_PUBLIC_LEN 32
#define SIGN_LEN 64

void sign_public(const unsigned char seed[SIGN_SEED_LEN], unsigned char ret[SIGN_PUBLIC_LEN]);
void sign_make(const unsigned char seed[SIGN_SEED_LEN], const void *p, size_t n, unsigned char ret[SIGN_LEN]);
bool sign_check(const unsigned char pub[SIGN_PUBLIC_LEN], const void *p, size_t n,
	const unsigned char signature[SIGN_LEN]);

#endif
