/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/head.h"

#include "cc/model/tally.h"

#define T struct head
static const struct field head_fields[] = {
	INT(T, version, 0, 0, 0, "One more with every managed write."),
	INT(T, epoch, 0, 0, 0, "Of the placement; a stale node's writes find another one."),
	BOOL(T, writable, 0, "False while the tenant is being moved or removed."),
	INT(T, policies_used, 0, 0, 0, "Live policies."),
	INT(T, resources_used, 0, 0, 0, "Live resources."),
	INT(T, bouncers_used, 0, 0, 0, "Live bouncers."),
	INT(T, users_used, 0, 0, 0, "Live users."),
	INT(T, last_id, 0, 0, 0, "The id that was taken."),
	INT(T, audit_seq, 0, 0, 0, "Last place of the audit."),
	BYTES(T, audit_mac),
	TIME(T, audit_at, 0, "When the place was taken, in milliseconds."),
	TIME(T, now, 0, "Time of the transaction."),
};
#undef T
SCHEMA(head_schema, struct head, "Head", head_fields);

#define T struct tally
static const struct field tally_fields[] = {
	INT(T, total, 0, 0, 0, "How many rows match."),
};
#undef T
SCHEMA(tally_schema, struct tally, "Tally", tally_fields);
