/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi.h"

#include <string.h>

#include "etag.h"

bool route_has_etag(const struct route *r)
{
	struct entry e = { .route = r };

	etag_derive(&e, NULL);
	return e.etag != ETAG_NONE;
}

bool route_takes_conditions(const struct route *r)
{
	return route_checks_version(r) || (r->method == M_GET && route_has_etag(r));
}

/* A {…} of its path is an object, other than the tenant. */
static bool names_object(const char *path)
{
	for (const char *p = strchr(path, '{'); p != NULL; p = strchr(p + 1, '{'))
		if (!str_starts(p, "{tenant_id}"))
			return true;
	return false;
}

struct route_errors route_errors(const struct route *r)
{
	static const enum err every[] = { ERR_INVALID_REQUEST, ERR_METHOD, ERR_NOT_ACCEPTABLE, ERR_TOO_LARGE,
					  ERR_URI_TOO_LONG, ERR_HEADERS_TOO_LARGE, ERR_INTERNAL,
					  ERR_OVERLOADED };
	static const enum err keyed[] = { ERR_UNAUTHORIZED, ERR_INVALID_TOKEN, ERR_KEY_EXPIRED,
					  ERR_KEY_REVOKED, ERR_SCOPE, ERR_ADDRESS, ERR_MISDIRECTED,
					  ERR_OPERATOR_HOST, ERR_UNAVAILABLE };
	static const enum err tenant[] = { ERR_TENANT_INVALID, ERR_TENANT_CONFLICT, ERR_TENANT_DENIED,
					   ERR_TENANT_NOT_FOUND };
	const bool bound = r->auth == AUTH_TENANT || r->auth == AUTH_ANY;
	struct route_errors ret = { 0 };

	for (size_t i = 0; i < sizeof(every) / sizeof(every[0]); i++)
		ret.has[every[i]] = true;
	for (size_t i = 0; r->auth != AUTH_PUBLIC && i < sizeof(keyed) / sizeof(keyed[0]); i++)
		ret.has[keyed[i]] = true;
	for (size_t i = 0; bound && i < sizeof(tenant) / sizeof(tenant[0]); i++)
		ret.has[tenant[i]] = true;
	ret.has[ERR_NOT_FOUND] = names_object(r->path);
	ret.has[ERR_TENANT_REQUIRED] = r->auth == AUTH_TENANT;
	ret.has[ERR_OPERATION_RUNNING] = (r->flags & ROUTE_OPERATION) != 0;
	ret.has[ERR_VALIDATION] = true;         /* of an unknown query parameter at least */
	ret.has[ERR_MEDIA_TYPE] = r->body != NULL;
	ret.has[ERR_PRECONDITION] = route_takes_conditions(r);
	ret.has[ERR_PRECONDITION_REQUIRED] = route_needs_version(r);
	ret.has[ERR_IDEM_RUNNING] = ret.has[ERR_IDEM_REUSED] = route_is_write(r);
	ret.has[ERR_RATE_LIMITED] = (r->flags & ROUTE_NO_LIMIT) == 0;
	ret.has[ERR_TENANT_SUSPENDED] = bound && (r->flags & ROUTE_SUSPENDED_OK) == 0;
	ret.has[ERR_TENANT_GONE] = bound && (r->flags & ROUTE_DELETED_OK) == 0;
	ret.has[ERR_TENANT_MOVING] = r->store == STORE_TENANT;
	ret.has[ERR_TENANT_MIGRATING] = r->store == STORE_TENANT;
	ret.has[ERR_TENANT_PROVISIONING] = r->store == STORE_TENANT;
	for (size_t i = 0; i < sizeof(r->errors) / sizeof(r->errors[0]); i++)
		ret.has[r->errors[i]] = true;
	ret.has[ERR_PAYMENT_OVERDUE] = ret.has[ERR_PAYMENT_OVERDUE] || ret.has[ERR_QUOTA];
	ret.has[ERR_NONE] = false;
	return ret;
}

enum schema_use body_use(const struct route *r)
{
	if (r->method == M_PUT && (r->flags & ROUTE_PUT_KEEPS) == 0)
		return USE_REPLACE;
	return r->method == M_PUT || r->method == M_PATCH ? USE_UPDATE : USE_CREATE;
}

const char *component_name(struct arena *a, const struct schema *s, enum schema_use use)
{
	static const char *const suffixes[] = {
		[USE_CREATE] = "Create", [USE_UPDATE] = "Update", [USE_REPLACE] = "Replace", [USE_OUT] = ""
	};

	/* A schema made for input alone needs no second word for it. */
	return str_ends(s->name, suffixes[use]) ? s->name : arena_printf(a, "%s%s", s->name, suffixes[use]);
}

