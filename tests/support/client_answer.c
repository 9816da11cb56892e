/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static void show(const struct answer *a)
{
	print_error("asked: %s\n", a->asked);
	if (a->status == 0)
		print_error("no answer: %s\n", a->error);
	else
		print_error("%s%.4000s\n", a->head, a->body);
}

#define REFUSE(a, file, line, ...) \
	do { \
		print_error(__VA_ARGS__); \
		show(a); \
		_fail((file), (line)); \
	} while (0)

/* One step of a path: "name" or "[3]"; *path moves past it and a following dot. */
static json_t *descend(json_t *v, const char **path)
{
	char name[128];

	if (**path == '[') {
		char *end;
		const unsigned long i = strtoul(*path + 1, &end, 10);

		*path = end + (*end == ']');
		*path += **path == '.';
		return json_array_get(v, i);
	}
	const size_t n = strcspn(*path, ".[");
	snprintf(name, sizeof name, "%.*s", (int)n, *path);
	*path += n;
	*path += **path == '.';
	return json_object_get(v, name);
}

json_t *answer_at(const struct answer *a, const char *path)
{
	json_t *v = a->json;

	while (v != NULL && *path != '\0')
		v = descend(v, &path);
	return v;
}

const char *answer_text(const struct answer *a, const char *path)
{
	const json_t *v = answer_at(a, path);

	if (!json_is_string(v))
		REFUSE(a, __FILE__, __LINE__, "the answer has no text at %s\n", path);
	return json_string_value(v);
}

int64_t answer_int(const struct answer *a, const char *path)
{
	const json_t *v = answer_at(a, path);

	if (!json_is_integer(v))
		REFUSE(a, __FILE__, __LINE__, "the answer has no integer at %s\n", path);
	return json_integer_value(v);
}

bool answer_null(const struct answer *a, const char *path)
{
	return json_is_null(answer_at(a, path));
}

size_t answer_count(const struct answer *a, const char *path)
{
	const json_t *v = answer_at(a, path);

	if (!json_is_array(v))
		REFUSE(a, __FILE__, __LINE__, "the answer has no array at %s\n", path);
	return json_array_size(v);
}

/* Eight values of a thread live at the same time. */
const char *answer_header(const struct answer *a, const char *name)
{
	static _Thread_local char value[8][8192];
	static _Thread_local unsigned turn;
	const size_t n = strlen(name);

	for (const char *p = strstr(a->head, "\r\n"); p != NULL; p = strstr(p, "\r\n")) {
		p += 2;
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " \t");
		char *copy = value[turn++ % 8];
		snprintf(copy, sizeof value[0], "%.*s", (int)strcspn(p, "\r"), p);
		return copy;
	}
	return NULL;
}

bool answer_fault(const struct answer *a, const char *field, const char *error)
{
	const json_t *details = answer_at(a, "details");

	for (size_t i = 0; i < json_array_size(details); i++) {
		const json_t *d = json_array_get(details, i);
		const char *f = json_string_value(json_object_get(d, "field"));
		const char *e = json_string_value(json_object_get(d, "error"));

		if (f != NULL && strcmp(f, field) == 0 &&
			(error == NULL || (e != NULL && strcmp(e, error) == 0)))
			return true;
	}
	return false;
}

/* --- Assertions ----------------------------------------------------------------------------------- */

const struct answer *answer_check_status(int expected, const struct answer *a, const char *file, int line)
{
	if (a->status != expected)
		REFUSE(a, file, line, "expected status %d, got %d\n", expected, a->status);
	return a;
}

const struct answer *answer_check_error(
	int expected, const char *code, const struct answer *a, const char *file, int line)
{
	answer_check_status(expected, a, file, line);
	answer_check_text(code, a, "error", file, line);
	return a;
}

const struct answer *answer_check_fault(
	const char *field, const char *error, const struct answer *a, const char *file, int line)
{
	answer_check_error(422, "validation_error", a, file, line);
	if (!answer_fault(a, field, error))
		REFUSE(a, file, line, "expected the fault %s on %s\n", error != NULL ? error : "(any)",
			field);
	return a;
}

void answer_check_text(
	const char *expected, const struct answer *a, const char *path, const char *file, int line)
{
	const json_t *v = answer_at(a, path);

	if (!json_is_string(v) || strcmp(json_string_value(v), expected) != 0)
		REFUSE(a, file, line, "expected \"%s\" at %s\n", expected, path);
}

void answer_check_int(int64_t expected, const struct answer *a, const char *path, const char *file, int line)
{
	const json_t *v = answer_at(a, path);

	if (!json_is_integer(v) || json_integer_value(v) != expected)
		REFUSE(a, file, line, "expected %lld at %s\n", (long long)expected, path);
}
