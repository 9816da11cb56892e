/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_REGION_WATCH_H
#define CC_CORE_REGION_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/ctx.h"

/*
 * Whether the PostgreSQL of a region answers this node. It is asked once a second unless others hear from it.
 * One that leaves two questions in a row without an answer, for a second each, while nobody else hears from
 * it either, is down: its tenants are refused at once, and whoever waits for it is told. It is up again with
 * the first answer. So nobody waits longer than REGION_SILENCE_MS for a region that is gone.
 */
#define REGION_SILENCE_MS 3000

struct region;

enum region_news { REGION_SAME, REGION_LOST, REGION_BACK };

/*
 * Looks after a region once: one thread for each. *ret_wait_ms: when to look again. When it is lost,
 * cx->problem says why.
 */
enum region_news region_look(struct ctx *cx, struct region *r, int64_t *ret_wait_ms);

/* For one that was silent when this node started: its set-up, after which it is served. Its watcher's. */
enum err region_prepare(struct ctx *cx, struct region *r) MUST_USE;

/* Any thread. NULL, and one that nobody watches, is not down. */
bool region_is_down(const struct region *r);
/* ERR_UNAVAILABLE with a sentence when it is down. */
enum err region_refuse_down(struct ctx *cx, const struct region *r) MUST_USE;

#endif
