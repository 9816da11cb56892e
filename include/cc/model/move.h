/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_MOVE_H
#define CC_MODEL_MOVE_H

#include "cc/schema/schema.h"

/* Moves of tenants between regions: what the engine reads and writes, and what clients see of it. */

/* A row of any table as PostgreSQL writes it, and its place in the order that it was asked for in. */
struct move_line {
	int64_t key;
	const char *line;
};
extern const struct schema move_line_schema;

/* A row of the catalogue of objects: what is copied by it, and all of its columns. */
struct move_object {
	const char *key;
	int64_t size;
	struct bytes sha256;
	const char *line;
};
extern const struct schema move_object_schema;

/* What some neighbouring rows add up to. */
struct move_sum {
	int64_t bucket, rows;
	const char *sum;
};
extern const struct schema move_sum_schema;

/* A turn that went on. */
struct move_lease {
	bool cancelled;
};
extern const struct schema move_lease_schema;

struct move_size {
	int64_t rows, bytes;
};
extern const struct schema move_size_schema;

/* Where one that is under way goes. */
struct move_target {
	const char *id, *to_region;
};
extern const struct schema move_target_schema;

/* A move that is over, but for the records of its tenant's names. */
struct move_names {
	const char *id, *tenant_id;
};
extern const struct schema move_names_schema;

/* A move as it is stored, with the time it was read at. */
struct move_row {
	const char *id, *tenant_id;
	const char *from_region, *from_schema, *to_region, *to_schema;
	int64_t from_shard, to_shard, epoch;
	bool bare, cancelled;
	const char *step;
	int64_t reason, attempts, failures, fenced_at, not_before, window_at;
	int64_t turn, rows_copied, bytes_copied, verified_version, verified_seq, now;
	const char *checksum;
};
extern const struct schema move_row_schema;

extern const char *const deployment_statuses[];  /* in_progress completed failed cancelled */
extern const char *const deployment_phases[];    /* pending in_progress completed failed */

struct deployment_progress {
	const char *database_migration, *dns_update, *ssl_setup;
};
extern const struct schema deployment_progress_schema;

/* What asks for one. */
struct deployment_new {
	const char *region;
	bool migrate_data, discard_data;
	int64_t maintenance_window;     /* TIME_NULL: now */
	uint64_t seen;
};
extern const struct schema deployment_new_schema;

struct region_row {
	const char *id, *group, *status;
	int64_t tenants;                /* INT_NULL: not the caller's business */
};
extern const struct schema region_row_schema;

struct region_list {
	const char *regions;            /* JSON: an array of region_row */
};
extern const struct schema region_list_schema;

/* A move as clients see it. */
struct deployment {
	const char *deployment_id, *tenant_id, *status, *region, *from_region, *step;
	struct deployment_progress progress;
	bool migrate_data, cancel_requested;
	int64_t maintenance_window, created_at, estimated_completion, started_at, completed_at;
	const char *new_domain;         /* not stored */
	const char *steps;              /* JSON: when each step began */
	int64_t rows_total, bytes_total, rows_copied, bytes_copied, lag_rows, freeze_ms, attempts;
	const char *checksum, *error, *started_by;
	struct strv blockers;           /* of a dry run */
};
extern const struct schema deployment_schema;

#endif