struct path_rows *paths_collect(struct arena *a, const struct route_group *const *groups, size_t *ret_n)
{
	struct path_rows *paths;
	size_t n = 0, max = 0;

	for (const struct route_group *const *g = groups; *g != NULL; g++)
		max += (*g)->n;
	paths = ARENA_ARRAY(a, struct path_rows, max + 1);
	for (const struct route_group *const *g = groups; *g != NULL; g++) {
		for (size_t i = 0; i < (*g)->n; i++) {
			const char *path = arena_printf(a, "%s%s", (*g)->prefix, (*g)->routes[i].path);
			size_t k = 0;

			while (k < n && strcmp(paths[k].path, path) != 0)
				k++;
			n += k == n;
			paths[k].path = path;
			if (paths[k].n == 8)
				continue;       /* there are but five methods */
			paths[k].row[paths[k].n] = &(*g)->routes[i];
			paths[k].group[paths[k].n++] = *g;
		}
	}
	*ret_n = n;
	return paths;
}

bool names_add(struct names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return false;
	if (l->n == l->cap) {
		const char **more = ARENA_ARRAY(l->arena, const char *, 2 * l->cap + 16);

		if (l->n > 0)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
		l->cap = 2 * l->cap + 16;
	}
	l->v[l->n++] = name;
	return true;
}

static void write_component(struct jw *w, struct arena *a, struct names *done, const struct schema *s,
			    enum schema_use use)
{
	const char *name;

	if (s == NULL)
		return;
	name = component_name(a, s, use);
	if (!names_add(done, name))
		return;
	jw_key(w, name);
	schema_write_jsonschema(w, s, use);
}

static void write_schemas(struct jw *w, struct arena *a, const struct route_group *const *groups)
{
	struct names done = { .arena = a };

	for (const struct route_group *const *g = groups; *g != NULL; g++) {
		for (size_t i = 0; i < (*g)->n; i++) {
			const struct route *r = &(*g)->routes[i];

			write_component(w, a, &done, r->body, body_use(r));
			write_component(w, a, &done, r->reply, USE_OUT);
		}
	}
}

static void write_problem_schema(struct jw *w)
{
	jw_key(w, "Problem");
	jw_raw(w,
	       "{\"type\":\"object\",\"required\":[\"error\",\"message\"],\"properties\":{"
	       "\"error\":{\"type\":\"string\",\"description\":\"A word for programs.\"},"
	       "\"message\":{\"type\":\"string\",\"description\":\"A sentence for people.\"},"
	       "\"tenant_id\":{\"type\":\"string\",\"description\":\"The tenant as the caller wrote it.\"},"
	       "\"title\":{\"type\":\"string\","
	       "\"description\":\"With title, status and detail it is as RFC 9457 has it: for clients whose "
	       "Accept names application/problem+json, which then is its type.\"},"
	       "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
	       "\"retry_after\":{\"type\":\"integer\",\"description\":\"Seconds.\"},"
	       "\"limit\":{\"type\":\"integer\"},\"remaining\":{\"type\":\"integer\"},"
	       "\"etag\":{\"type\":\"string\",\"description\":\"The object's present ETag.\"},"
	       "\"operation_id\":{\"type\":\"string\",\"description\":\"What is in the way.\"},"
	       "\"resource\":{\"type\":\"string\"},\"used\":{\"type\":\"integer\"},"
	       "\"hard_limit\":{\"type\":\"integer\","
	       "\"description\":\"Where it is refused, if beyond the limit.\"},"
	       "\"details\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	       "\"required\":[\"field\",\"error\",\"message\"],\"properties\":{"
	       "\"field\":{\"type\":\"string\"},\"error\":{\"type\":\"string\"},"
	       "\"message\":{\"type\":\"string\"},"
	       "\"line\":{\"type\":\"integer\","
	       "\"description\":\"In a field that is source text, or in the body.\"},"
	       "\"column\":{\"type\":\"integer\"}}}},"
	       "\"request_id\":{\"type\":\"string\"},"
	       "\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\"}}}");
}

void openapi_components(struct jw *w, struct arena *a, const struct route_group *const *groups)
{
	jw_key(w, "components");
	jw_object(w);
	jw_key(w, "schemas");
	jw_object(w);
	write_problem_schema(w);
	write_schemas(w, a, groups);
	jw_object_end(w);
	openapi_refusal_components(w, a, groups);
	openapi_shared_components(w, groups);
	jw_key(w, "securitySchemes");
	jw_raw(w,
	       "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"API key or JWT.\"},"
	       "\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\","
	       "\"description\":\"API key.\"}}");
	jw_object_end(w);
}
