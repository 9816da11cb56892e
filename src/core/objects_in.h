/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_OBJECTS_IN_H
#define CC_SRC_CORE_OBJECTS_IN_H

#include "cc/core/world.h"
#include "cc/store/objstore.h"

/* Where tenants of a region have their objects: its own store, or the one of all; NULL: there is none. */
struct objstore *region_store(const struct world *w, const char *region);

/* Uploads in parts that began so long ago will not be finished. */
#define OBJECT_UNFINISHED_S 86400

/* Whether there is any at all. */
bool world_has_store(const struct world *w);

/* Of a path that this service itself has made: ERR_INTERNAL, the catalogue holds what is none. */
enum err object_key(struct ctx *cx, const char *tenant_id, const char *path, struct obj_key *ret);

/* objects_strangers.c: what no tenant's turn comes to. */
struct objects_audit;
enum err objects_strangers(struct ctx *cx, struct objects_audit *a);

/* ERR_UNAVAILABLE: clients are told that they may try again, the log what failed. */
enum err refuse_store(struct ctx *cx, enum obj_result r, const struct obj_got *got);

#endif
