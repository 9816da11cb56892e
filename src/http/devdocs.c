/* SPDX-License-Identifier: Apache-2.0 */
/* The reference for people: one page, from the same tables as the OpenAPI document. */
#include "devdocs.h"

#include <string.h>

static void add_method(struct str *out, enum method m)
{
	const char *name = method_name(m);

	str_addf(out, "<span class=\"method %s\">%s</span>", str_lower(out->arena, name), name);
}

static void add_operation_links(struct str *out, const struct route_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		str_addf(out, "<li><a href=\"#%s\">", g->routes[i].op);
		html_words(out, g->routes[i].summary);
		str_add(out, "</a></li>\n");
	}
}

static bool is_first_of_tag(const struct reference *ref, const struct route_group *const *g)
{
	for (const struct route_group *const *b = ref->groups; b != g; b++)
		if (str_eq((*b)->tag, (*g)->tag))
			return false;
	return true;
}

static void add_contents(struct str *out, const struct reference *ref)
{
	str_add(out, "<nav aria-label=\"Contents\">\n");
	for (const struct route_group *const *g = ref->groups; *g != NULL; g++) {
		if (!is_first_of_tag(ref, g))
			continue;
		str_add(out, "<details><summary>");
		html_text(out, (*g)->tag);
		str_addf(out, "</summary>\n<ul>\n<li><a href=\"#%s\">All of it</a></li>\n",
			 html_id(out->arena, (*g)->tag));
		for (const struct route_group *const *same = g; *same != NULL; same++)
			if (str_eq((*same)->tag, (*g)->tag))
				add_operation_links(out, *same);
		str_add(out, "</ul></details>\n");
	}
	str_add(out, "<ul class=\"ends\">\n<li><a href=\"#shared-parameters\">Shared parameters</a></li>\n"
		     "<li><a href=\"#objects\">Objects</a></li>\n"
		     "<li><a href=\"#errors\">Errors</a></li>\n</ul>\n</nav>\n");
}

static void add_scope(struct str *out, const struct route *r)
{
	str_add(out, "<p class=\"scope\">");
	if (r->scope == NULL)
		str_add(out, "Needs no credential.");
	else if (str_eq(r->scope, SCOPE_ANY))
		str_add(out, "Any credential will do.");
	else if (r->scope_or == NULL)
		str_addf(out, "Scope <code>%s</code>", r->scope);
	else
		str_addf(out, "Scope <code>%s</code> or <code>%s</code>", r->scope, r->scope_or);
	str_add(out, "</p>\n");
}

static const char *object_link(struct arena *a, const struct route *r)
{
	const char *name = component_name(a, r->reply, USE_OUT);

	return arena_printf(a, "<a href=\"#object-%s\">%s</a>", html_id(a, name), name);
}

static void add_success(struct str *out, const struct route *r)
{
	str_addf(out, "<li><b>%d</b> ", r->status);
	if (r->list != NULL && (r->flags & ROUTE_BARE_ARRAY) != 0)
		str_addf(out, "a list of %s", object_link(out->arena, r));
	else if (r->list != NULL)
		str_addf(out, "a page: <code>%s</code>, a list of %s, with <code>total</code>, "
			 "<code>page</code>, <code>page_size</code>, <code>next_cursor</code>",
			 r->list, object_link(out->arena, r));
	else if (r->reply != NULL && r->status != 204)
		str_add(out, object_link(out->arena, r));
	for (size_t i = 0; i < sizeof(r->media) / sizeof(r->media[0]); i++)
		if (r->media[i] != NULL)
			str_addf(out, "%s<code>%s</code>", i > 0 ? " or " : "", r->media[i]);
	str_add(out, "</li>\n");
}

static void add_replies(struct str *out, const struct route *r)
{
	bool any = false;

	str_add(out, "<h4>Replies</h4>\n<ul class=\"replies\">\n");
	add_success(out, r);
	if (route_is_write(r) && r->status != 200)
		str_add(out, "<li><b>200</b> the same with <code>dry_run=true</code>: nothing was "
			     "written</li>\n");
	if (r->method == M_GET && route_has_etag(r))
		str_add(out, "<li><b>304</b> nothing: <code>If-None-Match</code> has its ETag</li>\n");
	str_add(out, "</ul>\n<p class=\"also\">Headers ");
	for (const struct shared_header *h = shared_headers; h->component != NULL; h++) {
		if (h->on == NULL || !h->on(r))
			continue;
		str_addf(out, "%s<a href=\"#header-%s\"><code>%s</code></a>", any ? ", " : "",
			 html_id(out->arena, h->component), h->name);
		any = true;
	}
	str_add(out, ".</p>\n");
}

static void add_refusals(struct str *out, const struct route *r)
{
	const struct route_errors errors = route_errors(r);

	str_add(out, "<details><summary>Errors</summary>\n");
	for (int status = 400; status < 600; status++) {
		bool any = false;

		for (int e = 1; e < ERR_COUNT; e++) {
			const struct err_info *info = err_info((enum err)e);

			if (!errors.has[e] || info->status != status)
				continue;
			if (!any)
				str_addf(out, "<p class=\"codes\"><b>%d</b>", status);
			any = true;
			str_addf(out, " <a href=\"#error-%s\"><code>%s</code></a>", info->code, info->code);
		}
		if (any)
			str_add(out, "</p>\n");
	}
	str_add(out, "</details>\n");
}

static void add_body(struct str *out, const struct route *r)
{
	if (r->body == NULL)
		return;
	str_add(out, "<h4>Body</h4>\n");
	devdocs_fields(out, r->body, body_use(r));
}

