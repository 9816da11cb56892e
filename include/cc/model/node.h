/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_NODE_H
#define CC_MODEL_NODE_H

#include "cc/schema/schema.h"

/* What stands in the control database for all nodes, of one moment. */
struct control_state_row {
	int64_t calls_waiting, calls_dead;      /* of Stripe's; dead: in the last day */
	int64_t calls_oldest;                   /* when the oldest that waits was decided; TIME_NULL: none */
	int64_t moves, operations;              /* under way */
	int64_t certificate_end;                /* of tenants': the first end; TIME_NULL: there is none */
	int64_t now;
};
extern const struct schema control_state_row_schema;

/* A server, as one of its sessions may see it. */
struct replication_row {
	bool standby;
	int64_t replicas;
	int64_t lag_us;         /* of the slowest; INT_NULL: there is none, or it is not told */
};
extern const struct schema replication_row_schema;

#endif
