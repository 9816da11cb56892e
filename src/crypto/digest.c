/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

/* These calls fail only for want of memory or of the algorithm, and no caller could go on without. */

void sha256_of(const void *p, size_t n, unsigned char ret[32])
{
	if (EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

/* Never defined: the context of OpenSSL under a name that other floors may say. */
struct sha256 *sha256_begin(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		abort();
	return (struct sha256 *)md;
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	if (EVP_DigestUpdate((EVP_MD_CTX *)s, p, n) != 1)
		abort();
}

void sha256_end(struct sha256 *s, unsigned char ret[32])
{
	if (EVP_DigestFinal_ex((EVP_MD_CTX *)s, ret, NULL) != 1)
		abort();
	EVP_MD_CTX_free((EVP_MD_CTX *)s);
}

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n, unsigned char ret[32])
{
	/* To OpenSSL a NULL key means the key of the call before. */
	if (key_len > INT_MAX || HMAC(EVP_sha256(), key ? key : "", (int)key_len, p, n, ret, NULL) == NULL)
		abort();
}
