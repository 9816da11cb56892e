/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/node.h"

#define T struct control_state_row
static const struct field control_state_row_fields[] = {
	INT(T, calls_waiting, 0, 0, 0, "Calls of Stripe's that are to be made."),
	INT(T, calls_dead, 0, 0, 0, "Calls that were refused in the last day."),
	TIME(T, calls_oldest, F_NULLABLE, "When the oldest that waits was decided."),
	INT(T, moves, 0, 0, 0, "Moves between regions that are under way."),
	INT(T, operations, 0, 0, 0, "Operations that are under way."),
	TIME(T, certificate_end, F_NULLABLE, "The first end of a tenant's certificate."),
	TIME(T, now, 0, "The database's time."),
};
#undef T
SCHEMA(control_state_row_schema, struct control_state_row, "ControlState", control_state_row_fields);

#define T struct replication_row
static const struct field replication_row_fields[] = {
	BOOL(T, standby, 0, "It is a standby itself."),
	INT(T, replicas, 0, 0, 0, "Standbys that are connected."),
	INT(T, lag_us, F_NULLABLE, 0, 0, "How far the slowest is behind, in microseconds."),
};
#undef T
SCHEMA(replication_row_schema, struct replication_row, "Replication", replication_row_fields);
