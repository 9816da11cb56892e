/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: one response for each status and set of codes, named by both, shared by the operations. */
#include "negotiate.h"
#include "openapi.h"

#include <string.h>

static bool is_of(const struct route_errors *errors, int e, int status)
{
	return errors->has[e] && err_info((enum err)e)->status == status;
}

/* "409.name_taken.conflict"; NULL: the operation does not refuse with this status. */
static const char *response_name(struct arena *a, const struct route_errors *errors, int status)
{
	struct str s;
	bool any = false;

	str_init(&s, a, 64);
	str_add_int(&s, status);
	for (int e = 1; e < ERR_COUNT; e++) {
		if (!is_of(errors, e, status))
			continue;
		str_addf(&s, ".%s", err_info((enum err)e)->code);
		any = true;
	}
	return any ? s.data : NULL;
}

static void write_meanings(struct jw *w, struct arena *a, const struct route_errors *errors, int status)
{
	struct str text;

	str_init(&text, a, 128);
	for (int e = 1; e < ERR_COUNT; e++)
		if (is_of(errors, e, status))
			str_addf(&text, "%s`%s`: %s", text.len > 0 ? "; " : "", err_info((enum err)e)->code,
				 err_info((enum err)e)->meaning);
	jw_key(w, "description");
	jw_text(w, text.data);
}

/* The body of every refusal, with the codes that are possible here. */
static void write_schema(struct jw *w, struct arena *a, const struct route_errors *errors, int status)
{
	jw_object(w);
	jw_key(w, "allOf");
	jw_array(w);
	openapi_ref(w, a, "schemas", "Problem");
	jw_object(w);
	jw_key(w, "type");
	jw_text(w, "object");
	jw_key(w, "properties");
	jw_object(w);
	jw_key(w, "error");
	jw_object(w);
	jw_key(w, "type");
	jw_text(w, "string");
	jw_key(w, "enum");
	jw_array(w);
	for (int e = 1; e < ERR_COUNT; e++)
		if (is_of(errors, e, status))
			jw_text(w, err_info((enum err)e)->code);
	jw_array_end(w);
	jw_object_end(w);
	jw_object_end(w);
	jw_object_end(w);
	jw_array_end(w);
	jw_object_end(w);
}

static void write_examples(struct jw *w, const struct route_errors *errors, int status)
{
	jw_key(w, "examples");
	jw_object(w);
	for (int e = 1; e < ERR_COUNT; e++) {
		const struct err_info *info = err_info((enum err)e);

		if (!is_of(errors, e, status))
			continue;
		jw_key(w, info->code);
		jw_object(w);
		jw_key(w, "value");
		jw_object(w);
		jw_key(w, "error");
		jw_text(w, info->code);
		jw_key(w, "message");
		jw_text(w, info->meaning);
		jw_key(w, "timestamp");
		jw_text(w, "2030-01-31T12:00:00Z");
		jw_object_end(w);
		jw_object_end(w);
	}
	jw_object_end(w);
}

/* For clients that name it. */
static void write_other_type(struct jw *w, struct arena *a, const struct route_errors *errors, int status)
{
	jw_key(w, PROBLEM_TYPE);
	jw_object(w);
	jw_key(w, "schema");
	write_schema(w, a, errors, status);
	jw_object_end(w);
}

/* with: a schema that the body may have instead; NULL: none. */
static void write_response(struct jw *w, struct arena *a, const struct route_errors *errors, int status,
			   const char *with)
{
	jw_object(w);
	write_meanings(w, a, errors, status);
	openapi_headers(w, a, NULL, status);
	jw_key(w, "content");
	jw_object(w);
	jw_key(w, "application/json");
	jw_object(w);
	jw_key(w, "schema");
	if (with != NULL) {
		jw_object(w);
		jw_key(w, "anyOf");
		jw_array(w);
		openapi_ref(w, a, "schemas", with);
	}
	write_schema(w, a, errors, status);
	if (with != NULL) {
		jw_array_end(w);
		jw_object_end(w);
	}
	write_examples(w, errors, status);
	jw_object_end(w);
	write_other_type(w, a, errors, status);
	jw_object_end(w);
	jw_object_end(w);
}

static const char *other_body(struct arena *a, const struct route *r, int status)
{
	if ((r->flags & ROUTE_REPLY_503) == 0 || status != err_info(ERR_UNAVAILABLE)->status)
		return NULL;
	return component_name(a, r->reply, USE_OUT);
}

void openapi_refusals(struct jw *w, struct arena *a, const struct route *r)
{
	const struct route_errors errors = route_errors(r);

	for (int status = 400; status < 600; status++) {
		const char *name = response_name(a, &errors, status);

		if (name == NULL)
			continue;
		jw_key(w, arena_printf(a, "%d", status));
		if (other_body(a, r, status) != NULL)
			write_response(w, a, &errors, status, other_body(a, r, status));
		else
			openapi_ref(w, a, "responses", name);
	}
}

void openapi_refusal_components(struct jw *w, struct arena *a, const struct route_group *const *groups)
{
	struct names done = { .arena = a };

	jw_key(w, "responses");
	jw_object(w);
	for (const struct route_group *const *g = groups; *g != NULL; g++) {
		for (size_t i = 0; i < (*g)->n; i++) {
			const struct route_errors errors = route_errors(&(*g)->routes[i]);

			for (int status = 400; status < 600; status++) {
				const char *name = response_name(a, &errors, status);

				if (name == NULL || other_body(a, &(*g)->routes[i], status) != NULL ||
				    !names_add(&done, name))
					continue;
				jw_key(w, name);
				write_response(w, a, &errors, status, NULL);
			}
		}
	}
	jw_object_end(w);
}
