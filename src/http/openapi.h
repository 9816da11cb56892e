/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_OPENAPI_H
#define CC_SRC_HTTP_OPENAPI_H

#include "cc/http/reference.h"
#include "cc/http/server.h"

/* Errors of a route: its own, its class's, those of every route; each once, in the order of ERR_LIST. */
struct route_errors {
	bool has[ERR_COUNT];
};
struct route_errors route_errors(const struct route *r);

bool route_has_etag(const struct route *r);
/* If-Match and If-None-Match mean something to it. */
bool route_takes_conditions(const struct route *r);

/* The use of a route's body schema, and the name of its component: "PolicyCreate". */
enum schema_use body_use(const struct route *r);
const char *component_name(struct arena *a, const struct schema *s, enum schema_use use);

/* A path once, with the rows that have it. */
struct path_rows {
	const char *path;
	const struct route *row[8];
	const struct route_group *group[8];
	int n;
};
/* In the order of the tables. */
struct path_rows *paths_collect(struct arena *a, const struct route_group *const *groups, size_t *ret_n);

/* Names seen so far. */
struct names {
	struct arena *arena;
	const char **v;
	size_t n, cap;
};
/* False: it was there. name is kept. */
bool names_add(struct names *l, const char *name);

/* Components that many operations refer to. The last row of each table has no component. */
struct shared_param {
	const char *component, *name, *in;
	bool (*on)(const struct route *r);      /* which operations take it */
	const char *schema, *doc;               /* JSON; a sentence */
};
extern const struct shared_param shared_params[];

enum {
	HEAD_TRIAL = 1 << 0,                    /* a dry run has it too */
	HEAD_UNCHANGED = 1 << 1,                /* a 304 has it too */
	HEAD_ANY_ERROR = -1,
};
struct shared_header {
	const char *component, *name;
	bool (*on)(const struct route *r);      /* which successes have it; NULL: none */
	unsigned flags;
	int errors[2];                          /* which refusals have it: statuses, or HEAD_ANY_ERROR */
	const char *schema, *doc;
};
extern const struct shared_header shared_headers[];

/* { "$ref": "#/components/<kind>/<name>" } */
void openapi_ref(struct jw *w, struct arena *a, const char *kind, const char *name);
/* "headers" of a response; r is asked for successes only, and may be NULL for refusals. */
void openapi_headers(struct jw *w, struct arena *a, const struct route *r, int status);
/* The responses 400 to 599 of an operation, inside the braces. */
void openapi_refusals(struct jw *w, struct arena *a, const struct route *r);

void openapi_components(struct jw *w, struct arena *a, const struct route_group *const *groups);
/* Its parts: "parameters" and "headers"; "responses". */
void openapi_shared_components(struct jw *w, const struct route_group *const *groups);
void openapi_refusal_components(struct jw *w, struct arena *a, const struct route_group *const *groups);

#endif
