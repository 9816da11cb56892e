/* SPDX-License-Identifier: Apache-2.0 */
/* What many operations share: parameters and headers, each with the routes that have it. */
#include "openapi.h"

static bool always(const struct route *r)
{
	(void)r;
	return true;
}

static bool may_name_tenant(const struct route *r)
{
	return r->auth == AUTH_TENANT || r->auth == AUTH_ANY;
}

static bool is_limited(const struct route *r)
{
	return r->auth != AUTH_PUBLIC && (r->flags & ROUTE_NO_LIMIT) == 0;
}

static bool is_keyed(const struct route *r)
{
	return r->auth != AUTH_PUBLIC;
}

static bool names_a_place(const struct route *r)
{
	return r->status == 201 || (r->flags & ROUTE_OPERATION) != 0;
}

static bool is_list(const struct route *r)
{
	return r->list != NULL;
}

static bool is_bare(const struct route *r)
{
	return (r->flags & ROUTE_BARE_ARRAY) != 0;
}

static bool is_secret(const struct route *r)
{
	return (r->flags & ROUTE_NO_STORE) != 0;
}

static bool takes_places(const struct route *r)
{
	const size_t most = sizeof(r->errors) / sizeof(r->errors[0]);

	for (size_t i = 0; i < most; i++)
		if (r->errors[i] == ERR_QUOTA)
			return true;
	return false;
}

#define TEXT_SCHEMA "{\"type\":\"string\"}"
#define COUNT_SCHEMA "{\"type\":\"integer\",\"minimum\":0}"

const struct shared_param shared_params[] = {
	{ "DryRun", "dry_run", "query", route_is_write, "{\"type\":\"boolean\",\"default\":false}",
	  "All checks are made and nothing is written; the answer is what it would be, without what is "
	  "secret. New ids in it are not reserved." },
	{ "IdempotencyKey", "Idempotency-Key", "header", route_is_write,
	  "{\"type\":\"string\",\"pattern\":\"^[!-~]{1,255}$\"}",
	  "Names this request: sent again within 24 hours with the same key, the same request has its effect "
	  "once and gets the first success again, without what is secret." },
	{ "TenantHeader", "X-Tenant-ID", "header", may_name_tenant, TEXT_SCHEMA,
	  "Id or slug of the tenant. A tenant's own key needs none; all sources must agree." },
	{ "IfMatch", "If-Match", "header", route_takes_conditions, TEXT_SCHEMA,
	  "ETags, or *: done only if the object has one of them. A weak one matches nothing." },
	{ "IfNoneMatch", "If-None-Match", "header", route_takes_conditions, TEXT_SCHEMA,
	  "ETags, or *: what has one of them is not sent again (304), or not changed (412)." },
	{ "RequestId", "X-Request-ID", "header", always,
	  "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._-]{1,64}$\"}",
	  "Echoed; one is made when it is absent." },
	{ "Traceparent", "traceparent", "header", always,
	  "{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\"}",
	  "The trace that the request is part of (W3C Trace Context); one is made when it is absent or "
	  "none." },
	{ "Tracestate", "tracestate", "header", always, TEXT_SCHEMA,
	  "Passed on with it to servers that are asked for the answer." },
	{ .component = NULL },
};

