/* SPDX-License-Identifier: Apache-2.0 */
/* What the package of a module is called in bundles, and which cannot be in one. */
#include "cc/model/rego.h"

#include <string.h>

#include "rego_lex.h"

#include "cc/base/str.h"

/* What needs no escape in a path, on any system and in any URL (RFC 3986, 2.3). */
static bool is_plain(const char *name, size_t n)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~";

	for (size_t i = 0; i < n; i++)
		if (name[i] == '\0' || strchr(plain, name[i]) == NULL)
			return false;
	return n > 0 && n <= REGO_NAME_MAX && !(n <= 2 && strncmp(name, "..", n) == 0);
}

const char *rego_path(const struct rego_scan *s, const struct rego_token *from, const struct rego_token *end)
{
	struct str out;
	int names = 0;

	str_init(&out, s->arena, 64);
	for (const struct rego_token *t = from; t < end; t++) {
		const size_t quote = t->kind == R_STRING;
		const char *name = s->text + t->at + quote;
		const size_t n = t->len - 2 * quote;

		if (t->kind != R_WORD && t->kind != R_STRING)
			continue;
		if (t->len < 2 * quote || !is_plain(name, n) || ++names > REGO_NAMES_MAX)
			return NULL;
		str_addf(&out, "%s%.*s", out.len > 0 ? "/" : "", (int)n, name);
	}
	return out.data;
}

static void refuse_package(struct ctx *cx, const char *field, const struct rego_module *m, const char *why)
{
	(void)refuse_line(cx, ERR_REGO_INVALID, field, m->package_line, m->package_column,
		"`%s` line %zu, column %zu: %s", field, m->package_line, m->package_column, why);
}

static void check_package(struct ctx *cx, const char *field, const struct rego_module *m)
{
	static const char data[] = "resources";
	const size_t n = sizeof(data) - 1;

	if (m->package_path == NULL)
		refuse_package(cx, field, m,
			"names in the package's path must be letters, digits, and _ - . ~, at most 100");
	else if (strncmp(m->package_path, data, n) == 0 && strchr("/", m->package_path[n]) != NULL)
		refuse_package(
			cx, field, m, "`resources` is where bundles have their data: no package is there");
}

void rego_inspect(struct ctx *cx, const char *field, const char *text)
{
	struct rego_module m;

	rego_check(cx->arena, text, strlen(text), &m);
	for (int i = 0; i < m.nfaults; i++)
		(void)refuse_line(cx, ERR_REGO_INVALID, field, m.fault[i].line, m.fault[i].column,
			"`%s` line %zu, column %zu: %s", field, m.fault[i].line, m.fault[i].column,
			m.fault[i].message);
	if (m.nfaults == 0)
		check_package(cx, field, &m);
}
