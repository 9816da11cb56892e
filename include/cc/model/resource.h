/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_RESOURCE_H
#define CC_MODEL_RESOURCE_H

#include "cc/schema/schema.h"

extern const char *const resource_types[];      /* api webapp database ai-agent mcp-server */

struct resource {
	int64_t id;
	const char *name;
	const char *type;
	const char *environment;
	const char *path;
	struct strv methods;
	const char *description;
	const char *attributes;                 /* JSON object */
	const char *url;
	const char *original_host, *target_host;
	const char *default_security_posture;
	bool auto_discovered;
	const char *policies;                   /* JSON array: ids of live policies that name it */
	int64_t version;                        /* one more with every save */
	const char *created_by;
	int64_t created_at, updated_at;
	int64_t deleted_at;                     /* internal: TIME_NULL while it lives */
	int64_t used_by;                        /* internal: how many live policies name it */
	uint64_t seen;
};
extern const struct schema resource_schema;

#endif
