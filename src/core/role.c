/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/role.h"

#include <stddef.h>
#include <string.h>

#include "cc/core/actor.h"
#include "cc/core/scope.h"
#include "cc/model/user.h"

static const char *const viewer[] = {
	"tenant:read", "policies:read", "resources:read", "bouncers:read", "users:read", "audit:read",
	"domains:read", "deployments:read", "metrics:read", "alerts:read", "webhooks:read", "exports:read",
	NULL,
};
static const char *const developer[] = {
	"policies:write", "policies:test", "resources:write", "decisions:evaluate", NULL,
};
static const char *const manager[] = { "policies:promote", "users:write", "alerts:write", NULL };

/* Each has what the one before it has, and more. */
static const struct step {
	const char *role;
	const char *const *scopes;
} steps[] = {
	{ "Viewer", viewer }, { "Developer", developer }, { "Manager", manager },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

uint64_t role_scopes(const char *role)
{
	uint64_t bits = 0;

	if (strcmp(role, ROLE_ADMIN) == 0)
		return scope_all_tenant();
	for (size_t i = 0; i < STEPS; i++) {
		for (const char *const *s = steps[i].scopes; *s != NULL; s++)
			bits |= scope_bit(*s);
		if (strcmp(role, steps[i].role) == 0)
			return bits;
	}
	return 0;
}

uint64_t roles_scopes(const struct strv *roles)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < roles->n; i++)
		bits |= role_scopes(roles->v[i]);
	return bits;
}

struct strv roles_normal(struct arena *a, const struct strv *roles)
{
	const char **v = ARENA_ARRAY(a, const char *, roles->n);
	size_t n = 0;

	for (const char *const *r = user_roles; *r != NULL && n < roles->n; r++)
		if (strv_has(roles, *r))
			v[n++] = *r;
	return (struct strv){ .v = v, .n = n };
}

struct strv role_permissions(struct arena *a, const struct strv *roles)
{
	return scope_list(a, roles_scopes(roles));
}

enum err role_check_grant(struct ctx *cx, const struct strv *roles)
{
	if (cx->actor == NULL || (cx->actor->scopes & scope_bit("platform:tenants")) != 0)
		return ERR_NONE;
	for (size_t i = 0; i < roles->n; i++)
		if ((role_scopes(roles->v[i]) & ~cx->actor->scopes) != 0)
			return refuse(cx, ERR_SCOPE_GRANT,
				      "this credential does not hold all that the role %s allows",
				      roles->v[i]);
	return ERR_NONE;
}
