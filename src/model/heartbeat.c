/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/heartbeat.h"

#include "cc/model/bouncer.h"

#define TOTAL_MAX INT64_C(1000000000000000)

#define T struct heartbeat_report
static const struct field heartbeat_report_fields[] = {
	INT(T, requests_total, F_CREATE | F_NULLABLE, 0, TOTAL_MAX,
	    "Requests it has decided since it started; what that has grown by since the last heartbeat is "
	    "counted as usage.",
	    .example = "15000"),
	INT(T, policies_synced, F_CREATE | F_NULLABLE, 0, 1000000000, "Policies it has.", .example = "25"),
	{ FIELD_OF(T, cache_hit_rate, double, K_NUM, F_CREATE | F_NULLABLE), .min = 0, .max = 1,
	  .doc = "Of its decision cache.", .example = "0.9" },
	TEXT(T, revision, F_CREATE | F_NULLABLE, 1, 64, "Of the bundle it runs.",
	     .example = "6f1d0a6b3c1e4f5a8b9c0d1e2f3a4b5c"),
};
#undef T
SCHEMA_IN(heartbeat_report_schema, struct heartbeat_report, "HeartbeatReport", heartbeat_report_fields);

#define T struct heartbeat
static const struct field heartbeat_fields[] = {
	TEXT(T, message, F_OUT, 0, 0, "Heartbeat received."),
	ENUM(T, status, F_OUT, bouncer_statuses, NULL, "What it counts as for the next two minutes."),
	BOOL(T, is_connected, F_OUT, "The same as a flag."),
	TIME(T, last_heartbeat, F_OUT, "When this one came."),
	TEXT(T, desired_revision, F_OUT | F_NULLABLE, 0, 0,
	     "Of the newest bundle of the bouncer's environment; null while there is none."),
	BOOL(T, sync_now, F_OUT, "There is one, and the bouncer said another revision."),
	INT(T, requests_new, 0, 0, INT64_MAX, "Internal."),
	TEXT(T, environment, 0, 0, 0, "Internal."),
	BOOL(T, behind, 0, "Internal."),
	BOOL(T, deleted, 0, "Internal."),
	BOOL(T, at_home, 0, "Internal."),
};
#undef T
SCHEMA(heartbeat_schema, struct heartbeat, "Heartbeat", heartbeat_fields);
