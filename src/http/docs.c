/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi.h"

#include <inttypes.h>

static void add_scope(struct str *out, const struct route *r)
{
	if (r->scope == NULL)
		str_add(out, "public");
	else if (r->scope_or == NULL)
		str_addf(out, "`%s`", r->scope);
	else
		str_addf(out, "`%s` or `%s`", r->scope, r->scope_or);
}

static void add_errors(struct str *out, const struct route *r)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(r->errors) / sizeof(r->errors[0]); i++) {
		if (r->errors[i] == ERR_NONE)
			continue;
		str_addf(out, "%s%d `%s`", any ? ", " : "", err_info(r->errors[i])->status,
			 err_info(r->errors[i])->code);
		any = true;
	}
}

static void add_group(struct str *out, const struct route_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct route *r = &g->routes[i];

		str_addf(out, "| `%s %s%s` | ", method_name(r->method), g->prefix, r->path);
		add_scope(out, r);
		str_addf(out, " | %" PRId64 " | %d | ", route_rate(r)->cost, r->status);
		add_errors(out, r);
		str_add(out, " | ");
		str_add_cell(out, r->summary);
		str_add(out, " |\n");
	}
}

/* A tag's groups may stand apart in the list; the first of them brings the others. */
static void add_tag(struct str *out, const struct route_group *const *groups, size_t first)
{
	for (size_t i = 0; i < first; i++)
		if (str_eq(groups[i]->tag, groups[first]->tag))
			return;
	str_addf(out, "\n## %s\n\n", groups[first]->tag);
	str_add(out, "| Method and path | Scope | Cost | Success | Errors of its own | |\n"
		     "|---|---|---|---|---|---|\n");
	for (size_t i = first; groups[i] != NULL; i++)
		if (str_eq(groups[i]->tag, groups[first]->tag))
			add_group(out, groups[i]);
}

void routes_markdown(struct str *out, const struct route_group *const *groups)
{
	str_add(out, "# Routes\n\nGenerated from the route tables. Every route can also give the errors "
		     "of its class: 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 500, 503 as "
		     "[errors.md](errors.md) lists them. HEAD works wherever GET does; OPTIONS names "
		     "the methods of a path. The cost is what a request takes from the rate limits of "
		     "its tenant and its key.\n");
	for (size_t i = 0; groups[i] != NULL; i++)
		add_tag(out, groups, i);
}

void errors_markdown(struct str *out)
{
	str_add(out, "# Errors\n\nGenerated from the table of errors. One body for all: `error` and "
		     "`message` always; `request_id`, `timestamp`; `tenant_id` whenever the tenant is known "
		     "to the caller; `details` with every field that is not valid, and the line and column "
		     "where the field is source text, or is `body`: a body that is no JSON.\n\n");
	str_add(out, "| Status | `error` | Meaning |\n|---|---|---|\n");
	for (int e = 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info((enum err)e);

		if (err_is_internal(e))
			continue;
		str_addf(out, "| %d | `%s` | ", info->status, info->code);
		str_add_cell(out, info->meaning);
		str_add(out, " |\n");
	}
}
