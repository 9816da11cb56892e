/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies from the field tables: a new route needs nothing here unless it brings a format of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"

#include "cc/model/names.h"

struct making {
	const char *marker;
	int n;          /* makes names differ */
	unsigned use;   /* F_CREATE or F_UPDATE */
};

static json_t *make_object(const struct making *m, const struct schema *s);

/* Texts that only a certain word or name fits. */
static const char *word_for(const char *field)
{
	static const char *const words[][2] = {
		{ "region", "us-east-1" },
		{ "plan_type", "enterprise" },
		{ "country", "DE" },
		{ "payment_method", "pm_1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], field) == 0)
			return words[i][1];
	return NULL;
}

/* Around "<marker>-<n>": the first that the field's own check takes is sent. */
static const char *const around[][2] = {
	{ "", "" }, { "", ".example.com" }, { "", ".example.com:443" }, { "", "@example.com" },
	{ "https://", ".example.com/" }, { "package p\n# ", "\n" },
};

static json_t *make_text(const struct making *m, const struct field *f)
{
	const bool is_rego = strcmp(f->name, "rego_code") == 0;
	char text[200];

	if (word_for(f->name) != NULL)
		return json_string(word_for(f->name));
	if (f->check == check_tenant_domain) {
		snprintf(text, sizeof(text), "made-%d.controlcore.io", m->n);
		return json_string(text);
	}
	/* The same one again would be the same bouncer. */
	if (strcmp(f->name, "bouncer_id") == 0) {
		snprintf(text, sizeof(text), "made-%d", m->n);
		return json_string(text);
	}
	for (size_t i = is_rego ? 5 : 0; i < sizeof(around) / sizeof(around[0]); i++) {
		snprintf(text, sizeof(text), "%s%s-%d%s", around[i][0], m->marker, m->n, around[i][1]);
		if (f->check == NULL || f->check(text) == NULL)
			return json_string(text);
	}
	fail_msg("no text is known that fits the field %s", f->name);
	return NULL;
}

static json_t *make_list(const struct field *f)
{
	json_t *list = json_array();

	if (f->min < 1)
		return list;
	if (strcmp(f->name, "scopes") == 0)
		json_array_append_new(list, json_string("policies:read"));
	else
		json_array_append_new(list, json_string(f->values != NULL ? f->values[0] : "word"));
	return list;
}

static json_t *make_value(const struct making *m, const struct field *f)
{
	switch (f->kind) {
	case K_TEXT:
		return make_text(m, f);
	case K_ENUM:
		return json_string(word_for(f->name) != NULL ? word_for(f->name) : f->values[0]);
	case K_INT:
		return json_integer(f->min);
	case K_BOOL:
		return json_true();
	case K_NUM:
		return json_real(0.5);
	case K_TIME:
		return json_string("2099-01-01T00:00:00Z");
	case K_STRS:
		return make_list(f);
	case K_JSON:
		return f->sub != NULL ? json_array() : json_object();
	case K_OBJ:
		return make_object(m, f->sub);
	case K_BYTES:
		break;
	}
	fail_msg("the field %s cannot be sent", f->name);
	return NULL;
}

/* What must be sent, and free texts: they carry the marker. */
static bool is_wanted(const struct making *m, const struct field *f)
{
	if ((f->flags & (F_CREATE | F_UPDATE)) == 0)
		return false;
	if ((f->flags & F_REQUIRED) != 0)
		return true;
	return (f->flags & m->use) != 0 && f->kind == K_TEXT &&
	       (strcmp(f->name, "description") == 0 || strcmp(f->name, "bouncer_name") == 0 ||
		strcmp(f->name, "reason") == 0);
}

static json_t *make_object(const struct making *m, const struct schema *s)
{
	json_t *body = json_object();

	for (size_t i = 0; i < s->nfields; i++)
		if (is_wanted(m, &s->fields[i]))
			json_object_set_new(body, s->fields[i].name, make_value(m, &s->fields[i]));
	return body;
}

/* A change of one free text, or else of the name. */
static json_t *make_patch(const struct making *m, const struct schema *s)
{
	json_t *body = json_object();

	for (size_t i = 0; i < s->nfields && json_object_size(body) == 0; i++) {
		const struct field *f = &s->fields[i];

		if ((f->flags & F_UPDATE) != 0 && f->kind == K_TEXT && word_for(f->name) == NULL &&
		    strcmp(f->name, "domain") != 0)
			json_object_set_new(body, f->name, make_value(m, f));
	}
	return body;
}

char *stage_body(struct stage *s, const struct route *r, const char *marker)
{
	const struct making m = {
		.marker = marker, .n = ++s->made, .use = r->method == M_POST ? F_CREATE : F_UPDATE
	};
	json_t *body;
	char *text;

	if (r->body == NULL)
		return NULL;
	/* Nobody shall move: where there is no region, that is found out last. */
	if (strcmp(r->op, "deployTenant") == 0)
		return strdup("{\"region\":\"nowhere\"}");
	if (strcmp(r->op, "reportStatus") == 0) {
		body = json_pack("{s:{s:s}}", "labels", "bouncer_id", STAGE_BOUNCER);
		text = json_dumps(body, JSON_COMPACT);
		json_decref(body);
		return text;
	}
	body = r->method == M_PATCH ? make_patch(&m, r->body) : make_object(&m, r->body);
	if (json_object_size(body) == 0 && r->method == M_PUT) {
		json_decref(body);
		body = make_patch(&m, r->body);
	}
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}
