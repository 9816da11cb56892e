/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi.h"
#include "router.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/bytes.h"

static void member(struct jw *w, const char *key, const char *text)
{
	jw_key(w, key);
	jw_text(w, text);
}

void openapi_ref(struct jw *w, struct arena *a, const char *kind, const char *name)
{
	jw_object(w);
	member(w, "$ref", arena_printf(a, "#/components/%s/%s", kind, name));
	jw_object_end(w);
}

static bool is_required(const struct field *f)
{
	return (f->flags & F_REQUIRED) != 0;
}

static void write_path_parameters(struct jw *w, const struct reference *ref, const char *path,
				  struct arena *a)
{
	for (const char *p = strchr(path, '{'); p != NULL; p = strchr(p, '{')) {
		const size_t n = strcspn(++p, "}");
		const struct reference_word *word = reference_find(ref->params, p, n);

		jw_object(w);
		member(w, "name", arena_strndup(a, p, n));
		member(w, "in", "path");
		jw_key(w, "required");
		jw_bool(w, true);
		if (word != NULL)
			member(w, "description", word->doc);
		jw_key(w, "schema");
		jw_raw(w, "{\"type\":\"string\"}");
		if (word != NULL)
			member(w, "example", word->example);
		jw_object_end(w);
	}
}

static void write_query_parameters(struct jw *w, const struct schema *s)
{
	for (size_t i = 0; s != NULL && i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		/* Null stands for "not sent", and cannot be. */
		struct field sent = *f;

		sent.flags &= ~(unsigned)F_NULLABLE;
		jw_object(w);
		member(w, "name", f->name);
		member(w, "in", "query");
		jw_key(w, "required");
		jw_bool(w, is_required(f));
		if (f->doc != NULL)
			member(w, "description", f->doc);
		if (f->kind == K_STRS) {
			member(w, "style", "form");
			jw_key(w, "explode");
			jw_bool(w, false);
		}
		jw_key(w, "schema");
		schema_write_field_jsonschema(w, &sent, USE_CREATE);
		jw_object_end(w);
	}
}

static void write_parameters(struct jw *w, const struct reference *ref, const struct route *r,
			     const char *path, struct arena *a)
{
	jw_key(w, "parameters");
	jw_array(w);
	write_path_parameters(w, ref, path, a);
	write_query_parameters(w, r->query);
	for (const struct shared_param *p = shared_params; p->component != NULL; p++)
		if (p->on(r))
			openapi_ref(w, a, "parameters", p->component);
	jw_array_end(w);
}

static void write_body_type(struct jw *w, const char *type, const struct route *r, struct arena *a)
{
	jw_key(w, type);
	jw_object(w);
	jw_key(w, "schema");
	openapi_ref(w, a, "schemas", component_name(a, r->body, body_use(r)));
	jw_key(w, "example");
	schema_write_example(w, r->body, body_use(r));
	jw_object_end(w);
}

/* What another service defines, and signs as it is. */
static void write_raw_type(struct jw *w)
{
	jw_key(w, "application/json");
	jw_object(w);
	jw_key(w, "schema");
	jw_object(w);
	member(w, "type", "object");
	jw_object_end(w);
	jw_object_end(w);
}

static void write_body(struct jw *w, const struct route *r, struct arena *a)
{
	const bool raw = (r->flags & ROUTE_RAW_BODY) != 0;

	if (r->body == NULL && !raw)
		return;
	jw_key(w, "requestBody");
	jw_object(w);
	jw_key(w, "required");
	jw_bool(w, raw || route_needs_body(r));
	jw_key(w, "content");
	jw_object(w);
	if (raw)
		write_raw_type(w);
	else
		write_body_type(w, "application/json", r, a);
	if (r->method == M_PATCH)
		write_body_type(w, "application/merge-patch+json", r, a);
	jw_object_end(w);
	jw_object_end(w);
}

static void write_items(struct jw *w, const struct route *r, struct arena *a)
{
	jw_object(w);
	member(w, "type", "array");
	jw_key(w, "items");
	openapi_ref(w, a, "schemas", component_name(a, r->reply, USE_OUT));
	jw_object_end(w);
}

