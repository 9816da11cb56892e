/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_STRIPE_EVENTS_H
#define CC_CORE_STRIPE_EVENTS_H

#include "cc/base/bytes.h"
#include "cc/base/ctx.h"

/*
 * Is a message of these bytes signed by one of the secrets (NULL-terminated), by a header "t=…,v1=…"? Any
 * v1 that fits any of them will do, other schemes are passed over. tolerance_s: what lies between its
 * time and now_s (both in seconds since 1970) at most. In constant time. Any thread.
 */
bool stripe_signature_fits(const char *header, struct bytes body, const char *const *secrets, int64_t now_s,
	int64_t tolerance_s);

/*
 * An event as it came: its signature is looked at before anything of it is read, then it is stored.
 * Nothing follows from it here. Opens a unit of its own. ERR_SIGNATURE, also where there is no secret;
 * ERR_INVALID_REQUEST.
 */
enum err stripe_event_take(struct ctx *cx, const char *signature, struct bytes body) MUST_USE;

#endif
