/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_MARKS_H
#define CC_CORE_MARKS_H

#include "cc/base/ctx.h"
#include "cc/core/actor.h"

/*
 * When credentials were last used, and from where: noted in memory by requests, written by a job. One note
 * of one credential in a minute; a bounded number wait, further ones are left to the next request. What is
 * noted and not yet written goes with the process. Any thread.
 */
struct marks;

#define MARKS_MAX 4096          /* that wait */

struct marks *marks_create(void);
void marks_destroy(struct marks *m);

/* A request of a's passed the gate. Never waits for anything. address: of the client, may be NULL. */
void marks_note(struct marks *m, const struct actor *a, const char *address);
/*
 * Writes what waits: keys to the control database, people to their tenants' schemas, where they are known by
 * their e-mail address. The first error is the answer; what could not be written is forgotten.
 */
enum err marks_write(struct ctx *cx) MUST_USE;

#endif
