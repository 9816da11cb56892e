/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials where none belongs: what holds one is not written down. */
#include "guard.h"

#include <string.h>

#include "cc/base/bytes.h"

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

/* Three parts, the first of them an object in base64url. */
static bool is_token(const char *p)
{
	size_t n = str_starts(p, "eyJ") ? base64_span(p) : 0;

	if (n == 0 || p[n] != '.')
		return false;
	p += n + 1;
	n = base64_span(p);
	return n > 0 && p[n] == '.';
}

/* A key of ours (cc/crypto/apikey.h), whole or not, or of Stripe's, or a token; whatever stands around it. */
static bool has_secret(const char *text)
{
	static const char *const starts[] = {
		"cc_live_", "cc_test_", "cc_op_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_",
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (strstr(text, starts[i]) != NULL)
			return true;
	for (const char *p = strstr(text, "eyJ"); p != NULL; p = strstr(p + 1, "eyJ"))
		if (is_token(p))
			return true;
	return false;
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

	if (has_secret(value))
		return false;
	for (; value[n] != '\0'; n++) {
		if (n == REQUEST_ID_MAX || (!is_alnum(value[n]) && strchr("._-", value[n]) == NULL))
			return false;
	}
	return n > 0;
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
