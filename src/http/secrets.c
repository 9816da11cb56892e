/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials where none belongs: what holds one is not written down. */
#include "guard.h"

#include <string.h>

#include "cc/base/bytes.h"

/* Shorter is no key: "cc_test_42" is somebody's name for something. */
enum { KEY_CHARS_MIN = 8, KEY_CHARS_WHOLE = 24 };

/* Escapes of escapes: whoever nests them deeper does not do it by mistake. */
enum { ESCAPES_DEEP = 8 };

/* What a credential is called, in names of parameters and in front of = and : anywhere. */
static const char *const words[] = {
	"access_token", "api_key", "apikey", "api_token", "auth", "auth_token", "authorization",
	"bearer", "client_secret", "id_token", "jwt", "key", "password", "refresh_token", "secret",
	"token", "x_api_key",
};
#define NWORDS (sizeof(words) / sizeof(words[0]))

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Characters of base64url at the beginning. */
static size_t base64_span(const char *p)
{
	size_t n = 0;

	while (is_alnum(p[n]) || p[n] == '-' || p[n] == '_')
		n++;
	return n;
}

/* In any case, and with hyphens as well; n characters of text. */
static bool is_called(const char *text, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		const char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];

		if (word[i] == '\0' || (c != word[i] && !(c == '-' && word[i] == '_')))
			return false;
	}
	return word[n] == '\0';
}

static bool is_credential_name(const char *text, size_t n)
{
	for (size_t i = 0; i < NWORDS; i++)
		if (is_called(text, n, words[i]))
			return true;
	return false;
}

/* Two more parts follow the first one. */
static bool is_token(const char *rest)
{
	size_t n;

	if (*rest != '.')
		return false;
	n = base64_span(rest + 1);
	return n > 0 && rest[1 + n] == '.';
}

/* Three parts, the first of them an object in base64url. Each is looked at twice at most. */
static bool has_token(const char *text)
{
	for (const char *p = strstr(text, "eyJ"); p != NULL; p = strstr(p, "eyJ")) {
		p += base64_span(p);
		if (is_token(p))
			return true;
	}
	return false;
}

/* What follows the name of its kind; apart: nothing that it could belong to stands before it. */
static bool is_key(const char *rest, bool apart)
{
	bool upper = false, lower = false, digit = false;
	size_t n = 0;

	for (; is_alnum(rest[n]); n++) {
		upper = upper || (rest[n] >= 'A' && rest[n] <= 'Z');
		lower = lower || (rest[n] >= 'a' && rest[n] <= 'z');
		digit = digit || (rest[n] >= '0' && rest[n] <= '9');
	}
	return apart ? n >= KEY_CHARS_MIN : n >= KEY_CHARS_WHOLE && upper && lower && digit;
}

/*
 * At the beginning, or behind what is neither letter nor digit: "task_test_…" is none, unless what follows
 * can be nothing else. Of ours 48 characters follow, of Stripe's 24 at least, of all kinds.
 */
static bool has_key(const char *text, const char *start)
{
	for (const char *p = strstr(text, start); p != NULL; p = strstr(p, start)) {
		const bool apart = p == text || !is_alnum(p[-1]);

		p += strlen(start);
		if (is_key(p, apart))
			return true;
	}
	return false;
}

/* A key of ours (cc/crypto/apikey.h) or of Stripe's, whole or not, or a token. */
static bool has_secret(const char *text)
{
	static const char *const starts[] = {
		"cc_live_", "cc_test_", "cc_op_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (has_key(text, starts[i]))
			return true;
	return has_token(text);
}

/* "key=…", "access_token:…", "Bearer …": what follows is one, whatever it looks like. */
static bool names_secret(const char *text)
{
	for (const char *p = text; *p != '\0';) {
		const size_t n = base64_span(p);
		const char after = p[n];

		if ((after == '=' || after == ':') && is_credential_name(p, n))
			return true;
		if ((after == ' ' || after == '+') && is_called(p, n, "bearer"))
			return true;
		p += n + (after != '\0');
	}
	return false;
}

/* "http://user:password@host/": who sends this takes us for a proxy. */
static bool has_userinfo(const char *text)
{
	const char *host = strstr(text, "://");

	if (host == NULL)
		return false;
	host += 3;
	return host[strcspn(host, "/@")] == '@';
}

/* Of an escape; '\0': it is none, or of no character. */
static char escaped(const char *p)
{
	const char digits[3] = { p[0] == '%' ? p[1] : '\0', p[1] != '\0' ? p[2] : '\0', '\0' };
	char c = '\0';

	return hex_decode(digits, &c, 1) ? c : '\0';
}

/* One layer of escapes is taken off, in place; what is no escape stays. False: there was none. */
static bool unescape(char *text)
{
	char *to = text;
	bool any = false;

	for (const char *p = text; *p != '\0'; p++) {
		const char c = escaped(p);

		*to++ = c != '\0' ? c : *p;
		if (c != '\0')
			p += 2;
		any = any || c != '\0';
	}
	*to = '\0';
	return any;
}

bool guard_tells_secret(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (int i = 0; i < ESCAPES_DEEP; i++) {
		if (has_secret(copy) || names_secret(copy) || has_userinfo(copy))
			return true;
		if (!unescape(copy))
			return false;
	}
	return true;
}

const char *http_query_secret(const struct http_in *in)
{
	for (size_t i = 0; i < in->nquery; i++) {
		const struct kv *q = &in->query[i];

		if (has_secret(q->key))
			return "as a name";
		if (has_secret(q->value) || is_credential_name(q->key, strlen(q->key)))
			return q->key;
	}
	return NULL;
}

bool guard_request_id(const char *value)
{
	size_t n = 0;

	for (; value[n] != '\0'; n++) {
		if (n == REQUEST_ID_MAX || (!is_alnum(value[n]) && strchr("._-", value[n]) == NULL))
			return false;
	}
	return n > 0 && !has_secret(value);
}

const char *guard_idempotency_key(const struct http_in *in)
{
	const char *key = in->idempotency_key;
	size_t n = 0;

	if (in->n_idempotency_key > 1)
		return "there must be at most one Idempotency-Key header";
	while (key != NULL && key[n] > ' ' && key[n] < 0x7f)
		n++;
	if (key != NULL && (n == 0 || n > IDEMPOTENCY_KEY_MAX || key[n] != '\0'))
		return "Idempotency-Key must be 1 to 255 visible ASCII characters";
	/* It is kept for a day, as it is. */
	if (key != NULL && has_secret(key))
		return "there is a credential in Idempotency-Key: revoke it";
	return NULL;
}
