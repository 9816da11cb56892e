/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_HEAD_H
#define CC_MODEL_HEAD_H

#include "cc/schema/schema.h"

/* The tenant's head row, as the gate or a read returns it. Columns that a query leaves out stay 0. */
struct head {
	int64_t version, epoch;
	bool writable;
	int64_t policies_used, resources_used, bouncers_used, users_used;
	int64_t last_id;        /* the id this write was given, when it took a place */
	int64_t audit_seq;      /* the place of this write's audit row … */
	struct bytes audit_mac; /* … the mac of the row before it … */
	int64_t audit_at;       /* … and its time, taken under the head's lock: it grows with the places */
	int64_t now;            /* the transaction's time, whole seconds */
};
extern const struct schema head_schema;

#endif
