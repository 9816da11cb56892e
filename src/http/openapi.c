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

static void ref(struct jw *w, const char *kind, const char *name, struct arena *a)
{
	jw_object(w);
	member(w, "$ref", arena_printf(a, "#/components/%s/%s", kind, name));
	jw_object_end(w);
}

static bool is_required(const struct field *f)
{
	return (f->flags & F_REQUIRED) != 0;
}

static void write_path_parameters(struct jw *w, const char *path, struct arena *a)
{
	for (const char *p = strchr(path, '{'); p != NULL; p = strchr(p, '{')) {
		const size_t n = strcspn(++p, "}");

		jw_object(w);
		member(w, "name", arena_strndup(a, p, n));
		member(w, "in", "path");
		jw_key(w, "required");
		jw_bool(w, true);
		jw_key(w, "schema");
		jw_raw(w, "{\"type\":\"string\"}");
		jw_object_end(w);
	}
}

static void write_query_parameters(struct jw *w, const struct schema *s)
{
	for (size_t i = 0; s != NULL && i < s->nfields; i++) {
		const struct field *f = &s->fields[i];

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
		schema_write_field_jsonschema(w, f, USE_CREATE);
		jw_object_end(w);
	}
}

static void write_parameters(struct jw *w, const struct route *r, const char *path, struct arena *a)
{
	jw_key(w, "parameters");
	jw_array(w);
	write_path_parameters(w, path, a);
	write_query_parameters(w, r->query);
	if (route_is_write(r))
		ref(w, "parameters", "DryRun", a);
	if (route_is_write(r))
		ref(w, "parameters", "IdempotencyKey", a);
	if (r->auth == AUTH_TENANT || r->auth == AUTH_ANY)
		ref(w, "parameters", "TenantHeader", a);
	if (route_takes_conditions(r)) {
		ref(w, "parameters", "IfMatch", a);
		ref(w, "parameters", "IfNoneMatch", a);
	}
	ref(w, "parameters", "RequestId", a);
	jw_array_end(w);
}

static void write_body_type(struct jw *w, const char *type, const char *component, struct arena *a)
{
	jw_key(w, type);
	jw_object(w);
	jw_key(w, "schema");
	ref(w, "schemas", component, a);
	jw_object_end(w);
}

static void write_body(struct jw *w, const struct route *r, struct arena *a)
{
	const char *component;

	if (r->body == NULL)
		return;
	jw_key(w, "requestBody");
	jw_object(w);
	jw_key(w, "required");
	jw_bool(w, route_needs_body(r));
	jw_key(w, "content");
	jw_object(w);
	component = component_name(a, r->body, body_use(r));
	write_body_type(w, "application/json", component, a);
	if (r->method == M_PATCH)
		write_body_type(w, "application/merge-patch+json", component, a);
	jw_object_end(w);
	jw_object_end(w);
}

static void write_items(struct jw *w, const struct route *r, struct arena *a)
{
	jw_object(w);
	member(w, "type", "array");
	jw_key(w, "items");
	ref(w, "schemas", component_name(a, r->reply, USE_OUT), a);
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
		ref(w, "schemas", component_name(a, r->reply, USE_OUT), a);
	else if ((r->flags & ROUTE_BARE_ARRAY) != 0)
		write_items(w, r, a);
	else
		write_envelope(w, r, a);
	jw_object_end(w);
	jw_object_end(w);
}

/* What is no JSON object is a text, of one content type or the other. */
static void write_media(struct jw *w, const struct route *r)
{
	jw_key(w, "content");
	jw_object(w);
	for (size_t i = 0; i < sizeof(r->media) / sizeof(r->media[0]); i++) {
		if (r->media[i] == NULL)
			continue;
		jw_key(w, r->media[i]);
		jw_raw(w, "{\"schema\":{\"type\":\"string\"}}");
	}
	jw_object_end(w);
}

static void write_success(struct jw *w, const struct route *r, struct arena *a)
{
	jw_key(w, arena_printf(a, "%d", r->status));
	jw_object(w);
	member(w, "description", r->status == 201 ? "Created" : r->status == 202 ? "Accepted" : "Success");
	jw_key(w, "headers");
	jw_object(w);
	jw_key(w, "X-Request-ID");
	ref(w, "headers", "RequestId", a);
	if (route_is_write(r)) {
		jw_key(w, "Idempotent-Replayed");
		ref(w, "headers", "IdempotentReplayed", a);
	}
	if (r->status == 201 || (r->flags & ROUTE_OPERATION) != 0) {
		jw_key(w, "Location");
		ref(w, "headers", "Location", a);
	}
	if (route_has_etag(r)) {
		jw_key(w, "ETag");
		ref(w, "headers", "ETag", a);
	}
	if (r->list != NULL) {
		jw_key(w, "Link");
		ref(w, "headers", "Link", a);
	}
	if ((r->flags & ROUTE_BARE_ARRAY) != 0) {
		jw_key(w, "X-Total-Count");
		ref(w, "headers", "TotalCount", a);
	}
	jw_object_end(w);
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
	jw_key(w, "headers");
	jw_object(w);
	jw_key(w, "X-Request-ID");
	ref(w, "headers", "RequestId", a);
	jw_object_end(w);
	if (r->reply != NULL)
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
	jw_key(w, "headers");
	jw_object(w);
	jw_key(w, "X-Request-ID");
	ref(w, "headers", "RequestId", a);
	jw_key(w, "ETag");
	ref(w, "headers", "ETag", a);
	jw_object_end(w);
	jw_object_end(w);
}

