/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ROUNDS_H
#define CC_CORE_ROUNDS_H

#include "cc/base/ctx.h"

/*
 * What a round of background work came to, which takes one tenant after the other, each in a unit of work of
 * its own. A turn that failed is no failure of the round: it comes again when its lease has run out, and
 * keeps no other tenant waiting. What is pointed to lives in the arena of the round's context.
 */
struct round {
	int done;                       /* turns that went well */
	int failed;                     /* turns that did not; the first of them: */
	const char *tenant_id;          /* NULL: none failed */
	enum err error;
	struct problem problem;
};

#endif
