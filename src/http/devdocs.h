/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_DEVDOCS_H
#define CC_SRC_HTTP_DEVDOCS_H

#include "html.h"
#include "openapi.h"

extern const char devdocs_style[];

/* Rows of a table of fields, nested ones under dotted names: "settings.max_users", "test_cases[].name". */
void devdocs_fields(struct str *out, const struct schema *s, enum schema_use use);
/* One row: name, type with its bounds, words. */
void devdocs_row(struct str *out, const char *name, const char *type, const char *words);
const char *devdocs_type(struct arena *a, const struct field *f);
/* The tables "Parameters" of an operation, if it has any. */
void devdocs_parameters(struct str *out, const struct reference *ref, const struct route *r,
			const char *path);
/* A request that can be pasted into a shell where $CC, $KEY are set. */
void devdocs_curl(struct str *out, const struct reference *ref, const struct route *r, const char *path);

#endif