/* One response per status: its description lists the codes and what they mean. */
static void write_error_status(struct jw *w, const struct route_errors *errors, int status, struct arena *a)
{
	struct str text;

	str_init(&text, a, 128);
	for (int e = 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info((enum err)e);

		if (errors->has[e] && info->status == status)
			str_addf(&text, "%s`%s`: %s", text.len > 0 ? "; " : "", info->code, info->meaning);
	}
	if (text.len == 0)
		return;
	jw_key(w, arena_printf(a, "%d", status));
	jw_object(w);
	member(w, "description", text.data);
	if (status == err_info(ERR_PRECONDITION)->status) {
		jw_key(w, "headers");
		jw_object(w);
		jw_key(w, "ETag");
		ref(w, "headers", "ETag", a);
		jw_object_end(w);
	}
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, "application/json");
	jw_object(w);
	jw_key(w, "schema");
	ref(w, "schemas", "Problem", a);
	jw_object_end(w);
	jw_object_end(w);
	jw_object_end(w);
}

static void write_responses(struct jw *w, const struct route *r, struct arena *a)
{
	const struct route_errors errors = route_errors(r);

	jw_key(w, "responses");
	jw_object(w);
	write_trial(w, r, a);
	write_success(w, r, a);
	write_not_modified(w, r, a);
	for (int status = 400; status < 600; status++)
		write_error_status(w, &errors, status, a);
	jw_object_end(w);
}

static void write_security(struct jw *w, const struct route *r)
{
	jw_key(w, "security");
	jw_raw(w, r->auth == AUTH_PUBLIC ? "[]" : "[{\"bearer\":[]},{\"apiKey\":[]}]");
	if (r->scope == NULL)
		return;
	jw_key(w, "x-scope");
	jw_array(w);
	jw_text(w, r->scope);
	if (r->scope_or != NULL)
		jw_text(w, r->scope_or);
	jw_array_end(w);
}

static void write_operation(struct jw *w, const struct path_rows *rows, int i, struct arena *a)
{
	const struct route *r = rows->row[i];

	jw_key(w, str_lower(a, method_name(r->method)));
	jw_object(w);
	member(w, "operationId", r->op);
	member(w, "summary", r->summary);
	if (r->doc != NULL)
		member(w, "description", r->doc);
	jw_key(w, "tags");
	jw_array(w);
	jw_text(w, rows->group[i]->tag);
	jw_array_end(w);
	write_security(w, r);
	write_parameters(w, r, rows->path, a);
	write_body(w, r, a);
	write_responses(w, r, a);
	jw_object_end(w);
}

static void write_head(struct jw *w, const char *version)
{
	member(w, "openapi", "3.1.0");
	jw_key(w, "info");
	jw_object(w);
	member(w, "title", "Control Core Pro: Multi-Tenant API");
	member(w, "version", version);
	member(w, "description",
	       "Tenants with a database schema, domains, regions, keys and a plan of their own.");
	jw_key(w, "license");
	jw_raw(w, "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
	jw_object_end(w);
	jw_key(w, "servers");
	jw_raw(w, "[{\"url\":\"/\",\"description\":\"The host that served this document.\"}]");
}

static void write_tags(struct jw *w, const struct route_group *const *groups)
{
	jw_key(w, "tags");
	jw_array(w);
	for (const struct route_group *const *g = groups; *g != NULL; g++) {
		bool seen = false;

		for (const struct route_group *const *b = groups; b != g; b++)
			seen = seen || str_eq((*b)->tag, (*g)->tag);
		if (seen)
			continue;
		jw_object(w);
		member(w, "name", (*g)->tag);
		jw_object_end(w);
	}
	jw_array_end(w);
}

void openapi_write(struct str *out, const struct route_group *const *groups, const char *version)
{
	struct arena *a = out->arena;
	struct path_rows *paths;
	struct jw w;
	size_t n;

	paths = paths_collect(a, groups, &n);
	jw_init(&w, out);
	jw_object(&w);
	write_head(&w, version);
	write_tags(&w, groups);
	jw_key(&w, "paths");
	jw_object(&w);
	for (size_t i = 0; i < n; i++) {
		jw_key(&w, paths[i].path);
		jw_object(&w);
		for (int k = 0; k < paths[i].n; k++)
			write_operation(&w, &paths[i], k, a);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	openapi_components(&w, a, groups);
	jw_object_end(&w);
}
