/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_PROVISION_PARTS_H
#define CC_CORE_PROVISION_PARTS_H

#include "cc/core/provision.h"
#include "cc/db/query.h"
#include "cc/db/session.h"
#include "cc/db/unit.h"
#include "cc/model/provision.h"

#define MIGRATE_LEASE_S 60 /* altering a full schema takes longer than making an empty one */
#define PURGE_STATEMENT_MS 5000 /* no statement of a purge takes longer: it is taken back, and tried again */
#define STEP_MS 15000      /* one step of background work; shorter than any lease that is sensible */

/* provision_schema.c: one schema of a region, and its record. Each is safe to repeat. */

/* Where cc_prov works in a region: as itself, or as the owner of one schema's shard. */
void place_prov(struct world *w, struct region *r, struct db_place *ret);
void place_owner(struct ctx *cx, struct region *r, const struct slot *s, struct db_place *ret);
/* A place in a shard of the region, in the open unit of work (control). ERR_UNAVAILABLE: it is full. */
enum err shard_reserve(struct ctx *cx, const char *region, int64_t *ret_shard) MUST_USE;
/* Makes what is recorded: shard, role, schema, tables of the newest version. */
enum err schema_make(struct ctx *cx, const struct slot *s) MUST_USE;
/* Drops the schema and its role, then the record. */
enum err schema_drop(struct ctx *cx, const struct slot *s) MUST_USE;
/* Brings one schema to the newest version and records that. */
enum err schema_migrate(struct ctx *cx, const struct slot *s) MUST_USE;
void deadline_by_lease(struct ctx *cx);
enum err region_session(struct ctx *cx, struct region *r, struct db_session **ret) MUST_USE;
/* The roles of a shard exist and may connect; asked of the server once per process. */
enum err shard_ensure(struct ctx *cx, struct region *r, int shard) MUST_USE;
/* region_find(), and a sentence when this node does not serve it, or it does not answer. */
enum err region_need(struct ctx *cx, const char *id, struct region **ret) MUST_USE;
/* The regions this node is configured with and that answer: what is due in the others waits for them. */
struct strv region_names(struct ctx *cx);
struct strv region_names_all(struct ctx *cx); /* also those that are down */
/* setup_refusals() for one region that was left out. */
enum err setup_refusals_of(struct ctx *cx, struct region *r) MUST_USE;
/* All keys of the tenant, until cx's deadline; nothing where there is no Redis. *ret_removed: how many. */
enum err tenant_forget_redis(struct ctx *cx, const char *id, int64_t *ret_removed) MUST_USE;
/* Newest version of the tenants' tables. */
int64_t newest_version(void);

/*
 * The parts of a tick: each takes one piece of work, says whether there was any to take, and adds
 * what it got done to *count.
 */
enum err undo_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE; /* provision_undo.c */
enum err drop_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE; /* provision_spare.c */
enum err spare_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE;
enum err migrate_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE;
enum err purge_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE;      /* provision_purge.c */
/*
 * provision_certificate.c: closes a schema of the tenant's and counts what is in it, before it is dropped,
 * for a while. *ret_more: there is more to count.
 */
enum err purge_count_schema_of(struct ctx *cx, const char *tenant_id, const struct slot *s,
	const struct db_place *control, bool *ret_more) MUST_USE;
/* In the unit of work that removes the tenant's row: rows of purge_rest, and the certificate behind it. */
void purge_count_rest_later(struct ctx *cx, const char *tenant_id, const struct db_rows *rest);
enum err purge_certify(struct ctx *cx, const char *tenant_id) MUST_USE;
/* provision_objects.c: removes what the tenant has in the store, for a while. *ret_more: there is more. */
enum err purge_objects(struct ctx *cx, const char *id, bool *ret_more) MUST_USE;
/*
 * The same of a tenant that left this schema by a move, or did not come to it: what it has in the schema's
 * region, unless its objects lie there, or are brought there, now.
 */
enum err purge_left_objects(struct ctx *cx, const struct slot *s, bool *ret_more) MUST_USE;
/* ERR_UNAVAILABLE: its catalogue names objects, and there is no store where they could be removed. */
enum err purge_check_store(struct ctx *cx, const struct slot *s) MUST_USE;
enum err expunge_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE;    /* provision_expunge.c */
enum err checkpoint_one(struct ctx *cx, bool *ret_did, int *count) MUST_USE; /* provision_checkpoint.c */

/* Takes a creation back, with NULL one whose lease ran out. *ret_id: whose it was; NULL: there was none. */
enum err tenant_undo(struct ctx *cx, const char *id, const char **ret_id) MUST_USE;
/* After a commit: this node forgets the tenant at once, the others soon. */
void tenant_changed(struct ctx *cx, const char *id);
void work_wake(struct ctx *cx);

#endif
