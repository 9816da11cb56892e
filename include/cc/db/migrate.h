/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_MIGRATE_H
#define CC_DB_MIGRATE_H

#include <stddef.h>

#include "cc/db/session.h"

/* On the thread that holds the session, which waits: at start, and jobs. Nodes wait for each other. */

/* Embedded by sqlgen from sql/<set>/migrations/NNNN_name.sql; versions run 1, 2, 3, … without a gap. */
struct migration {
	int version;
	const char *name;
	const char *sql;
};
struct migration_set {
	const char *name;               /* control, region, tenant */
	const struct migration *v;
	size_t n;
};

/*
 * Brings a database to the newest version: advisory lock, table <schema>.migration(version, name,
 * checksum, applied_at) made if missing, checksums of the applied ones compared (a difference is
 * ERR_CONFLICT naming the file), each missing one in a transaction of its own. dry: only counts.
 * ret_applied: how many ran (or would run).
 */
enum err migrate_database(struct ctx *cx, struct db_session *s, const struct migration_set *set,
			  const char *schema, bool dry, int *ret_applied) MUST_USE;

/* Whether another session is at it just now, so that migrate_database() would wait. */
enum err migrate_is_busy(struct ctx *cx, struct db_session *s, const char *schema, bool *ret) MUST_USE;

/*
 * One tenant schema, from version `from` to the newest (or `to` when > 0): one transaction, as the
 * owner role, search_path of the schema, lock_timeout 2 s. The caller records the version (control database).
 */
enum err migrate_tenant_schema(struct ctx *cx, struct db_session *s, const struct migration_set *set,
			       const char *schema, const char *owner_role, int from, int to) MUST_USE;

#endif
