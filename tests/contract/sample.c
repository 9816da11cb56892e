/* SPDX-License-Identifier: Apache-2.0 */
/* Values from the field tables: by kind, bounds, values and check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"

#include "cc/base/ctx.h"
#include "cc/model/names.h"

/* Words that the program knows and the table does not. */
static const char *word_of(const char *field)
{
	static const char *const words[][2] = {
		{"region",     "us-east-1"    },
		{"allowed_regions", "us-east-1"},
		{"cors_origins", "https://console.example.com"},
                { "plan_type", "pro"          },
                { "country",   "DE"           },
                { "scopes",    "policies:read"},
                { "allowed_cidrs", "127.0.0.0/8"}
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], field) == 0)
			return words[i][1];
	return NULL;
}

/* %d differs each time; the first that the field's own check takes is sent. */
static const char *const forms[] = {
	"Sample %d",
	"sample-%d.example.com",
	"sample-%d.example.com:443",
	"https://sample-%d.example.com/",
	"sample-%d@example.com",
	"2099-01-31T12:00:00Z",
	"package sample_%d",
	"pm_sample%d",
};

static bool passes_inspection(const struct field *f, const char *text)
{
	struct ctx cx = { .arena = arena_create(4096) };
	bool passes = true;

	if (f->inspect != NULL) {
		f->inspect(&cx, f->name, text);
		passes = ctx_faults(&cx) == ERR_NONE;
	}
	arena_destroy(cx.arena);
	return passes;
}

static bool has_form(const struct field *f, const char *text)
{
	return passes_inspection(f, text) && (f->check == NULL || f->check(text) == NULL) &&
	       (f->max == 0 || (int64_t)strlen(text) <= f->max);
}

static json_t *sample_text(const struct field *f)
{
	static int n;
	char text[80];

	n++;
	if (word_of(f->name) != NULL)
		return json_string(word_of(f->name));
	if (f->check == check_tenant_domain) {
		snprintf(text, sizeof(text), "contract-%d.controlcore.io", n);
		return json_string(text);
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), forms[i], n);
#pragma GCC diagnostic pop
		if (has_form(f, text))
			return json_string(text);
	}
	fail_msg("no sample fits the check of the field %s", f->name);
	return NULL;
}

/* other: not what a sample that creates has, if the table knows another. */
static json_t *sample_list(const struct field *f, bool other)
{
	json_t *list = json_array();
	const bool second = other && f->values != NULL && f->values[1] != NULL;
	const char *word = f->values != NULL ? f->values[second ? 1 : 0] : word_of(f->name);

	json_array_append_new(list, json_string(word != NULL ? word : "word"));
	return list;
}

json_t *sample_value(const struct field *f)
{
	switch (f->kind) {
	case K_TEXT:
		return sample_text(f);
	case K_ENUM:
		return json_string(f->def != NULL ? f->def : f->values[0]);
	case K_INT:
		/* Of a series every object has the first. */
		if (strcmp(f->name, "version") == 0)
			return json_integer(1);
		return json_integer(f->max > 100 ? 100 : f->max);
	case K_BOOL:
		return json_true();
	case K_TIME:
		return json_string("2099-01-31T12:00:00Z");
	case K_NUM:
		return json_real(0.5);
	case K_STRS:
		return sample_list(f, false);
	case K_JSON:
		return f->sub != NULL ? json_pack("[o]", sample_object(f->sub, READ_CREATE, true))
				      : json_pack("{s:[i,n,b]}", "sample", 1, 1);
	case K_OBJ:
		return sample_object(f->sub, READ_CREATE, true);
	case K_BYTES:
		break;
	}
	fail_msg("the field %s cannot be sent", f->name);
	return NULL;
}

bool field_is_sent(const struct field *f, enum read_mode mode)
{
	return (f->flags & (mode == READ_CREATE ? F_CREATE : F_UPDATE)) != 0;
}

/* An id of another object: a sample of it would name one that does not exist. */
static bool is_reference(const struct field *f)
{
	const size_t n = strlen(f->name);

	return f->kind == K_INT && n > 3 && strcmp(f->name + n - 3, "_id") == 0;
}

json_t *sample_object(const struct schema *s, enum read_mode mode, bool all)
{
	json_t *o = json_object();

	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const bool wanted = (f->flags & F_REQUIRED) != 0 || (all && !is_reference(f));

		if (field_is_sent(f, mode) && wanted)
			json_object_set_new(o, f->name, mode != READ_CREATE && f->kind == K_STRS
								 ? sample_list(f, true)
								 : sample_value(f));
	}
	return o;
}
