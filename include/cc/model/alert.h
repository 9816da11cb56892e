/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_ALERT_H
#define CC_MODEL_ALERT_H

#include "cc/schema/schema.h"

extern const char *const alert_types[];         /* in the order of core/alerts.h … */
extern const char *const alert_severities[];    /* … and so are these */
extern const char *const alert_statuses[];      /* what a list can be asked for: open acknowledged resolved */

/* Something that a tenant should know of. */
struct alert {
	const char *id, *type, *severity;
	const char *subject;                    /* what it is about: a domain's name */
	const char *message;
	int64_t created_at;
	int64_t acknowledged_at;
	const char *acknowledged_by;
	int64_t resolved_at;                    /* TIME_NULL: it is still so */
};
extern const struct schema alert_schema;

#endif
