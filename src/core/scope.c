/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/scope.h"

#include <string.h>

/* The position is the bit. The platform's come first, so that the tenants' are one tail of the table. */
#define PLATFORM_SCOPES 4

const char *const scope_names[] = {
	"platform:read", "platform:tenants", "platform:ops", "platform:billing",
	"tenant:read", "tenant:write", "tenant:delete",
	"policies:read", "policies:write", "policies:test", "policies:promote",
	"resources:read", "resources:write",
	"bouncers:read", "bouncers:write", "bouncers:connect",
	"users:read", "users:write",
	"audit:read",
	"decisions:evaluate",
	"domains:read", "domains:write",
	"deployments:read", "deployments:write",
	"billing:read", "billing:write",
	"metrics:read",
	"alerts:read", "alerts:write",
	"api_keys:read", "api_keys:write",
	"webhooks:read", "webhooks:write",
	"exports:read", "exports:write",
	NULL,
};

#define SCOPES (sizeof(scope_names) / sizeof(scope_names[0]) - 1)
_Static_assert(SCOPES < 64, "one bit each");

const char *const *const tenant_scope_names = scope_names + PLATFORM_SCOPES;

uint64_t scope_bit(const char *name)
{
	if (name == NULL)
		return 0;
	for (size_t i = 0; i < SCOPES; i++)
		if (strcmp(scope_names[i], name) == 0)
			return UINT64_C(1) << i;
	return 0;
}

uint64_t scope_bits(const struct strv *names)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < names->n; i++)
		bits |= scope_bit(names->v[i]);
	return bits;
}

struct strv scope_list(struct arena *a, uint64_t bits)
{
	const char **v = ARENA_ARRAY(a, const char *, SCOPES);
	size_t n = 0;

	for (size_t i = 0; i < SCOPES; i++)
		if (bits & UINT64_C(1) << i)
			v[n++] = scope_names[i];
	return (struct strv){ .v = v, .n = n };
}

uint64_t scope_all_platform(void)
{
	return (UINT64_C(1) << PLATFORM_SCOPES) - 1;
}

uint64_t scope_all_tenant(void)
{
	return ((UINT64_C(1) << SCOPES) - 1) & ~scope_all_platform();
}