const struct shared_header shared_headers[] = {
	{ "RequestId", "X-Request-ID", always, HEAD_TRIAL | HEAD_UNCHANGED, { HEAD_ANY_ERROR }, TEXT_SCHEMA,
	  "Id of this request, also in the log." },
	{ "Traceresponse", "traceresponse", always, HEAD_TRIAL | HEAD_UNCHANGED, { HEAD_ANY_ERROR },
	  TEXT_SCHEMA, "The trace and the span of this answer, also in the log: 00-<trace>-<span>-<flags>." },
	{ "IdempotentReplayed", "Idempotent-Replayed", route_is_write, 0, { 0 },
	  "{\"type\":\"string\",\"enum\":[\"true\"]}",
	  "true: the answer to an earlier request with this Idempotency-Key." },
	{ "Location", "Location", names_a_place, 0, { 0 }, TEXT_SCHEMA,
	  "Path of the new object, or of the operation begun." },
	{ "ETag", "ETag", route_has_etag, HEAD_UNCHANGED, { 412 }, TEXT_SCHEMA,
	  "Names this state of the object or list; strong. Of a refusal: the present one." },
	{ "Link", "Link", is_list, 0, { 0 }, TEXT_SCHEMA, "rel=next: the next page, if there is one." },
	{ "TotalCount", "X-Total-Count", is_bare, 0, { 0 }, COUNT_SCHEMA, "How many items match." },
	{ "CacheControl", "Cache-Control", is_secret, 0, { 0 }, TEXT_SCHEMA,
	  "no-store: a secret is in the answer." },
	{ "RateLimitLimit", "X-RateLimit-Limit", is_limited, HEAD_TRIAL, { 429 }, COUNT_SCHEMA,
	  "Requests that the credential or its tenant has per window." },
	{ "RateLimitRemaining", "X-RateLimit-Remaining", is_limited, HEAD_TRIAL, { 429 }, COUNT_SCHEMA,
	  "How many of them are left." },
	{ "RateLimitReset", "X-RateLimit-Reset", is_limited, HEAD_TRIAL, { 429 }, COUNT_SCHEMA,
	  "When all of them are there again, in seconds since 1970." },
	{ "RateLimit", "RateLimit", is_limited, HEAD_TRIAL, { 429 }, TEXT_SCHEMA,
	  "The same as a structured field: r, what is left; t, seconds until all of them are there again." },
	{ "RateLimitPolicy", "RateLimit-Policy", is_limited, HEAD_TRIAL, { 429 }, TEXT_SCHEMA,
	  "… and what they are measured by: q, how many in a window; w, its seconds." },
	{ "QuotaWarning", "X-Quota-Warning", takes_places, HEAD_TRIAL, { 0 }, TEXT_SCHEMA,
	  "More than a limit of the quota that only warns is in use now: metric; used; limit; hard." },
	{ "Degraded", "X-Degraded", is_keyed, HEAD_TRIAL, { 0 }, "{\"type\":\"string\",\"enum\":[\"true\"]}",
	  "true: answered from memory while the control database cannot be reached." },
	{ "RetryAfter", "Retry-After", NULL, 0, { 429, 503 }, "{\"type\":\"integer\",\"minimum\":1}",
	  "Seconds to wait before the next try." },
	{ "Challenge", "WWW-Authenticate", NULL, 0, { 401 }, TEXT_SCHEMA, "Bearer." },
	{ "Allow", "Allow", NULL, 0, { 405 }, TEXT_SCHEMA, "The methods that the path takes." },
	{ .component = NULL },
};

static bool any_route(const struct route_group *const *groups, bool (*on)(const struct route *r))
{
	for (; *groups != NULL; groups++)
		for (size_t i = 0; i < (*groups)->n; i++)
			if (on((*groups)->routes + i))
				return true;
	return false;
}

static void write_words(struct jw *w, const char *doc, const char *schema)
{
	jw_key(w, "description");
	jw_text(w, doc);
	jw_key(w, "schema");
	jw_raw(w, schema);
}

void openapi_shared_components(struct jw *w, const struct route_group *const *groups)
{
	jw_key(w, "parameters");
	jw_object(w);
	for (const struct shared_param *p = shared_params; p->component != NULL; p++) {
		if (!any_route(groups, p->on))
			continue;
		jw_key(w, p->component);
		jw_object(w);
		jw_key(w, "name");
		jw_text(w, p->name);
		jw_key(w, "in");
		jw_text(w, p->in);
		write_words(w, p->doc, p->schema);
		jw_object_end(w);
	}
	jw_object_end(w);
	jw_key(w, "headers");
	jw_object(w);
	for (const struct shared_header *h = shared_headers; h->component != NULL; h++) {
		if (h->errors[0] == 0 && !any_route(groups, h->on))
			continue;
		jw_key(w, h->component);
		jw_object(w);
		write_words(w, h->doc, h->schema);
		jw_object_end(w);
	}
	jw_object_end(w);
}

static bool belongs(const struct shared_header *h, const struct route *r, int status)
{
	if (status >= 400)
		return h->errors[0] == HEAD_ANY_ERROR || h->errors[0] == status || h->errors[1] == status;
	if (h->on == NULL || !h->on(r))
		return false;
	if (status == 304)
		return (h->flags & HEAD_UNCHANGED) != 0;
	return status == r->status || (h->flags & HEAD_TRIAL) != 0;
}

void openapi_headers(struct jw *w, struct arena *a, const struct route *r, int status)
{
	jw_key(w, "headers");
	jw_object(w);
	for (const struct shared_header *h = shared_headers; h->component != NULL; h++) {
		if (!belongs(h, r, status))
			continue;
		jw_key(w, h->name);
		openapi_ref(w, a, "headers", h->component);
	}
	jw_object_end(w);
}
