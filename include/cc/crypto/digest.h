/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_DIGEST_H
#define CC_CRYPTO_DIGEST_H

#include <stddef.h>

/* Any thread: what is touched is the caller's or constant. */

void sha256_of(const void *p, size_t n, unsigned char ret[32]);
/* The same piece by piece; sha256_end() frees it. */
struct sha256;
struct sha256 *sha256_begin(void);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, unsigned char ret[32]);
void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, unsigned char ret[32]);

#endif
