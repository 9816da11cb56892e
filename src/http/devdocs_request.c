/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent: the parameters of an operation, and an example that a shell takes. */
#include "devdocs.h"

#include <string.h>

static bool has_own_parameters(const struct route *r, const char *path)
{
	return strchr(path, '{') != NULL || r->query != NULL;
}

static void add_path_parameters(struct str *out, const struct reference *ref, const char *path)
{
	for (const char *p = strchr(path, '{'); p != NULL; p = strchr(p, '{')) {
		const size_t n = strcspn(++p, "}");
		const struct reference_word *word = reference_find(ref->params, p, n);

		devdocs_row(out, arena_strndup(out->arena, p, n), "in the path",
			    word != NULL ? word->doc : NULL);
	}
}

static void add_query_parameters(struct str *out, const struct schema *s)
{
	struct arena *a = out->arena;

	for (size_t i = 0; s != NULL && i < s->nfields; i++) {
		const char *must = (s->fields[i].flags & F_REQUIRED) != 0 ? "**required** " : "";
		const char *how = s->fields[i].kind == K_STRS ? "comma-separated " : "";
		/* Null stands for "not sent", and cannot be. */
		struct field sent = s->fields[i];

		sent.flags &= ~(unsigned)F_NULLABLE;
		devdocs_row(out, arena_printf(a, "?%s", sent.name),
			    arena_printf(a, "%s%s%s", must, how, devdocs_type(a, &sent)), sent.doc);
	}
}

static void add_shared_parameters(struct str *out, const struct route *r)
{
	bool any = false;

	str_add(out, "<p class=\"also\">Also takes ");
	for (const struct shared_param *p = shared_params; p->component != NULL; p++) {
		if (!p->on(r))
			continue;
		str_addf(out, "%s<a href=\"#param-%s\"><code>%s%s</code></a>", any ? ", " : "",
			 html_id(out->arena, p->component), strcmp(p->in, "query") == 0 ? "?" : "", p->name);
		any = true;
	}
	str_add(out, ".</p>\n");
}

void devdocs_parameters(struct str *out, const struct reference *ref, const struct route *r,
			const char *path)
{
	if (has_own_parameters(r, path)) {
		str_add(out, "<h4>Parameters</h4>\n<div class=\"wide\"><table>\n<tbody>\n");
		add_path_parameters(out, ref, path);
		add_query_parameters(out, r->query);
		str_add(out, "</tbody></table></div>\n");
	}
	add_shared_parameters(out, r);
}

/* The path with an example for each {…}. */
static const char *example_path(struct arena *a, const struct reference *ref, const char *path)
{
	struct str s;

	str_init(&s, a, 128);
	while (*path != '\0') {
		const size_t n = strcspn(path, "{");
		const struct reference_word *word;
		size_t len;

		str_add_n(&s, path, n);
		path += n;
		if (*path == '\0')
			break;
		len = strcspn(path + 1, "}");
		word = reference_find(ref->params, path + 1, len);
		str_add(&s, word != NULL ? word->example : "1");
		path += len + 2;
	}
	return s.data;
}

/* The query parameters that must be there, as their examples. */
static const char *example_query(struct arena *a, const struct schema *s)
{
	struct str q;

	str_init(&q, a, 64);
	for (size_t i = 0; s != NULL && i < s->nfields; i++)
		if ((s->fields[i].flags & F_REQUIRED) != 0)
			str_addf(&q, "%s%s=%s", q.len > 0 ? "&" : "?", s->fields[i].name,
				 s->fields[i].example != NULL ? s->fields[i].example : "");
	return q.data;
}

/* Inside of single quotes of a shell. */
static void add_quoted(struct str *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			str_add(out, "'\\''");
		else
			str_add_char(out, *text);
	}
}

static void add_body(struct str *out, const struct route *r)
{
	struct arena *a = out->arena;
	struct str flat, laid;
	struct jw w;

	str_init(&flat, a, 256);
	jw_init(&w, &flat);
	schema_write_example(&w, r->body, body_use(r));
	str_init(&laid, a, 512);
	jw_indent(&laid, flat.data);
	str_addf(out, " \\\n  -H 'Content-Type: application/%s' \\\n  -d '",
		 r->method == M_PATCH ? "merge-patch+json" : "json");
	add_quoted(out, laid.data);
	str_add(out, "'");
}

void devdocs_curl(struct str *out, const struct reference *ref, const struct route *r, const char *path)
{
	struct str text;

	str_init(&text, out->arena, 512);
	str_add(&text, "curl -sS");
	if (r->method != M_GET && !(r->method == M_POST && r->body != NULL))
		str_addf(&text, " -X %s", method_name(r->method));
	str_addf(&text, " \"$CC%s%s\"", example_path(out->arena, ref, path),
		 example_query(out->arena, r->query));
	if (r->auth != AUTH_PUBLIC)
		str_add(&text, " \\\n  -H \"Authorization: Bearer $KEY\"");
	if (r->body != NULL)
		add_body(&text, r);
	str_add(out, "<pre class=\"curl\">");
	html_text(out, text.data);
	str_add(out, "</pre>\n");
}
