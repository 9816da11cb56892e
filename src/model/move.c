/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/move.h"

#define T struct move_line
static const struct field move_line_fields[] = {
	INT(T, key, 0, 0, 0, "Its place in the order."),
	TEXT(T, line, 0, 0, 0, "All of its columns."),
};
#undef T
SCHEMA(move_line_schema, struct move_line, "MoveLine", move_line_fields);

#define T struct move_object
static const struct field move_object_fields[] = {
	TEXT(T, key, 0, 0, 0, "Behind the tenant's prefix."),
	INT(T, size, 0, 0, 0, "Bytes."),
	BYTES(T, sha256),
	TEXT(T, line, 0, 0, 0, "All of its columns."),
};
#undef T
SCHEMA(move_object_schema, struct move_object, "MoveObject", move_object_fields);

#define T struct move_sum
static const struct field move_sum_fields[] = {
	INT(T, bucket, 0, 0, 0, "Which rows."),
	INT(T, rows, 0, 0, 0, "How many they are."),
	TEXT(T, sum, F_NULLABLE, 0, 0, "What they add up to."),
};
#undef T
SCHEMA(move_sum_schema, struct move_sum, "MoveSum", move_sum_fields);

#define T struct move_lease
static const struct field move_lease_fields[] = { BOOL(T, cancelled, 0, "It must not flip.") };
#undef T
SCHEMA(move_lease_schema, struct move_lease, "MoveLease", move_lease_fields);

#define T struct move_size
static const struct field move_size_fields[] = {
	INT(T, rows, 0, 0, 0, "Rows."),
	INT(T, bytes, 0, 0, 0, "Bytes on the disk, with indexes."),
};
#undef T
SCHEMA(move_size_schema, struct move_size, "MoveSize", move_size_fields);

#define T struct move_target
static const struct field move_target_fields[] = {
	TEXT(T, id, 0, 0, 0, "Of the move."),
	TEXT(T, to_region, 0, 0, 0, "Where the tenant goes."),
};
#undef T
SCHEMA(move_target_schema, struct move_target, "MoveTarget", move_target_fields);

#define T struct move_names
static const struct field move_names_fields[] = {
	TEXT(T, id, 0, 0, 0, "Of the move."),
	TEXT(T, tenant_id, 0, 0, 0, "Whose names."),
};
#undef T
SCHEMA(move_names_schema, struct move_names, "MoveNames", move_names_fields);

#define T struct move_row
static const struct field move_row_fields[] = {
	TEXT(T, id, 0, 0, 0, "deploy-…"),
	TEXT(T, tenant_id, 0, 0, 0, "Whose."),
	TEXT(T, from_region, 0, 0, 0, "The region that is left."),
	TEXT(T, from_schema, 0, 0, 0, "The schema there."),
	INT(T, from_shard, 0, 0, 0, "And its shard."),
	INT(T, epoch, 0, 0, 0, "Of the placement that is left."),
	TEXT(T, to_region, 0, 0, 0, "The other region."),
	TEXT(T, to_schema, F_NULLABLE, 0, 0, "The schema there, when it is recorded."),
	INT(T, to_shard, F_NULLABLE, 0, 0, "And its shard."),
	BOOL(T, bare, 0, "Most of the data is left behind."),
	BOOL(T, cancelled, 0, "It must not flip."),
	TEXT(T, step, 0, 0, 0, "See core/move_machine.h, also for what follows."),
	INT(T, reason, 0, 0, 0, "Of going back."),
	INT(T, attempts, 0, 0, 0, "Fences."),
	INT(T, failures, 0, 0, 0, "In a row."),
	TIME(T, fenced_at, F_NULLABLE, "When writes were held up."),
	TIME(T, not_before, F_NULLABLE, "When it goes on."),
	TIME(T, window_at, 0, "When the flip may be."),
	INT(T, turn, 0, 0, 0, "The right to this step."),
	INT(T, rows_copied, 0, 0, 0, "So far."),
	INT(T, bytes_copied, 0, 0, 0, "So far."),
	INT(T, verified_version, F_NULLABLE, 0, 0, "Compared up to there."),
	INT(T, verified_seq, F_NULLABLE, 0, 0, "The audit likewise."),
	TIME(T, now, 0, "When it was read."),
	TEXT(T, checksum, F_NULLABLE, 0, 0, "Over the sums of both sides."),
};
#undef T
SCHEMA(move_row_schema, struct move_row, "Move", move_row_fields);

const char *const deployment_statuses[] = { "in_progress", "completed", "failed", "cancelled", NULL };
const char *const deployment_phases[] = { "pending", "in_progress", "completed", "failed", NULL };

static const char *const region_states[] = { "available", "unavailable", NULL };

