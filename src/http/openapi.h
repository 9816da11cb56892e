/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_OPENAPI_H
#define CC_SRC_HTTP_OPENAPI_H

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
void openapi_components(struct jw *w, struct arena *a, const struct route_group *const *groups);

#endif
