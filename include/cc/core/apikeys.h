/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_APIKEYS_H
#define CC_CORE_APIKEYS_H

#include "cc/base/ctx.h"
#include "cc/base/str.h"
#include "cc/db/query.h"
#include "cc/model/apikey.h"

/* On the thread that owns cx, which waits for PostgreSQL: workers, jobs, commands; no I/O thread. */

/*
 * The keys of cx->tenant. All run inside a unit of work in the control database bound to it
 * (place_control) and lock the tenant's row first; audit and change feed are the caller's.
 */

/* Faults on scopes, expires_at, allowed_cidrs; ERR_SCOPE_GRANT; ERR_QUOTA. ret->key is its only copy. */
enum err apikeys_create(struct ctx *cx, const struct api_key_new *in, struct api_key_created *ret) MUST_USE;
/*
 * Whoever revokes, changes or rotates a key holds all of its scopes (a credential holds its own): else
 * ERR_SCOPE. The last key that could make others stays as it is for a tenant's key that asks
 * (ERR_LAST_ADMIN_KEY): not revoked, not without that scope, no earlier end, no narrower networks.
 */

/*
 * Again is fine, and then no change. ERR_NOT_FOUND, ERR_SCOPE, ERR_LAST_ADMIN_KEY. ret is filled by the
 * commit.
 */
enum err apikeys_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret,
			bool *ret_changed) MUST_USE;
/*
 * Scopes, networks and expiry become less or stay: what would be more is a fault of its field. ERR_NOT_FOUND,
 * ERR_SCOPE, ERR_CONFLICT for a key that is refused already, ERR_LAST_ADMIN_KEY. ret is filled by the commit.
 */
enum err apikeys_change(struct ctx *cx, const char *id, const struct api_key_row *sent,
			struct api_key_row *ret, struct strv *ret_changed) MUST_USE;
/*
 * A successor with the same rights; the old key lives on beside it for the overlap at most, and the one whose
 * place that took ends now: its scopes count as well. It needs what making it would. ret->key is the only
 * copy. ERR_NOT_FOUND, ERR_CONFLICT, ERR_ALREADY_ROTATED, ERR_SCOPE, ERR_LAST_ADMIN_KEY when it would end
 * sooner. The old key's audit and note are written here, those of the new one are the caller's.
 */
enum err apikeys_rotate(struct ctx *cx, const char *id, const struct api_key_rotation *in,
			struct api_key_rotated *ret) MUST_USE;

/*
 * In the open unit of work that deletes this bouncer of cx->tenant: the key that it registered with, and
 * those in line with it by rotation, are refused from now on, unless they can do more than connect bouncers
 * or another bouncer registered with one of them. That is committed by itself, in front of the bouncer's end:
 * where that fails behind it, the bouncer is there without a key, never the key without a bouncer.
 * ERR_UNAVAILABLE.
 */
enum err apikeys_end_of_bouncer(struct ctx *cx, const char *key_id, int64_t bouncer) MUST_USE;

/*
 * The keys of operators, inside a unit of work in the control database across tenants (place_platform).
 * A credential grants what it holds and nothing else. The last key that could make others stays as it is, and
 * so does the last with all scopes of the platform, without end and networks (ERR_LAST_ADMIN_KEY), whoever
 * asks. Otherwise as above.
 */
enum err operator_keys_create(struct ctx *cx, const struct operator_key_new *in,
			      struct api_key_created *ret) MUST_USE;
enum err operator_keys_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret,
			      bool *ret_changed) MUST_USE;
enum err operator_keys_change(struct ctx *cx, const char *id, const struct api_key_row *sent,
			      struct api_key_row *ret, struct strv *ret_changed) MUST_USE;
enum err operator_keys_rotate(struct ctx *cx, const char *id, const struct api_key_rotation *in,
			      struct api_key_rotated *ret) MUST_USE;

/* For the command line, each in a unit of work of its own, with the note for all nodes. */

/* scopes NULL: all of the platform's. *ret_text is the key, in cx->arena, which is wiped after. */
enum err operator_key_create(struct ctx *cx, const char *name, const struct strv *scopes,
			     const char **ret_text) MUST_USE;
/* Rows of struct api_key_row, the oldest first; the newest thousand at most. */
enum err operator_key_list(struct ctx *cx, struct db_rows *ret) MUST_USE;
enum err operator_key_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret) MUST_USE;

#endif
