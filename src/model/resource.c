/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/resource.h"

#include "cc/model/check.h"
#include "cc/model/policy.h"

const char *const resource_types[] = { "api", "webapp", "database", "ai-agent", "mcp-server", NULL };

static const char *const methods[] = {
	"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "*", NULL
};
static const char *const postures[] = { "deny-all", "allow-all", NULL };

#define T struct resource
static const struct field resource_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server; unique within the tenant."),
	TEXT_LIKE(T, name, F_RW | F_REQUIRED | F_SORT, 1, 120, check_not_blank,
		  "Unique within its environment; equal names pair sandbox and production.",
		  .example = "Users API"),
	ENUM(T, type, F_RW | F_REQUIRED | F_SORT, resource_types, NULL, "What kind of thing is protected."),
	ENUM(T, environment, F_CREATE | F_OUT | F_SORT, environments, "sandbox", "Fixed at creation."),
	TEXT(T, path, F_RW | F_NULLABLE, 1, 1024, "A path or glob.", .example = "/api/v1/users/*"),
	STRS(T, methods, F_RW, 0, 10, methods, 0, "HTTP methods; * is any. Empty: not restricted."),
	TEXT(T, description, F_RW | F_NULLABLE, 0, 2000, "What it is."),
	JSON(T, attributes, F_RW | F_NULLABLE, 65536, "Free attributes for policies: sensitivity, owner, …"),
	TEXT_LIKE(T, url, F_RW | F_NULLABLE, 1, 2048, check_http_url, "Where it is."),
	TEXT_LIKE(T, original_host, F_RW | F_NULLABLE, 1, 262, check_host_maybe_port,
		  "The host that clients call."),
	TEXT_LIKE(T, target_host, F_RW | F_NULLABLE, 1, 262, check_host_maybe_port,
		  "The host that the bouncer calls."),
	ENUM(T, default_security_posture, F_RW, postures, "deny-all", "What happens when no policy decides."),
	BOOL(T, auto_discovered, F_OUT, "Made by a bouncer."),
	JSON(T, policies, F_OUT | F_ANY_JSON | F_VOLATILE, 0, "Ids of the live policies that name it."),
	INT(T, version, F_OUT | F_ROW_VERSION, 0, 0, "One more with every save."),
	TEXT(T, created_by, F_OUT, 0, 0, "The credential that made it."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was made."),
	TIME(T, updated_at, F_OUT | F_SORT, "When it was last saved."),
	TIME(T, deleted_at, 0, "Internal."),
	INT(T, used_by, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA_IN(resource_schema, struct resource, "Resource", resource_fields);
