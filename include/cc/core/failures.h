/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_FAILURES_H
#define CC_CORE_FAILURES_H

#include "cc/base/ctx.h"

/*
 * Credentials that are refused, counted by the client's address (of IPv6: its /64) and by the key that they
 * name: settings->auth_failures a minute each. Beyond that refusals are ERR_RATE_LIMITED, and what memory
 * cannot decide is rationed before the database is asked. A good credential is never counted, and one that
 * memory knows is never refused here, whatever others do at the same address. Tokens whose signature could
 * not be checked are counted by address too, and apart: beyond as many a minute tokens are rationed there,
 * but none is refused for them. Memory is bounded (world->failures). Any thread.
 */

/*
 * Before the database is asked for a key, or anything is looked at for a token (key_id NULL). A request pays
 * once, however often it asks (cx->rationed). ERR_RATE_LIMITED
 */
enum err failures_before_look(struct ctx *cx, const char *key_id) MUST_USE;
/* The keys that a token's signature needs could not be had. */
void failures_unchecked(struct ctx *cx);
/* Before the database is asked for a tenant whose origins somebody wants to know who has no credential. */
enum err failures_before_origin(struct ctx *cx) MUST_USE;
/* How the authentication by text ended: counts it if it was refused. e, or ERR_RATE_LIMITED instead. */
enum err failures_note(struct ctx *cx, const char *text, enum err e) MUST_USE;

#endif
