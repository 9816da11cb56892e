/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_API_MANAGED_H
#define CC_API_MANAGED_H

#include "cc/http/route.h"
#include "cc/model/deletion.h"

/* What policies, resources and bouncers have in common. */

/* Of their routes: where the work runs, and what the audit calls the object. */
#define READS(kind) .auth = AUTH_TENANT, .store = STORE_TENANT, .mode = DB_READ, .object = (kind)
#define WRITES(kind) .auth = AUTH_TENANT, .store = STORE_TENANT, .mode = DB_WRITE, .object = (kind)

/* What is to be changed, under the head lock: is it there (404), and as the client believes it is (412)? */
enum err managed_changeable(struct ctx *cx, bool found, int64_t row_version) MUST_USE;
/* 409: live policies name it. */
enum err managed_in_use(struct ctx *cx, const char *kind, int64_t id, int64_t used_by);
/* The credential's id, for created_by. */
const char *managed_creator(const struct ctx *cx);
/* The answer of DELETE; kind begins a sentence: "Policy". */
enum err managed_deleted(struct ctx *cx, struct req *rq, const char *kind, int64_t id);
/* The answer of a change that changed nothing: the gate is undone, nothing is recorded. */
enum err managed_unchanged(struct ctx *cx, struct req *rq, const void *obj);

#endif
