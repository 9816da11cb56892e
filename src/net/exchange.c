/* SPDX-License-Identifier: Apache-2.0 */
/* What may be asked, and how results read. */
#include "exchange.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "cc/base/str.h"

#define URL_MAX 4096

static bool is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

/* A name may stand for anything, but for `localhost`; an address is what it is. */
static bool may_be_public(const char *host)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const size_t n = strlen(host);
	char bare[64];

	if (host[0] == '[') {
		(void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(host + 1, "%]"), host + 1);
		return inet_pton(AF_INET6, bare, &in6.sin6_addr) == 1 &&
		       address_is_public((const struct sockaddr *)&in6);
	}
	if (inet_pton(AF_INET, host, &in4.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&in4);
	return n < 9 || strcasecmp(host + n - 9, "localhost") != 0 || (n > 9 && host[n - 10] != '.');
}

enum host { HOST_NONE, HOST_PRIVATE, HOST_ANY };

/* Parsed by the library that will use it, so that both see the same host, however its address is written. */
static enum host host_of(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	enum host ret = HOST_NONE;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0')
		ret = may_be_public(host) ? HOST_ANY : HOST_PRIVATE;
	curl_free(host);
	curl_url_cleanup(u);
	return ret;
}

/* Without a look at addresses: of a connection they are looked at when it is opened. */
static const char *url_fault(const char *url, unsigned flags)
{
	const bool tls = strncasecmp(url, "https://", 8) == 0;

	if (strnlen(url, URL_MAX + 1) > URL_MAX)
		return "must be a URL of at most 4096 bytes";
	if (!tls && (flags & HTTP_TLS_ONLY))
		return "must be a URL that begins with https://";
	if (!tls && strncasecmp(url, "http://", 7) != 0)
		return "must be a URL that begins with http:// or https://";
	/* With a third slash the library takes what comes after it for the host. */
	if (!is_printable(url) || url[tls ? 8 : 7] == '/' || host_of(url) == HOST_NONE)
		return "must be a URL with a host and without user and password";
	return NULL;
}

const char *http_url_fault(const char *url, unsigned flags)
{
	const char *fault = url_fault(url, flags);

	if (fault == NULL && (flags & HTTP_PUBLIC_ONLY) && host_of(url) == HOST_PRIVATE)
		return "must be a URL whose host is not a private address";
	return fault;
}

/* A field that is empty or broken over lines would change the request around it. */
static bool is_header(const char *line)
{
	const char *colon = strchr(line, ':');

	if (colon == NULL || colon == line || colon[1 + strspn(colon + 1, " ")] == '\0')
		return false;
	for (const char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || (p < colon && *p == ' '))
			return false;
	return true;
}

const char *ask_fault(const struct http_ask *ask)
{
	const char *wrong = url_fault(ask->url, ask->flags);

	if (wrong != NULL)
		return wrong;
	if (ask->method[0] == '\0' || ask->method[strspn(ask->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
		return "the method must be capital letters";
	for (size_t i = 0; ask->headers != NULL && ask->headers[i] != NULL; i++)
		if (!is_header(ask->headers[i]))
			return "a header field must be a name, a colon and a value on one line";
	return NULL;
}

const char *http_got_header(const struct http_got *got, const char *name)
{
	for (size_t i = 0; i < got->nheaders; i++)
		if (strcasecmp(got->headers[i].name, name) == 0)
			return got->headers[i].value;
	return NULL;
}

const char *http_result_text(enum http_result r)
{
	static const char *const texts[] = {
		[HTTP_GOT] = "it answered",
		[HTTP_BAD_ASK] = "the request cannot be sent",
		[HTTP_UNKNOWN_HOST] = "the host name does not resolve",
		[HTTP_FORBIDDEN] = "its address is not a public one",
		[HTTP_NO_CONNECTION] = "it cannot be reached",
		[HTTP_NO_TRUST] = "its certificate is not acceptable",
		[HTTP_LATE] = "the deadline passed",
		[HTTP_TOO_LARGE] = "its answer is too large",
		[HTTP_STOPPED] = "no more was wanted",
		[HTTP_BROKEN] = "the connection broke, or it does not speak HTTP",
	};

	return texts[r];
}
