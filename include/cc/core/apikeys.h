/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_APIKEYS_H
#define CC_CORE_APIKEYS_H

#include "cc/base/ctx.h"
#include "cc/base/str.h"
#include "cc/model/apikey.h"

/*
 * The keys of cx->tenant. Both run inside a unit of work in the control database bound to it
 * (place_control) and lock the tenant's row first; audit and change feed are the caller's.
 */

/* Faults on scopes and expires_at; ERR_SCOPE_GRANT; ERR_QUOTA. ret->key is the only copy of the key. */
enum err apikeys_create(struct ctx *cx, const struct api_key_new *in, struct api_key_created *ret) MUST_USE;
/* Again is fine. ERR_NOT_FOUND; ERR_LAST_ADMIN_KEY for a tenant's credential. ret is filled by the commit. */
enum err apikeys_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret) MUST_USE;

/*
 * A new operator's key, in a unit of work of its own as cc_ctl. scopes NULL: all of the platform's.
 * ERR_VALIDATION names an unknown scope. *ret_text is the key, in cx->arena, which is wiped after.
 */
enum err operator_key_create(struct ctx *cx, const char *name, const struct strv *scopes,
			     const char **ret_text) MUST_USE;

#endif
