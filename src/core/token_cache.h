/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_TOKEN_CACHE_H
#define CC_SRC_CORE_TOKEN_CACHE_H

#include "registry_in.h"

/*
 * Tokens that were verified lately, by the hash of their text: for a minute at most, never past exp, and only
 * while the snapshot of the tenant and the set of keys are those which they were verified by. When these are
 * not, the token is verified anew, and its request pays for no look-ups (core/failures.h). Bounded; any
 * thread.
 */

/* The hash. */
const char *token_name(struct arena *a, const char *text);
/* hint: as in token_get(). A reference; NULL: it must be verified. */
struct token_entry *token_cached(struct ctx *cx, const char *name, const char *hint);
/* It is whole and does not change any more. */
void token_keep(struct ctx *cx, struct token_entry *t);
/* It was refused. */
void token_drop(struct ctx *cx, const char *name);

#endif
