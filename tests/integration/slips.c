/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* asprintf */
#include "slips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"

static const char *const slips[] = {
	"GET /api/v1/policies&api_key=%s HTTP/1.1",
	"GET /api/v1/key=%s HTTP/1.1",
	"GET /api/v1/Bearer%20%s HTTP/1.1",
	"GET /api/v1/policies;%s HTTP/1.1",
	"GET /api/v1/policies%3Fapi_key=%s HTTP/1.1",
	"GET /api/v1/policies%253Fx%253D%s HTTP/1.1",
	"GET /api/v1/policies#%s HTTP/1.1",
	"GET /api/v1/policies/x%s HTTP/1.1",
	"GET /api/v1/policies?%s HTTP/1.1",
	"GET /api/v1/policies?q=x-%s HTTP/1.1",
	"GET http://user:%s@x/api/v1/policies HTTP/1.1",
	"%s /api/v1/policies HTTP/1.1",
	"GET %s HTTP/1.1",
	"GET /api/v1/policies HTTP/1.1\r\nX-Request-ID: x-%s",
	"POST /api/v1/policies HTTP/1.1\r\nX-Request-ID: x-%s",
	"GET /api/v1/policies HTTP/1.1\r\nX-Tenant-ID: x-%s",
	"POST /api/v1/policies HTTP/1.1\r\nIdempotency-Key: x-%s",
	"GET /api/v1/policies HTTP/1.1\r\ntracestate: a=%s",
	"GET /api/v1/policies HTTP/1.1\r\nX-Forwarded-For: %s",
	"GET /api/v1/policies HTTP/1.1\r\nUser-Agent: %s",
	"GET /api/v1/policies HTTP/1.1\r\nOrigin: https://%s",
	"GET /api/v1/policies HTTP/1.1\r\nReferer: https://x/?api_key=%s",
};

/* A policy each time, so that each is in the audit. */
void slip_send(int port, const char *key, const char *line, const char *secret)
{
	static int n;
	struct client *c = client_open(port);
	const char *mark = strstr(line, "%s");
	char *text = NULL, *whole = NULL, body[100];

	assert_non_null(mark);
	snprintf(body, sizeof(body), "{\"name\":\"slip%d\",\"rego_code\":\"package slip\"}", n++);
	if (line[0] != 'P')
		body[0] = '\0';
	assert_true(asprintf(&text, "%.*s%s%s", (int)(mark - line), line, secret, mark + 2) > 0);
	assert_true(asprintf(&whole, "%s\r\nHost: localhost\r\nX-API-Key: %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", text, key,
		strlen(body), body) > 0);
	(void)client_raw(c, whole, strlen(whole));
	client_close(c);
	free(whole);
	free(text);
}

void slips_send(int port, const char *key)
{
	char escaped[400];
	size_t n = 0;

	for (const char *p = key; *p != '\0' && n < sizeof(escaped) - 6; p++)
		n += (size_t)snprintf(escaped + n, sizeof(escaped) - n, *p == '_' ? "%%255f" : "%c", *p);
	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++)
		slip_send(port, key, slips[i], key);
	slip_send(port, key, "GET /api/v1/policies/%s HTTP/1.1", escaped);
}
