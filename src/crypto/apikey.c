/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/apikey.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/crypto/digest.h"

#define BODY_LEN (APIKEY_ID_LEN + APIKEY_SECRET_LEN)

static const char *const prefixes[] = {
	[APIKEY_LIVE] = "cc_live_",
	[APIKEY_TEST] = "cc_test_",
	[APIKEY_OPERATOR] = "cc_op_",
};
#define NKINDS (sizeof(prefixes) / sizeof(prefixes[0]))

static_assert(sizeof("cc_live_") + BODY_LEN + APIKEY_CRC_LEN <= APIKEY_MAX, "APIKEY_MAX is too small");

/* CRC-32 of the first n characters; 62^6 is more than 2^32, so six digits always do. */
static void crc_digits(const char *text, size_t n, char ret[APIKEY_CRC_LEN])
{
	uint32_t crc = crc32_of(text, n);

	for (int i = APIKEY_CRC_LEN - 1; i >= 0; i--) {
		ret[i] = ALPHABET_BASE62[crc % 62];
		crc /= 62;
	}
}

static bool kind_of(const char *text, enum apikey_kind *ret)
{
	for (size_t i = 0; i < NKINDS; i++) {
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
			*ret = (enum apikey_kind)i;
			return true;
		}
	}
	return false;
}

bool apikey_parse(const char *text, struct apikey *ret)
{
	char crc[APIKEY_CRC_LEN];
	enum apikey_kind kind;
	size_t before, len = strnlen(text, APIKEY_MAX + 1);

	if (!kind_of(text, &kind))
		return false;
	before = strlen(prefixes[kind]);
	if (len != before + BODY_LEN + APIKEY_CRC_LEN)
		return false;
	if (strspn(text + before, ALPHABET_BASE62) != len - before)
		return false;
	crc_digits(text, before + BODY_LEN, crc);
	if (!bytes_equal_ct(crc, text + before + BODY_LEN, APIKEY_CRC_LEN))
		return false;
	ret->kind = kind;
	memcpy(ret->id, text + before, APIKEY_ID_LEN);
	ret->id[APIKEY_ID_LEN] = '\0';
	return true;
}

static void write_display(enum apikey_kind kind, const char *text, size_t len, char ret[APIKEY_DISPLAY_MAX])
{
	(void)snprintf(ret, APIKEY_DISPLAY_MAX, "%s...%.4s", prefixes[kind], text + len - 4);
}

static bool find_at(const char *p, size_t n, struct apikey_found *ret)
{
	char text[APIKEY_MAX + 1];

	for (size_t i = 0; i < NKINDS; i++) {
		const size_t before = strlen(prefixes[i]), len = before + BODY_LEN + APIKEY_CRC_LEN;

		if (n < len || memcmp(p, prefixes[i], before) != 0)
			continue;
		memcpy(text, p, len);
		text[len] = '\0';
		if (!apikey_parse(text, &ret->key))
			return false;
		ret->len = len;
		write_display((enum apikey_kind)i, text, len, ret->display);
		return true;
	}
	return false;
}

bool apikey_find(const char *bytes, size_t n, size_t from, struct apikey_found *ret)
{
	for (size_t at = from; at < n; at++) {
		const char *p = memchr(bytes + at, prefixes[0][0], n - at);

		if (p == NULL)
			break;
		at = (size_t)(p - bytes);
		if (find_at(p, n - at, ret)) {
			ret->at = at;
			return true;
		}
	}
	return false;
}

const char *apikey_new(struct arena *a, enum apikey_kind kind, struct apikey *ret, const char **ret_display)
{
	const size_t before = strlen(prefixes[kind]);
	const size_t len = before + BODY_LEN + APIKEY_CRC_LEN;
	char *text, *display;

	arena_hold_secret(a);
	text = arena_alloc(a, len + 1);
	memcpy(text, prefixes[kind], before);
	random_text(text + before, BODY_LEN, ALPHABET_BASE62);
	crc_digits(text, before + BODY_LEN, text + before + BODY_LEN);
	ret->kind = kind;
	memcpy(ret->id, text + before, APIKEY_ID_LEN);
	ret->id[APIKEY_ID_LEN] = '\0';
	*ret_display = display = arena_alloc(a, APIKEY_DISPLAY_MAX);
	write_display(kind, text, len, display);
	return text;
}

void apikey_hash(const void *pepper, size_t pepper_len, const char *text, unsigned char ret[APIKEY_HASH_LEN])
{
	hmac_sha256(pepper, pepper_len, text, strlen(text), ret);
}
