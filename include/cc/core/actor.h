/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ACTOR_H
#define CC_CORE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

enum actor_kind { ACTOR_KEY, ACTOR_OPERATOR, ACTOR_SYSTEM };

/* A credential that was found good. Immutable snapshot; belongs to the registry, see cred_put(). */
struct actor {
	enum actor_kind kind;
	const char *id;                 /* "key-…" */
	const char *name;
	const char *tenant_id;          /* NULL for operators */
	uint64_t scopes;
	int64_t expires_at;             /* TIME_NULL: never */
};

const char *actor_kind_name(enum actor_kind k);         /* "api_key", "operator", "system" */

#endif
