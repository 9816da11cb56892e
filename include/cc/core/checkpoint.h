/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_CHECKPOINT_H
#define CC_CORE_CHECKPOINT_H

#include "cc/base/ctx.h"
#include "cc/base/str.h"
#include "cc/model/checkpoint.h"

/* On the thread that owns cx, which waits for PostgreSQL: workers, jobs, commands; no I/O thread. */

/*
 * Checkpoints: the heads of a tenant's two chains, signed, each with the digest of the one before. Whoever
 * has kept one can tell a chain that was cut or rewritten since.
 */
enum { CHAIN_DATA, CHAIN_CONTROL, CHAINS };

struct checkpoints {
	bool found[CHAINS];             /* false: the chain has none, and `last` is zeros */
	struct checkpoint last[CHAINS];
	int64_t tip[CHAINS];            /* the last place of the chain */
	/* The chain ends before its last checkpoint, or has another row there: it was cut or rewritten. */
	bool broken[CHAINS];
	int made;
};

/*
 * Makes one for each chain of cx->tenant that has grown since its last (none for a broken one). Texts of
 * *ret are in the arena. Opens units of work of its own.
 */
enum err checkpoint_make(struct ctx *cx, struct checkpoints *ret) MUST_USE;

/* RFC 8785: what is signed (without the signature), and what the next one has the digest of (with it). */
void checkpoint_canonical(struct str *out, const struct checkpoint *c, bool signature);

#endif
