/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_KEEP_H
#define CC_SRC_HTTP_KEEP_H

#include "call.h"

enum keep {
	KEEP_NONE,
	KEEP_TAKEN,             /* c->kept, or c->not_modified: the answer is there */
	KEEP_STALE,             /* there is one, if its version is still the present one: keep_ask() */
};

/* All that the answer depends on is in its key, and in the version of the tenant's data. */
bool keep_may(const struct call *c);
/* Once the gate has let the call pass. Never blocks. */
enum keep keep_take(struct call *c);
/* Asks for the version of the tenant's data: one round trip. */
enum err keep_ask(struct call *c) MUST_USE;
/* rq->data is what the client's tag of the list says: sets c->not_modified. */
bool keep_list_is_unchanged(struct call *c);
/* The answer was made from what a database said: it may be given again. */
void keep_answer(const struct call *c);

#endif
