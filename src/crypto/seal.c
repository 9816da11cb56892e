/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* As in digest.c: what is not a wrong tag fails only for want of memory or of the algorithm. */
static void must(int rc)
{
	if (rc != 1)
		abort();
}

static int length(struct bytes b)
{
	if (b.n > INT_MAX - SEAL_EXTRA)
		abort();
	return (int)b.n;
}

struct bytes seal_make(struct arena *a, const unsigned char key[SEAL_KEY_LEN], struct bytes beside,
		       struct bytes plain)
{
	unsigned char *out = arena_alloc(a, plain.n + SEAL_EXTRA);
	EVP_CIPHER_CTX *cx = EVP_CIPHER_CTX_new();
	int n = 0;

	if (cx == NULL || !random_bytes(out, SEAL_NONCE_LEN))
		abort();
	must(EVP_EncryptInit_ex(cx, EVP_aes_256_gcm(), NULL, key, out));
	must(EVP_EncryptUpdate(cx, NULL, &n, beside.p, length(beside)));
	must(EVP_EncryptUpdate(cx, out + SEAL_NONCE_LEN, &n, plain.p, length(plain)));
	must(EVP_EncryptFinal_ex(cx, out + SEAL_NONCE_LEN + n, &n));
	must(EVP_CIPHER_CTX_ctrl(cx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, out + SEAL_NONCE_LEN + plain.n));
	EVP_CIPHER_CTX_free(cx);
	return (struct bytes){ .p = out, .n = plain.n + SEAL_EXTRA };
}

bool seal_open(struct arena *a, const unsigned char key[SEAL_KEY_LEN], struct bytes beside,
	       struct bytes sealed, struct bytes *ret)
{
	const size_t size = sealed.n >= SEAL_EXTRA ? sealed.n - SEAL_EXTRA : 0;
	unsigned char tag[SEAL_TAG_LEN], *out;
	EVP_CIPHER_CTX *cx;
	int n = 0, rest = 0;
	bool good;

	*ret = (struct bytes){ 0 };
	if (sealed.n < SEAL_EXTRA)
		return false;
	arena_hold_secret(a);
	out = arena_alloc(a, size + 1);
	for (size_t i = 0; i < SEAL_TAG_LEN; i++)
		tag[i] = sealed.p[SEAL_NONCE_LEN + size + i];
	cx = EVP_CIPHER_CTX_new();
	if (cx == NULL)
		abort();
	must(EVP_DecryptInit_ex(cx, EVP_aes_256_gcm(), NULL, key, sealed.p));
	must(EVP_CIPHER_CTX_ctrl(cx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_LEN, tag));
	must(EVP_DecryptUpdate(cx, NULL, &n, beside.p, length(beside)));
	must(EVP_DecryptUpdate(cx, out, &n, sealed.p + SEAL_NONCE_LEN, (int)size));
	good = EVP_DecryptFinal_ex(cx, out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(cx);
	if (good)
		*ret = (struct bytes){ .p = out, .n = size };
	else
		bytes_wipe(out, size);
	return good;
}
