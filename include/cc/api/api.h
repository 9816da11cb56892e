/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_API_API_H
#define CC_API_API_H

#include "cc/http/reference.h"
#include "cc/http/server.h"

/* The table of contents of the API, NULL-terminated. */
extern const struct route_group *const api_groups[];
extern const struct route_group *const admin_groups[]; /* of the listener for those who run the daemon */
/* The API as its documents have it. */
extern const struct reference api_reference;
/* Credential → tenant → scope → rate; units of work; audit. See src/api/gate.c. */
extern const struct http_hooks api_hooks;
/* Meanings of the constraints, for db_constraints_register(). */
extern const struct db_constraint api_constraints[];

#endif
