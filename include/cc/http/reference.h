/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_HTTP_REFERENCE_H
#define CC_HTTP_REFERENCE_H

#include "cc/http/route.h"

/* Any thread, one at a time for what lives in one arena. */

/* A word of the tables and what it means: a tag, or a {…} of the paths with one that could stand there. */
struct reference_word {
	const char *name, *doc, *example;
};

/* What the tables of routes, fields and errors do not say of an API, for those who read about it. */
struct reference {
	const char *title, *version;
	const char *about;                              /* CommonMark */
	const struct route_group *const *groups;        /* NULL-terminated */
	const struct reference_word *tags, *params;     /* end with a name that is NULL */
};

/* NULL when words does not have it. */
const struct reference_word *reference_find(const struct reference_word *words, const char *name, size_t n);

/* OpenAPI 3.1 of the tables, as JSON. Every error of ERR_LIST that applies is listed. */
void openapi_write(struct str *out, const struct reference *ref);
/* The reference for people: one HTML page, well-formed XML too, that needs nothing beside itself. */
void devdocs_write(struct str *out, const struct reference *ref);
/* The Content-Security-Policy under which that page may do what it does, and nothing else. */
extern const char devdocs_csp[];

#endif