static void add_operation(struct str *out, const struct reference *ref, const struct route_group *g,
			  const struct route *r)
{
	const char *path = arena_printf(out->arena, "%s%s", g->prefix, r->path);

	str_addf(out, "<article id=\"%s\">\n<h3><a href=\"#%s\">", r->op, r->op);
	html_words(out, r->summary);
	str_add(out, "</a></h3>\n<p class=\"route\">");
	add_method(out, r->method);
	str_add(out, " <code>");
	html_text(out, path);
	str_add(out, "</code></p>\n");
	if (r->doc != NULL)
		html_paragraphs(out, r->doc);
	add_scope(out, r);
	devdocs_curl(out, ref, r, path);
	devdocs_parameters(out, ref, r, path);
	add_body(out, r);
	add_replies(out, r);
	add_refusals(out, r);
	str_add(out, "</article>\n");
}

static void add_tag(struct str *out, const struct reference *ref, const struct route_group *const *first)
{
	const char *tag = (*first)->tag;
	const struct reference_word *word = reference_find(ref->tags, tag, strlen(tag));

	str_addf(out, "<section id=\"%s\">\n<h2>", html_id(out->arena, tag));
	html_text(out, tag);
	str_add(out, "</h2>\n");
	if (word != NULL)
		html_paragraphs(out, word->doc);
	for (const struct route_group *const *g = first; *g != NULL; g++)
		for (size_t i = 0; i < (*g)->n && str_eq((*g)->tag, tag); i++)
			add_operation(out, ref, *g, &(*g)->routes[i]);
	str_add(out, "</section>\n");
}

static void add_shared(struct str *out)
{
	str_add(out, "<section id=\"shared-parameters\">\n<h2>Shared parameters</h2>\n"
		     "<div class=\"wide\"><table>\n<tbody>\n");
	for (const struct shared_param *p = shared_params; p->component != NULL; p++) {
		str_addf(out, "<tr id=\"param-%s\"><th scope=\"row\"><code>%s%s</code></th>"
			 "<td class=\"type\">%s</td><td>", html_id(out->arena, p->component),
			 strcmp(p->in, "query") == 0 ? "?" : "", p->name, p->in);
		html_words(out, p->doc);
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody></table></div>\n<h2>Headers of answers</h2>\n"
		     "<div class=\"wide\"><table>\n<tbody>\n");
	for (const struct shared_header *h = shared_headers; h->component != NULL; h++) {
		str_addf(out, "<tr id=\"header-%s\"><th scope=\"row\"><code>%s</code></th><td>",
			 html_id(out->arena, h->component), h->name);
		html_words(out, h->doc);
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody></table></div>\n</section>\n");
}

static void add_objects(struct str *out, const struct reference *ref)
{
	struct names done = { .arena = out->arena };

	str_add(out, "<section id=\"objects\">\n<h2>Objects</h2>\n<p>As they stand in answers.</p>\n");
	for (const struct route_group *const *g = ref->groups; *g != NULL; g++) {
		for (size_t i = 0; i < (*g)->n; i++) {
			const struct schema *s = (*g)->routes[i].reply;
			const char *name = s != NULL ? component_name(out->arena, s, USE_OUT) : NULL;

			if (name == NULL || !names_add(&done, name))
				continue;
			str_addf(out, "<article id=\"object-%s\">\n<h3>%s</h3>\n", html_id(out->arena, name),
				 name);
			devdocs_fields(out, s, USE_OUT);
			str_add(out, "</article>\n");
		}
	}
	str_add(out, "</section>\n");
}

static void add_errors(struct str *out)
{
	str_add(out, "<section id=\"errors\">\n<h2>Errors</h2>\n<div class=\"wide\"><table>\n<tbody>\n");
	for (int e = 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info((enum err)e);

		if (err_is_internal(e))
			continue;
		str_addf(out, "<tr id=\"error-%s\"><th scope=\"row\"><code>%s</code></th>"
			 "<td class=\"type\">%d</td><td>", info->code, info->code, info->status);
		html_words(out, info->meaning);
		str_add(out, "</td></tr>\n");
	}
	str_add(out, "</tbody></table></div>\n</section>\n");
}

static void add_top(struct str *out, const struct reference *ref)
{
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		     "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
	html_text(out, ref->title);
	str_add(out, "</title>\n<style>");
	str_add(out, devdocs_style);
	str_add(out, "</style>\n</head>\n<body>\n");
}

static void add_about(struct str *out, const struct reference *ref)
{
	str_add(out, "<header id=\"top\">\n<h1>");
	html_text(out, ref->title);
	str_addf(out, "</h1>\n<p class=\"also\">Version %s; the same for programs: "
		 "<a href=\"/openapi.json\">OpenAPI 3.1</a></p>\n", ref->version);
	html_paragraphs(out, ref->about);
	str_add(out, "<p>The examples can be pasted into a shell in which these are set:</p>\n"
		     "<pre class=\"curl\">export CC=http://127.0.0.1:8082 KEY=cc_live_…</pre>\n</header>\n");
}

void devdocs_write(struct str *out, const struct reference *ref)
{
	add_top(out, ref);
	add_contents(out, ref);
	str_add(out, "<main>\n");
	add_about(out, ref);
	for (const struct route_group *const *g = ref->groups; *g != NULL; g++)
		if (is_first_of_tag(ref, g))
			add_tag(out, ref, g);
	add_shared(out);
	add_objects(out, ref);
	add_errors(out);
	str_add(out, "</main>\n</body>\n</html>\n");
}
