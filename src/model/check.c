/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/check.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define HOST_MAX 253
#define LABEL_MAX 63

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_label_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool label_good(const char *s, size_t n)
{
	if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_label_char(s[i]))
			return false;
	return true;
}

/* RFC 1123; a last label of digits alone would be read as an address by others. */
static bool name_good(const char *s)
{
	const char *label = s;
	bool digits;

	for (;;) {
		size_t n = strcspn(label, ".");

		if (!label_good(label, n))
			return false;
		digits = strspn(label, "0123456789") == n;
		if (label[n] == '\0')
			return !digits;
		label += n + 1;
	}
}

static bool address_good(const char *s)
{
	unsigned char to[16];

	return inet_pton(AF_INET, s, to) == 1 || inet_pton(AF_INET6, s, to) == 1;
}

static bool host_good(const char *s, size_t n)
{
	char host[HOST_MAX + 1];

	if (n == 0 || n > HOST_MAX)
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	return name_good(host) || address_good(host);
}

static bool port_good(const char *s)
{
	int64_t port;

	return is_digit(s[0]) && parse_int64(s, &port) && port >= 1 && port <= 65535;
}

/* host, host:port, [v6]:port; *ret_port is the text behind the colon, NULL without one. */
static bool authority_good(const char *s, const char **ret_port)
{
	const char *end;

	*ret_port = NULL;
	if (s[0] == '[') {
		end = strchr(s, ']');
		if (end == NULL || memchr(s, ':', (size_t)(end - s)) == NULL)
			return false;
		if (!host_good(s + 1, (size_t)(end - s) - 1))
			return false;
		end++;
	} else {
		end = strrchr(s, ':');
		if (end == NULL || strchr(s, ':') != end)       /* none, or a bare IPv6 address */
			return host_good(s, strlen(s));
		if (!host_good(s, (size_t)(end - s)))
			return false;
	}
	if (*end == '\0')
		return true;
	*ret_port = end + 1;
	return *end == ':' && port_good(end + 1);
}

const char *check_host(const char *text)
{
	return host_good(text, strlen(text)) ? NULL : "must be a host name or an IP address";
}

const char *check_host_maybe_port(const char *text)
{
	const char *port;

	return authority_good(text, &port) ? NULL : "must be a host, or host:port";
}

const char *check_host_port(const char *text)
{
	const char *port;

	return authority_good(text, &port) && port != NULL ? NULL : "must be host:port";
}

/* host, host:port as a browser writes it: nothing in capitals, no port that goes without saying. */
static bool origin_good(const char *authority, int usual_port)
{
	const char *port;
	int64_t number = 0;

	for (const char *p = authority; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			return false;
	if (!authority_good(authority, &port))
		return false;
	/* An address of IPv6 stands in brackets. */
	if (port == NULL && authority[0] != '[' && strchr(authority, ':') != NULL)
		return false;
	return port == NULL || (port[0] != '0' && parse_int64(port, &number) && number != usual_port);
}

static bool is_this_machine(const char *authority)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const size_t n = strlen(hosts[i]);

		if (strncmp(authority, hosts[i], n) == 0 && (authority[n] == '\0' || authority[n] == ':'))
			return true;
	}
	return false;
}

const char *check_origin(const char *text)
{
	if (str_starts(text, "https://") && origin_good(text + 8, 443))
		return NULL;
	if (str_starts(text, "http://") && is_this_machine(text + 7) && origin_good(text + 7, 80))
		return NULL;
	return "must be an origin as browsers send it: https://host or https://host:port in lower case, "
	       "without a path; http:// for localhost alone";
}

const char *check_http_url(const char *text)
{
	static const char problem[] = "must be a URL with http or https";
	char authority[HOST_MAX + 16];
	const char *host, *port;
	size_t n;

	if (str_starts(text, "http://"))
		host = text + strlen("http://");
	else if (str_starts(text, "https://"))
		host = text + strlen("https://");
	else
		return problem;
	n = strcspn(host, "/?#");
	if (n >= sizeof(authority))
		return problem;
	memcpy(authority, host, n);
	authority[n] = '\0';
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "must not hold blanks or control characters";
	return authority_good(authority, &port) ? NULL : problem;
}

const char *check_time_or_date(const char *text)
{
	int64_t t;

	return time_parse(text, true, &t) ? NULL : "must be an RFC 3339 date or date-time";
}

const char *check_not_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] != '\0' ? NULL : "must not be blank";
}
