/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/names.h"

#include <stddef.h>
#include <string.h>

#include "cc/base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define ID_PREFIX "tenant-"
#define ID_RANDOM 6             /* base32 characters at the end of an id */

enum {
	SLUG_MAX = 40,
	NAME_MAX_LEN = 63,
	HOST_MAX = 253,
	LABEL_MAX = 63,
	EMAIL_MAX = 254,
	LOCAL_MAX = 64,
};

/* Hosts of the platform itself, and those that a browser or a mail server believes in. */
static const char *const reserved[] = {
	"account", "accounts", "admin", "ap", "api", "app", "assets", "auth", "autoconfig",
	"autodiscover", "billing", "blog", "cdn", "console", "control", "controlcore", "controlplane",
	"dashboard", "dev", "docs", "eu", "ftp", "help", "host", "imap", "internal", "isatap",
	"localhost", "login", "mail", "mx",
	"na", "ns", "ns1", "ns2", "ns3", "ns4", "operator", "pop", "pop3", "postmaster", "proxy", "root",
	"signup", "smtp", "sso", "staging", "static", "status", "support", "test", "webmail",
	"wpad", "www",
};

static bool label_is_good(const char *s, size_t n, size_t max)
{
	return n > 0 && n <= max && strspn(s, LOWER DIGITS "-") >= n && s[0] != '-' && s[n - 1] != '-';
}

bool name_is_wellformed(const char *text)
{
	return label_is_good(text, strlen(text), NAME_MAX_LEN);
}

/* Ids and slugs are one namespace: no slug may look like an id that was or will be handed out. */
static bool is_like_id(const char *s)
{
	const size_t n = strlen(s);
	const char *tail;

	if (!str_starts(s, ID_PREFIX) || n < strlen(ID_PREFIX) + 2 + ID_RANDOM)
		return false;
	tail = s + n - ID_RANDOM;
	return tail[-1] == '-' && strspn(tail, LOWER "234567") == ID_RANDOM;
}

/* <slug>.<region>.<base domain> is a tenant by its region: no tenant is called as one, known or to come. */
static bool is_like_region(const char *s)
{
	const size_t where = strspn(s, LOWER);
	size_t n = where;

	if (where != 2 || s[n] != '-')
		return false;
	n += 1 + strspn(s + n + 1, LOWER);
	if (n == where + 1 || s[n] != '-')
		return false;
	return s[n + 1] != '\0' && strspn(s + n + 1, DIGITS) == strlen(s + n + 1);
}

const char *check_slug(const char *text)
{
	if (!label_is_good(text, strlen(text), SLUG_MAX))
		return "must begin with a label of 1 to 40 lower-case letters, digits and inner hyphens";
	if (is_like_id(text) || str_starts(text, "xn--"))
		return "must not look like the id of a tenant or an encoded name";
	if (is_like_region(text))
		return "must not look like the name of a region";
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(reserved[i], text) == 0)
			return "begins with a reserved label";
	return NULL;
}

/* "123", "0x7f": some read a name that ends in it as an address. */
static bool is_number(const char *s)
{
	if (str_starts(s, "0x"))
		return strspn(s + 2, DIGITS "abcdef") == strlen(s + 2);
	return strspn(s, DIGITS) == strlen(s);
}

/* The number of labels of a host name, 0 when it is none. */
static int host_labels(const char *s)
{
	int labels = 0;

	if (strlen(s) > HOST_MAX)
		return 0;
	for (;;) {
		const size_t n = strcspn(s, ".");

		if (!label_is_good(s, n, LABEL_MAX))
			return 0;
		labels++;
		if (s[n] == '\0')
			return is_number(s) ? 0 : labels;
		s += n + 1;
	}
}

const char *check_tenant_domain(const char *text)
{
	char slug[SLUG_MAX + 1];
	const size_t n = strcspn(text, ".");

	if (host_labels(text) == 0)
		return "must be a host name in lower case";
	if (n > SLUG_MAX)
		return "must begin with a label of at most 40 characters";
	memcpy(slug, text, n);
	slug[n] = '\0';
	return check_slug(slug);
}

#define NO_ADDRESS "must be a host name, and no address"

/* "10.0.0.1", "127.1", "0x7f.1", "::1", "[::1]", "fe80::1%eth0". */
static bool is_address(const char *text)
{
	const char *from = text + (*text == '['), *last = strrchr(text, '.');
	const char *to = from + strspn(from, DIGITS "abcdefABCDEF:.");
	const char *colon = strchr(from, ':');

	if (colon != NULL && colon + 1 < to && memchr(colon + 1, ':', (size_t)(to - colon - 1)) != NULL)
		return true;
	last = last != NULL ? last + 1 : text;
	return *last != '\0' && is_number(last);
}

const char *check_custom_domain(const char *text)
{
	if (host_labels(text) > 1)
		return NULL;
	return is_address(text) ? NO_ADDRESS : "must be a host name in lower case with at least two labels";
}

const char *check_foreign_domain(const char *text)
{
	if (is_address(text))
		return NO_ADDRESS;
	if (strpbrk(text, " \t\r\n:/*@_[]%?#\\") != NULL)
		return "must be a host name";
	/* Other scripts have full stops of their own: what they mean is known once they are mapped. */
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '.' || (unsigned char)*p >= 0x80)
			return NULL;
	return "must be a host name with at least two labels";
}

const char *check_email(const char *text)
{
	static const char problem[] = "must be an e-mail address";
	const char *at = strrchr(text, '@');
	const size_t local = at != NULL ? (size_t)(at - text) : 0;
	char domain[EMAIL_MAX + 1];

	if (local == 0 || local > LOCAL_MAX || strlen(text) > EMAIL_MAX)
		return problem;
	if (strcspn(text, "@") != local || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER DIGITS
						  "!#$%&'*+-/=?^_`{|}~.") != local)
		return problem;
	if (text[0] == '.' || at[-1] == '.' || (strstr(text, "..") != NULL && strstr(text, "..") < at))
		return problem;
	for (size_t i = 0; i <= strlen(at + 1); i++)
		domain[i] = (char)(at[1 + i] >= 'A' && at[1 + i] <= 'Z' ? at[1 + i] + 32 : at[1 + i]);
	return host_labels(domain) > 1 ? NULL : problem;
}

const char *host_label(struct arena *a, const char *host, const char *base)
{
	const size_t n = strlen(host), nbase = strlen(base);

	if (n <= nbase + 1 || strcmp(host + n - nbase, base) != 0 || host[n - nbase - 1] != '.')
		return NULL;
	return arena_strndup(a, host, n - nbase - 1);
}