static void write_envelope(struct jw *w, const struct route *r, struct arena *a)
{
	static const char *const numbers[] = { "total", "page", "page_size" };

	jw_object(w);
	member(w, "type", "object");
	jw_key(w, "required");
	jw_array(w);
	jw_text(w, r->list);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		jw_text(w, numbers[i]);
	jw_text(w, "next_cursor");
	jw_array_end(w);
	jw_key(w, "properties");
	jw_object(w);
	jw_key(w, r->list);
	write_items(w, r, a);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		jw_key(w, numbers[i]);
		jw_raw(w, "{\"type\":\"integer\",\"minimum\":0}");
	}
	jw_key(w, "next_cursor");
	jw_raw(w, "{\"type\":[\"string\",\"null\"],"
		  "\"description\":\"The parameter cursor of the next page.\"}");
	jw_object_end(w);
	jw_object_end(w);
}

static void write_content(struct jw *w, const struct route *r, struct arena *a)
{
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, "application/json");
	jw_object(w);
	jw_key(w, "schema");
	if (r->list == NULL)
		openapi_ref(w, a, "schemas", component_name(a, r->reply, USE_OUT));
	else if ((r->flags & ROUTE_BARE_ARRAY) != 0)
		write_items(w, r, a);
	else
		write_envelope(w, r, a);
	jw_object_end(w);
	jw_object_end(w);
}

/* What no table describes: a text, of one content type or the other. */
static void write_media(struct jw *w, const struct route *r)
{
	jw_key(w, "content");
	jw_object(w);
	for (size_t i = 0; i < sizeof(r->media) / sizeof(r->media[0]); i++) {
		if (r->media[i] == NULL)
			continue;
		jw_key(w, r->media[i]);
		jw_raw(w, str_eq(r->media[i], "application/json") ? "{\"schema\":{\"type\":\"object\"}}"
								  : "{\"schema\":{\"type\":\"string\"}}");
	}
	jw_object_end(w);
}

static void write_success(struct jw *w, const struct route *r, struct arena *a)
{
	jw_key(w, arena_printf(a, "%d", r->status));
	jw_object(w);
	member(w, "description", r->status == 201 ? "Created" : r->status == 202 ? "Accepted" : "Success");
	openapi_headers(w, a, r, r->status);
	if (r->reply != NULL && r->status != 204)
		write_content(w, r, a);
	else if (r->media[0] != NULL)
		write_media(w, r);
	jw_object_end(w);
}

/* What a dry run answers where the write itself answers something else. */
static void write_trial(struct jw *w, const struct route *r, struct arena *a)
{
	if (!route_is_write(r) || r->status == 200 || r->status == 204)
		return;
	jw_key(w, "200");
	jw_object(w);
	member(w, "description", "With dry_run=true: what the answer would be. Nothing was written.");
	openapi_headers(w, a, r, 200);
	if (r->reply != NULL)
		write_content(w, r, a);
	jw_object_end(w);
}

static void write_going_on(struct jw *w, const struct route *r, struct arena *a)
{
	if ((r->flags & ROUTE_OR_202) == 0)
		return;
	jw_key(w, "202");
	jw_object(w);
	member(w, "description", "Accepted: it goes on, as the operation that the header Location names.");
	openapi_headers(w, a, r, 202);
	write_content(w, r, a);
	jw_object_end(w);
}

static void write_not_modified(struct jw *w, const struct route *r, struct arena *a)
{
	if (r->method != M_GET || !route_has_etag(r))
		return;
	jw_key(w, "304");
	jw_object(w);
	member(w, "description", "Not modified: the ETag is in If-None-Match. Without a body.");
	openapi_headers(w, a, r, 304);
	jw_object_end(w);
}

static void write_responses(struct jw *w, const struct route *r, struct arena *a)
{
	jw_key(w, "responses");
	jw_object(w);
	write_trial(w, r, a);
	write_success(w, r, a);
	write_going_on(w, r, a);
	write_not_modified(w, r, a);
	openapi_refusals(w, a, r);
	jw_object_end(w);
}

