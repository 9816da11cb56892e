/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_HELD_NAME_H
#define CC_MODEL_HELD_NAME_H

#include "cc/schema/schema.h"

extern const char *const held_name_kinds[]; /* slug domain */

/* A name that a tenant had until lately: nobody else can have it yet. */
struct held_name {
	const char *name, *kind, *tenant_id;
	int64_t until;
	bool exists;                    /* internal: the tenant is still there */
};
extern const struct schema held_name_schema;

struct held_name_release {
	const char *message, *name;
	int64_t released_at;
};
extern const struct schema held_name_release_schema;

#endif
