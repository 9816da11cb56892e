/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/bytes.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *hex_encode(struct arena *a, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = p;
	char *out = arena_alloc(a, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	return out;
}

bool hex_decode(const char *s, void *ret, size_t n)
{
	unsigned char *out = ret;

	if (strlen(s) != 2 * n)
		return false;
	for (size_t i = 0; i < 2 * n; i++) {
		if (hex_digit(s[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(16 * hex_digit(s[2 * i]) + hex_digit(s[2 * i + 1]));
	return true;
}

static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int url_digit(char c)
{
	const char *at = c != '\0' ? strchr(url_digits, c) : NULL;

	return at != NULL ? (int)(at - url_digits) : -1;
}

char *base64url_encode(struct arena *a, const void *p, size_t n)
{
	const unsigned char *in = p;
	char *out = arena_alloc(a, n / 3 * 4 + 5);
	uint32_t held = 0;
	int bits = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		held = held << 8 | in[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[k++] = url_digits[held >> (bits - 6) & 63];
	}
	if (bits > 0)
		out[k++] = url_digits[held << (6 - bits) & 63];
	out[k] = '\0';
	return out;
}

bool base64url_decode(struct arena *a, const char *s, size_t n, struct bytes *ret)
{
	unsigned char *out = arena_alloc(a, n / 4 * 3 + 4);
	uint32_t held = 0;
	int bits = 0;
	size_t k = 0;

	*ret = (struct bytes){ 0 };
	for (size_t i = 0; i < n; i++) {
		const int digit = url_digit(s[i]);

		if (digit < 0)
			return false;
		held = held << 6 | (uint32_t)digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[k++] = (unsigned char)(held >> bits);
		}
	}
	if (bits >= 6 || (held & ((1U << bits) - 1)) != 0)
		return false;
	*ret = (struct bytes){ .p = out, .n = k };
	return true;
}

char *percent_decode(struct arena *a, const char *s, size_t n, bool plus)
{
	char *out = arena_alloc(a, n + 1), *end = out;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			int hi = n - i > 2 ? hex_digit(s[i + 1]) : -1;
			int lo = n - i > 2 ? hex_digit(s[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return NULL;
			c = (char)(16 * hi + lo);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		if (c == '\0')
			return NULL;
		*end++ = c;
	}
	return out;
}

bool bytes_equal_ct(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

void bytes_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

char *percent_encode(struct arena *a, const char *s, const char *also)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, 3 * strlen(s) + 1), *end = out;

	for (; *s != '\0'; s++) {
		const unsigned char c = (unsigned char)*s;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", c) != NULL || strchr(also, c) != NULL) {
			*end++ = (char)c;
			continue;
		}
		*end++ = '%';
		*end++ = digits[c >> 4];
		*end++ = digits[c & 15];
	}
	return out;
}