#define T struct deployment_new
static const struct field deployment_new_fields[] = {
	TEXT(T, region, F_CREATE | F_REQUIRED, 1, 40, "Where the tenant shall live.", .example = "eu-west-1"),
	{ FIELD_OF(T, migrate_data, bool, K_BOOL, F_CREATE), .def = "true",
	  .doc = "False: only its users and its audit go. If it has more, discard_data must say so." },
	BOOL(T, discard_data, F_CREATE,
	     "With migrate_data false: policies, resources and bouncers are left behind, and lost."),
	TIME(T, maintenance_window, F_CREATE | F_NULLABLE,
	     "The region changes as soon as possible after this, at most 30 days from now; null or past: "
	     "now. The copy begins at once.", .example = "2025-01-26T02:00:00Z"),
};
#undef T
SCHEMA_IN(deployment_new_schema, struct deployment_new, "DeploymentCreate", deployment_new_fields);

#define T struct region_row
static const struct field region_row_fields[] = {
	TEXT(T, id, F_OUT, 0, 0, "Its name."),
	TEXT(T, group, F_OUT, 0, 0, "na, eu or ap."),
	ENUM(T, status, F_OUT, region_states, NULL, "Whether its database answers."),
	INT(T, tenants, F_OUT | F_NULLABLE, 0, 0, "How many live there; null for all but operators."),
};
#undef T
SCHEMA(region_row_schema, struct region_row, "Region", region_row_fields);

#define T struct region_list
static const struct field region_list_fields[] = {
	JSON_LIST(T, regions, F_OUT, 0, &region_row_schema, "All of them."),
};
#undef T
SCHEMA(region_list_schema, struct region_list, "RegionList", region_list_fields);

#define T struct deployment_progress
static const struct field deployment_progress_fields[] = {
	ENUM(T, database_migration, F_OUT, deployment_phases, NULL, "Copying and comparing the data."),
	ENUM(T, dns_update, F_OUT, deployment_phases, NULL, "What follows the change of the region."),
	ENUM(T, ssl_setup, F_OUT, deployment_phases, NULL, "What the new region needs before the change."),
};
#undef T
SCHEMA(deployment_progress_schema, struct deployment_progress, "DeploymentProgress",
       deployment_progress_fields);

struct deployment_step {
	const char *step, *at;
};
#define T struct deployment_step
static const struct field deployment_step_fields[] = {
	TEXT(T, step, F_OUT, 0, 0, "Its name."),
	TEXT(T, at, F_OUT, 0, 0, "When it began, with milliseconds."),
};
#undef T
static SCHEMA(deployment_step_schema, struct deployment_step, "DeploymentStep", deployment_step_fields);

#define T struct deployment
static const struct field deployment_fields[] = {
	TEXT(T, deployment_id, F_OUT | F_SORT, 0, 0, "Assigned by the server."),
	TEXT(T, tenant_id, F_OUT, 0, 0, "The tenant that moves."),
	ENUM(T, status, F_OUT, deployment_statuses, NULL, "Where it is in its life."),
	TEXT(T, region, F_OUT, 0, 0, "Where the tenant goes."),
	TEXT(T, from_region, F_OUT, 0, 0, "Where it comes from."),
	TEXT(T, step, F_OUT, 0, 0, "What is being done."),
	OBJ(T, progress, F_OUT, struct deployment_progress, &deployment_progress_schema, "In three parts."),
	BOOL(T, migrate_data, F_OUT, "False: policies, resources and bouncers are left behind."),
	BOOL(T, cancel_requested, F_OUT, "It is being taken back, or was."),
	TIME(T, maintenance_window, F_OUT, "When the region may change."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was asked for."),
	TIME(T, estimated_completion, F_OUT, "When it should be over, by the speed of earlier copies."),
	TIME(T, started_at, F_OUT | F_NULLABLE, "When writes were last held up for the change."),
	TIME(T, completed_at, F_OUT | F_NULLABLE, "When it ended."),
	TEXT(T, new_domain, F_OUT | F_NULLABLE, 0, 0, "The tenant's name by the group of its new region."),
	JSON_LIST(T, steps, F_OUT, 0, &deployment_step_schema, "The steps so far."),
	INT(T, rows_total, F_OUT, 0, 0, "Rows there were to move when it was asked for."),
	INT(T, bytes_total, F_OUT, 0, 0, "Their bytes on the disk, with indexes."),
	INT(T, rows_copied, F_OUT, 0, 0, "Rows, also those that were copied again."),
	INT(T, bytes_copied, F_OUT, 0, 0, "Their bytes."),
	INT(T, lag_rows, F_OUT | F_NULLABLE, 0, 0, "Rows that had changed when it was last looked."),
	INT(T, freeze_ms, F_OUT | F_NULLABLE, 0, 0, "How long it took no writes when its region changed."),
	INT(T, attempts, F_OUT, 0, 0, "How often writes were held up."),
	TEXT(T, checksum, F_OUT | F_NULLABLE, 0, 0, "Over what was compared of both regions."),
	JSON(T, error, F_OUT | F_NULLABLE, 0, "Its last failure; null when it is completed."),
	TEXT(T, started_by, F_OUT, 0, 0, "The credential that asked for it."),
	STRS(T, blockers, F_OUT, 0, 0, NULL, 0, "Of a dry run: the errors that would refuse it."),
};
#undef T
SCHEMA(deployment_schema, struct deployment, "Deployment", deployment_fields);