/* Scopes stand in x-scope: only OAuth schemes may list them here. */
static void write_security(struct jw *w, const struct route *r)
{
	jw_key(w, "security");
	jw_raw(w, r->auth == AUTH_PUBLIC ? "[]" : "[{\"bearer\":[]},{\"apiKey\":[]}]");
	jw_key(w, "x-scope");
	jw_array(w);
	if (r->scope != NULL)
		jw_text(w, r->scope);
	if (r->scope_or != NULL)
		jw_text(w, r->scope_or);
	jw_array_end(w);
	jw_key(w, "x-idempotency");
	jw_bool(w, route_is_write(r));
	member(w, "x-rate-class", route_rate(r)->name);
	jw_key(w, "x-rate-cost");
	jw_int(w, route_rate(r)->cost);
}

static const char *description_of(struct arena *a, const struct route *r)
{
	const char *doc = r->doc != NULL ? r->doc : r->summary;

	if (r->scope == NULL)
		return arena_printf(a, "%s\n\nNeeds no credential.", doc);
	if (r->scope_or != NULL)
		return arena_printf(a, "%s\n\nScope: `%s` or `%s`.", doc, r->scope, r->scope_or);
	if (str_eq(r->scope, SCOPE_ANY))
		return arena_printf(a, "%s\n\nAny credential will do.", doc);
	return arena_printf(a, "%s\n\nScope: `%s`.", doc, r->scope);
}

static void write_operation(struct jw *w, const struct reference *ref, const struct path_rows *rows, int i,
			    struct arena *a)
{
	const struct route *r = rows->row[i];

	jw_key(w, str_lower(a, method_name(r->method)));
	jw_object(w);
	member(w, "operationId", r->op);
	member(w, "summary", r->summary);
	member(w, "description", description_of(a, r));
	jw_key(w, "tags");
	jw_array(w);
	jw_text(w, rows->group[i]->tag);
	jw_array_end(w);
	write_security(w, r);
	write_parameters(w, ref, r, rows->path, a);
	write_body(w, r, a);
	write_responses(w, r, a);
	jw_object_end(w);
}

static void write_head(struct jw *w, const struct reference *ref)
{
	member(w, "openapi", "3.1.0");
	jw_key(w, "info");
	jw_object(w);
	member(w, "title", ref->title);
	member(w, "version", ref->version);
	member(w, "description", ref->about);
	jw_key(w, "contact");
	jw_raw(w, "{\"name\":\"Who runs this server\"}");
	jw_key(w, "license");
	jw_raw(w, "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
	jw_object_end(w);
	jw_key(w, "servers");
	jw_raw(w, "[{\"url\":\"/\",\"description\":\"The host that served this document.\"}]");
}

static void write_tags(struct jw *w, const struct reference *ref, struct arena *a)
{
	struct names done = { .arena = a };

	jw_key(w, "tags");
	jw_array(w);
	for (const struct route_group *const *g = ref->groups; *g != NULL; g++) {
		const struct reference_word *word = reference_find(ref->tags, (*g)->tag, strlen((*g)->tag));

		if (!names_add(&done, (*g)->tag))
			continue;
		jw_object(w);
		member(w, "name", (*g)->tag);
		if (word != NULL)
			member(w, "description", word->doc);
		jw_object_end(w);
	}
	jw_array_end(w);
}

const struct reference_word *reference_find(const struct reference_word *words, const char *name, size_t n)
{
	for (; words->name != NULL; words++)
		if (strlen(words->name) == n && memcmp(words->name, name, n) == 0)
			return words;
	return NULL;
}

void openapi_write(struct str *out, const struct reference *ref)
{
	struct arena *a = out->arena;
	struct path_rows *paths;
	struct jw w;
	size_t n;

	paths = paths_collect(a, ref->groups, &n);
	jw_init(&w, out);
	jw_object(&w);
	write_head(&w, ref);
	write_tags(&w, ref, a);
	jw_key(&w, "paths");
	jw_object(&w);
	for (size_t i = 0; i < n; i++) {
		jw_key(&w, paths[i].path);
		jw_object(&w);
		for (int k = 0; k < paths[i].n; k++)
			write_operation(&w, ref, &paths[i], k, a);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	openapi_components(&w, a, ref->groups);
	jw_object_end(&w);
}
