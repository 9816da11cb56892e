/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/db/conninfo.h"

#include <libpq-fe.h>

#include "cc/base/str.h"

static const PQconninfoOption *find(const PQconninfoOption *list, const char *keyword)
{
	for (; list->keyword != NULL; list++)
		if (str_eq(list->keyword, keyword) && list->val != NULL)
			return list;
	return NULL;
}

const char *conninfo_get(struct arena *a, const char *conninfo, const char *keyword)
{
	PQconninfoOption *list = PQconninfoParse(conninfo, NULL);
	const PQconninfoOption *o = list != NULL ? find(list, keyword) : NULL;
	const char *value = o != NULL ? arena_strdup(a, o->val) : NULL;

	PQconninfoFree(list);
	return value;
}

static void add(struct str *s, const PQconninfoOption *o)
{
	str_addf(s, "%s%s='", s->len > 0 ? " " : "", o->keyword);
	for (const char *c = o->val; *c != '\0'; c++) {
		if (*c == '\'' || *c == '\\')
			str_add_char(s, '\\');
		str_add_char(s, *c);
	}
	str_add_char(s, '\'');
}

const char *conninfo_join(struct arena *a, const char *base, const char *over)
{
	PQconninfoOption *b = PQconninfoParse(base, NULL), *o = PQconninfoParse(over, NULL);
	struct str s = { 0 };

	if (b != NULL && o != NULL) {
		str_init(&s, a, 128);
		for (const PQconninfoOption *i = b; i->keyword != NULL; i++)
			if (i->val != NULL && find(o, i->keyword) == NULL)
				add(&s, i);
		for (const PQconninfoOption *i = o; i->keyword != NULL; i++)
			if (i->val != NULL)
				add(&s, i);
	}
	PQconninfoFree(b);
	PQconninfoFree(o);
	return s.data;
}
