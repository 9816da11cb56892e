/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_APIKEYS_IN_H
#define CC_SRC_CORE_APIKEYS_IN_H

#include "cc/base/bytes.h"
#include "cc/base/ctx.h"
#include "cc/crypto/apikey.h"
#include "cc/model/apikey.h"

/* What keys of tenants and of operators have in common. */

/* Every scope that is unknown or there twice is a fault. */
void apikeys_check_scopes(struct ctx *cx, const struct strv *names);
/* A fault when it is past, or later than that of the key that asks. */
void apikeys_check_expiry(struct ctx *cx, int64_t expires_at);
/* "a, b" */
const char *apikeys_joined(struct arena *a, uint64_t bits);
/* What goes into the table; the text itself, which is the answer, goes to its owner only. */
const char *apikeys_make(struct ctx *cx, enum apikey_kind kind, struct apikey *ret, struct bytes *ret_hash,
			 const char **ret_display);
/* What is said of a key that was revoked before. */
struct api_key_deletion apikeys_revoked(const struct api_key_row *key);

#endif
