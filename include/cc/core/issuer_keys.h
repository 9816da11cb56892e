/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ISSUER_KEYS_H
#define CC_CORE_ISSUER_KEYS_H

#include "cc/base/ctx.h"

/*
 * Fetches one of the sets of keys that became old while they were used; world->keys_due tells that there is
 * one. False: there is none. When it cannot be had the old one serves on, and the log says so. Blocks for two
 * seconds at most; any thread, not inside a transaction.
 */
bool issuer_keys_refresh(struct ctx *cx);

#endif
