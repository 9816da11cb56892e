/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_HEARTBEAT_H
#define CC_MODEL_HEARTBEAT_H

#include "cc/schema/schema.h"

/* What a bouncer says of itself when it gives a sign of life. */
struct heartbeat_report {
	int64_t requests_total;         /* since it started; INT_NULL: not said */
	int64_t policies_synced;
	double cache_hit_rate;
	const char *revision;
	uint64_t seen;
};
extern const struct schema heartbeat_report_schema;

/* The answer, and what it was made of. */
struct heartbeat {
	const char *message;
	const char *status;
	bool is_connected;
	int64_t last_heartbeat;
	const char *desired_revision;   /* of a bundle; NULL: there is none yet */
	bool sync_now;
	int64_t requests_new;           /* internal: how much its counter has grown */
	const char *environment;        /* internal: the bouncer's */
	bool behind;                    /* internal: that bundle may not be the newest for long */
	bool deleted, at_home;          /* internal: why there was none */
};
extern const struct schema heartbeat_schema;

#endif
