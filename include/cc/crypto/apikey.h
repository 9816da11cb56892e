/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_APIKEY_H
#define CC_CRYPTO_APIKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/err.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * cc_live_ | cc_test_ | cc_op_  +  10 characters key id  +  32 characters secret  +  6 characters
 * CRC-32 of all before, base62. The CRC lets a random spray be refused without any look-up.
 */
enum apikey_kind { APIKEY_LIVE, APIKEY_TEST, APIKEY_OPERATOR };

#define APIKEY_ID_LEN 10
#define APIKEY_SECRET_LEN 32
#define APIKEY_CRC_LEN 6
#define APIKEY_HASH_LEN 32
#define APIKEY_MAX 64                   /* longer text is not a key */
#define APIKEY_DISPLAY_MAX 16

struct apikey {
	enum apikey_kind kind;
	char id[APIKEY_ID_LEN + 1];     /* public */
};

/* Well-formed with a correct CRC? Constant work for its length. */
bool apikey_parse(const char *text, struct apikey *ret);
/* A key among other bytes. */
struct apikey_found {
	size_t at, len;
	struct apikey key;
	char display[APIKEY_DISPLAY_MAX];       /* prefix and last 4 */
};
/*
 * The first whole one that begins at `from` or behind. What stands before and behind it does not matter: the
 * CRC is what tells a key from a text like one.
 */
bool apikey_find(const char *bytes, size_t n, size_t from, struct apikey_found *ret);
/* A new key; the arena is marked as holding a secret. ret_display: prefix and last 4, to show in lists. */
const char *apikey_new(struct arena *a, enum apikey_kind kind, struct apikey *ret, const char **ret_display);
/* HMAC-SHA-256 of the whole text under the pepper: what is stored, and what a cache is keyed by. */
void apikey_hash(const void *pepper, size_t pepper_len, const char *text, unsigned char ret[APIKEY_HASH_LEN]);

#endif
