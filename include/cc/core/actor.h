/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ACTOR_H
#define CC_CORE_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/cidr.h"
#include "cc/base/str.h"

/* Any thread: what is touched is the caller's or constant. */

enum actor_kind { ACTOR_KEY, ACTOR_USER, ACTOR_OPERATOR, ACTOR_SYSTEM };

/* A credential that was found good. Immutable snapshot; belongs to the registry, see cred_put(). */
struct actor {
	enum actor_kind kind;
	const char *id;                 /* "key-…"; of a user the `sub` of the token */
	const char *name;
	const char *tenant_id;          /* NULL for operators */
	uint64_t scopes;
	int64_t expires_at;             /* TIME_NULL: never */
	/* keys only: where they are taken from; bound false: from everywhere */
	bool bound;
	const struct cidr *cidrs;
	size_t ncidrs;
	const char *environment;        /* of tenants' keys: whose bouncers they are for; NULL: of both */
	/* users only */
	const char *issuer;
	const char *email;              /* NULL: the token names none */
	struct strv roles;              /* those that we know */
};

/* May it come from this address? What is no address is nowhere. */
bool actor_at_home(const struct actor *a, const char *address);
const char *actor_kind_name(enum actor_kind k);         /* "api_key", "user", "operator", "system" */

#endif
