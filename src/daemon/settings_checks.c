/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/cidr.h"
#include "cc/net/http_client.h"

const char *check_host_name(const char *s)
{
	const char *const bad = "must be a host name in lower case, such as controlcore.io";
	size_t label = 0;

	for (const char *p = s; *p != '\0'; p++) {
		const bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');

		if (*p == '.' ? label == 0 || p[-1] == '-' : !(alnum || (*p == '-' && label > 0)))
			return bad;
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return bad;
	}
	return label == 0 || str_ends(s, "-") ? bad : NULL;
}

/* As a Host field names it, without the port. */
const char *check_neutral_host(const char *s)
{
	unsigned char number[16];
	char plain[INET6_ADDRSTRLEN];
	const size_t n = strlen(s);

	if (s[0] != '[')
		return check_host_name(s);
	if (n > 2 && n - 2 < sizeof(plain) && s[n - 1] == ']') {
		memcpy(plain, s + 1, n - 2);
		plain[n - 2] = '\0';
		if (inet_pton(AF_INET6, plain, number) == 1)
			return NULL;
	}
	return "must be a host name, an IPv4 address, or an IPv6 address in brackets";
}

/* As the listener takes it; an IPv6 address may name its interface: fe80::1%eth0. */
const char *check_address(const char *s)
{
	unsigned char number[16];
	char plain[INET6_ADDRSTRLEN];
	const size_t n = strcspn(s, "%");

	if (inet_pton(AF_INET, s, number) == 1)
		return NULL;
	if (n < sizeof(plain) && (s[n] == '\0' || s[n + 1] != '\0')) {
		memcpy(plain, s, n);
		plain[n] = '\0';
		if (inet_pton(AF_INET6, plain, number) == 1)
			return NULL;
	}
	return "must be an IPv4 or IPv6 address, such as 127.0.0.1 or ::";
}

const char *check_network(const char *s)
{
	struct cidr c;

	return cidr_parse(s, &c) ? NULL : "must be an address or a network, such as 192.0.2.0/24";
}

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353" */
const char *check_resolver(const char *s)
{
	static const char problem[] = "must be an address, or address:port with that of IPv6 in brackets";
	const bool bracket = s[0] == '[';
	const char *colon = strrchr(s, ':'), *end = s + strlen(s);
	const bool has_port = bracket ? colon != NULL && colon[-1] == ']'
				      : colon != NULL && strchr(s, ':') == colon;
	unsigned char address[16];
	char host[64];
	int64_t port;

	if (has_port && (!parse_int64(colon + 1, &port) || port < 1 || port > 65535))
		return problem;
	end = has_port ? colon : end;
	if (bracket) {
		s++;
		end--;
		if (*end != ']')
			return problem;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(end - s), s);
	return inet_pton(strchr(host, ':') != NULL ? AF_INET6 : AF_INET, host, address) == 1 ? NULL : problem;
}

const char *check_path(const char *s)
{
	return s[0] == '/' ? NULL : "must be an absolute path";
}

/* It is the name of a file, and stands in rows. */
const char *check_kek_id(const char *s)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return s[0] != '.' && s[strspn(s, allowed)] == '\0' ? NULL
							    : "must be letters, digits and ._- only";
}

/* A name, an IPv4 address, or an IPv6 address in brackets; n bytes. */
static bool is_host(const char *s, size_t n)
{
	unsigned char number[16];
	char plain[INET6_ADDRSTRLEN];

	if (s[0] != '[')
		return n > 0 && strspn(s, ALPHABET_BASE62 ".-_") >= n;
	if (n < 4 || n - 2 >= sizeof(plain) || s[n - 1] != ']')
		return false;
	memcpy(plain, s + 1, n - 2);
	plain[n - 2] = '\0';
	return inet_pton(AF_INET6, plain, number) == 1;
}

const char *check_redis(const char *s)
{
	if (str_starts(s, "unix:/"))
		return strlen(s) - 5 <= 107 ? NULL : "must name a socket of at most 107 bytes";
	const char *colon = strrchr(s, ':');
	int64_t port;

	if (strstr(s, "://") != NULL)
		return "must be host:port or unix:/path, no URL: the password is redis.password";
	if (colon == NULL || !is_host(s, (size_t)(colon - s)) || !parse_int64(colon + 1, &port) || port < 1 ||
	    port > 65535)
		return "must be host:port or unix:/path";
	return NULL;
}

/* Without a path, which is ours; one beside the daemon may go without TLS. */
const char *check_engine(const char *s)
{
	const char *fault = http_url_fault(s, 0), *host = strstr(s, "://");

	if (fault != NULL)
		return fault;
	return host != NULL && strpbrk(host + 3, "/?#@") == NULL ? NULL
								 : "must end with the host or the port";
}

const char *check_stripe_key(const char *s)
{
	return (strncmp(s, "sk_", 3) == 0 || strncmp(s, "rk_", 3) == 0) && strpbrk(s, " \t\r\n") == NULL
		       ? NULL : "must be a secret or restricted key of Stripe (sk_…, rk_…)";
}

const char *check_meter(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(s)
		       ? NULL : "must be letters, digits, _ . and -";
}

/* Length of one keyword=value pair of a conninfo, quotes respected; 0 when it is none. */
static size_t conninfo_pair(const char *s, size_t *ret_key)
{
	const char *p = s + strcspn(s, "= \t");

	*ret_key = (size_t)(p - s);
	p += strspn(p, " \t");
	if (*p != '=' || *ret_key == 0)
		return 0;
	p++;
	p += strspn(p, " \t");
	const bool quoted = *p == '\'';
	for (p += quoted; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (quoted ? *p == '\'' : *p == ' ' || *p == '\t')
			break;
	}
	if (quoted && *p != '\'')
		return 0;
	return (size_t)(p + quoted - s);
}

static const char *check_conninfo_keys(const char *s, bool with_user)
{
	for (s += strspn(s, " \t"); *s != '\0'; s += strspn(s, " \t")) {
		size_t key;
		const size_t n = conninfo_pair(s, &key);

		if (n == 0)
			return "must be libpq keywords such as host=/run/postgresql dbname=cc_control";
		if (!with_user && ((key == 4 && strncmp(s, "user", key) == 0) ||
					  (key == 8 && strncmp(s, "password", key) == 0)))
			return "must not name user or password: each login role brings its own";
		if (key == 7 && strncmp(s, "options", key) == 0)
			return "must not name options: the daemon sets those of its sessions itself";
		s += n;
	}
	return NULL;
}

const char *check_conninfo(const char *s)
{
	return check_conninfo_keys(s, false);
}

const char *check_admin_conninfo(const char *s)
{
	return check_conninfo_keys(s, true);
}

const char *check_secret(const char *s)
{
	return strlen(s) >= 32 ? NULL : "must have at least 32 bytes, for example from openssl rand -hex 32";
}
