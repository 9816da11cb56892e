/* SPDX-License-Identifier: Apache-2.0 */
/* Calls below /api/v1, with paths and bodies written as formats. */
#define _GNU_SOURCE /* vasprintf */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

__attribute__((format(printf, 1, 0))) static char *text_of(const char *fmt, va_list ap)
{
	char *text = NULL;

	assert_true(vasprintf(&text, fmt, ap) >= 0);
	return text;
}

static const struct answer *call_below(struct client *c, const char *method, const char *path, char *body)
{
	const size_t n = strlen(path) + 8;
	char *target = calloc(1, n);

	assert_non_null(target);
	snprintf(target, n, "/api/v1%s", path);
	for (char *p = body; p != NULL && *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	const struct answer *a = client_call(c, method, target, NULL, body);
	free(target);
	free(body);
	return a;
}

__attribute__((format(printf, 3, 0))) static const struct answer *call_bare(
	struct client *c, const char *method, const char *fmt, va_list ap)
{
	char *path = text_of(fmt, ap);
	const struct answer *a = call_below(c, method, path, NULL);

	free(path);
	return a;
}

const struct answer *client_get(struct client *c, const char *path_fmt, ...)
{
	va_list ap;

	va_start(ap, path_fmt);
	const struct answer *a = call_bare(c, "GET", path_fmt, ap);
	va_end(ap);
	return a;
}

const struct answer *client_delete(struct client *c, const char *path_fmt, ...)
{
	va_list ap;

	va_start(ap, path_fmt);
	const struct answer *a = call_bare(c, "DELETE", path_fmt, ap);
	va_end(ap);
	return a;
}

const struct answer *client_post(struct client *c, const char *path, const char *body_fmt, ...)
{
	va_list ap;

	va_start(ap, body_fmt);
	const struct answer *a = call_below(c, "POST", path, text_of(body_fmt, ap));
	va_end(ap);
	return a;
}

const struct answer *client_put(struct client *c, const char *path, const char *body_fmt, ...)
{
	va_list ap;

	va_start(ap, body_fmt);
	const struct answer *a = call_below(c, "PUT", path, text_of(body_fmt, ap));
	va_end(ap);
	return a;
}

const struct answer *client_patch(struct client *c, const char *path, const char *body_fmt, ...)
{
	va_list ap;

	va_start(ap, body_fmt);
	const struct answer *a = call_below(c, "PATCH", path, text_of(body_fmt, ap));
	va_end(ap);
	return a;
}
