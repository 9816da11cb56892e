/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_BYTES_H
#define CC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"

/* Any thread: what is touched is the caller's or constant. */

struct bytes {
	const unsigned char *p;         /* NULL: no value */
	size_t n;
};

char *hex_encode(struct arena *a, const void *p, size_t n);              /* lower case */
bool hex_decode(const char *s, void *ret, size_t n);                     /* exactly 2n digits */
/* Escapes all but letters, digits and -._~ (and what is in `also`). */
char *percent_encode(struct arena *a, const char *s, const char *also);
/*
 * RFC 4648, 5, without padding, and strict: a foreign character, an impossible length or bits set behind the
 * end are no base64url (ret->p is NULL and the answer false). The result is in the arena.
 */
bool base64url_decode(struct arena *a, const char *s, size_t n, struct bytes *ret);
char *base64url_encode(struct arena *a, const void *p, size_t n);
/*
 * Percent-decodes in place of a copy (RFC 3986). NULL on a bad escape or an encoded NUL. plus: '+' is a
 * space.
 */
char *percent_decode(struct arena *a, const char *s, size_t n, bool plus);
bool bytes_equal_ct(const void *a, const void *b, size_t n);             /* constant time */
void bytes_wipe(void *p, size_t n);                                      /* not optimised away */
uint32_t crc32_of(const void *p, size_t n);                              /* IEEE 802.3 */
/* for hash maps: keyed per process */
uint64_t hash64_of(const void *p, size_t n, uint64_t seed);
/* the same on every node and in every run: for what leaves the process, such as an ETag; proves nothing */
uint64_t hash64_fixed(const void *p, size_t n, uint64_t seed);
bool random_bytes(void *ret, size_t n);                                  /* getrandom(2) */
/* n random characters of an alphabet, unbiased; aborts when the system has no randomness. */
void random_text(char *ret, size_t n, const char *alphabet);

#define ALPHABET_BASE32 "abcdefghijklmnopqrstuvwxyz234567"
#define ALPHABET_BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* prefix + n random base32 characters: id_new(a, "key-", 10). */
char *id_new(struct arena *a, const char *prefix, size_t n);

#endif
