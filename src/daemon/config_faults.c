/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/bytes.h"

#define PLAIN_MOST 32 /* letters and digits in a row that no name and no path has, and every key */

bool config_tells_secret(const char *text)
{
	static const char *const signs[] = { "@", "password", "PASSWORD", "cc_live_", "cc_test_", "cc_op_",
		"sk_", "rk_", "whsec_" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(text, signs[i]) != NULL)
			return true;
	for (const char *p = text; *p != '\0'; p++) {
		const size_t n = strspn(p, ALPHABET_BASE62);

		if (n >= PLAIN_MOST)
			return true;
		p += n > 0 ? n - 1 : 0;
	}
	return false;
}

void config_faults_init(struct config_faults *f, struct arena *a)
{
	f->arena = a;
	f->n = 0;
	str_init(&f->text, a, 256);
}

void config_fault(struct config_faults *f, const char *where, const char *setting, const char *fmt, ...)
{
	char buf[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	const size_t start = f->text.len;

	str_addf(&f->text, "%s: %s%s%s", where, setting, setting[0] != '\0' ? ": " : "", buf);
	/* One line per fault, whatever stood in the file, or in the name of a variable. */
	str_tame(f->text.data + start);
	f->text.len = start + strlen(f->text.data + start);
	str_add_char(&f->text, '\n');
	f->n++;
}

static void describe_range(struct str *out, const char *what, int64_t min, int64_t max)
{
	if (max > 0)
		str_addf(out, "%s from %" PRId64 " to %" PRId64, what, min, max);
	else
		str_add(out, what);
}

static void describe_values(struct str *out, const char *const *values)
{
	for (size_t i = 0; values[i] != NULL; i++)
		str_addf(out, "%s%s", i > 0 ? ", " : "", values[i]);
}

void field_describe(struct str *out, const struct field *f)
{
	switch (f->kind) {
	case K_INT:
		describe_range(out, "an integer", f->min, f->max);
		break;
	case K_BOOL:
		str_add(out, "true or false");
		break;
	case K_ENUM:
		str_add(out, "one of ");
		describe_values(out, f->values);
		break;
	case K_STRS:
		str_addf(out, "a list of at most %" PRId64 " texts", f->max);
		break;
	case K_TEXT:
	case K_TIME:
	case K_NUM:
	case K_JSON:
	case K_OBJ:
	case K_BYTES:
		str_addf(out, "text of %" PRId64 " to %" PRId64 " characters", f->min, f->max);
		break;
	}
}

const char *schema_names(struct arena *a, const struct schema *s)
{
	struct str out;

	str_init(&out, a, 128);
	for (size_t i = 0; i < s->nfields; i++) {
		str_addf(&out, "%s%s", i > 0 ? ", " : "", s->fields[i].name);
		if (s->fields[i].flags & F_SECRET)
			str_addf(&out, ", %s_file", s->fields[i].name);
	}
	return out.data;
}

const char *section_names(struct arena *a)
{
	struct str out;

	str_init(&out, a, 128);
	for (size_t i = 0; i < nsections; i++)
		str_addf(&out, "%s, ", sections[i].name);
	str_add(&out, "regions");
	return out.data;
}

const struct field *section_field(
	struct arena *a, const struct schema *s, const char *name, bool *ret_in_file)
{
	*ret_in_file = false;
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];

		if (str_eq(f->name, name))
			return f;
		if ((f->flags & F_SECRET) && str_eq(arena_printf(a, "%s_file", f->name), name)) {
			*ret_in_file = true;
			return f;
		}
	}
	return NULL;
}
