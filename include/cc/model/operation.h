/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_OPERATION_H
#define CC_MODEL_OPERATION_H

#include "cc/schema/schema.h"

extern const char *const operation_kinds[];     /* in the order of core/operations.h */
extern const char *const operation_statuses[];  /* running completed failed cancelled */

struct operation_progress {
	const char *step;
	int64_t percent;
};
extern const struct schema operation_progress_schema;

struct operation_links {
	const char *self, *tenant;
	const char *cancel;             /* NULL: it cannot be cancelled any more */
};
extern const struct schema operation_links_schema;

/* Work on a tenant that takes longer than a request. */
struct operation {
	const char *id, *tenant_id, *kind, *status;
	struct operation_progress progress;
	const char *error;              /* JSON: code and message of the last failure */
	const char *started_by;
	int64_t created_at, updated_at, finished_at;
	struct operation_links links;   /* not stored */
};
extern const struct schema operation_schema;

#endif
