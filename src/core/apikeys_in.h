/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_APIKEYS_IN_H
#define CC_SRC_CORE_APIKEYS_IN_H

#include "cc/base/bytes.h"
#include "cc/base/ctx.h"
#include "cc/crypto/apikey.h"
#include "cc/model/apikey.h"

/* What keys of tenants and of operators have in common. apikeys_rules.c: */

/* Every scope that is unknown or there twice is a fault. */
void apikeys_check_scopes(struct ctx *cx, const struct strv *names);
/* A fault when it is past, or later than that of the key that asks; a person's token does not bound it. */
void apikeys_check_expiry(struct ctx *cx, int64_t expires_at);
/* Networks in their one way to be written; each that is none, or there twice, is a fault. */
struct strv apikeys_cidrs(struct ctx *cx, const struct strv *texts);
/* A fault when it would be taken from where the key that asks is not. */
void apikeys_check_cidrs(struct ctx *cx, const struct strv *cidrs);
/* Faults for all that is more than it was. */
void apikeys_check_narrower(struct ctx *cx, const struct api_key_row *was, const struct api_key_row *is);
/* ERR_SCOPE_GRANT when more is wanted. */
enum err apikeys_check_grant(struct ctx *cx, uint64_t wanted, uint64_t grantable) MUST_USE;

/* What goes into the table; the text itself, which is the answer, goes to its owner only. */
const char *apikeys_make(struct ctx *cx, enum apikey_kind kind, struct apikey *ret, struct bytes *ret_hash,
			 const char **ret_display);

/*
 * ERR_SCOPE when a key with these scopes is more than who asks: a weaker credential neither ends nor narrows
 * a stronger one. Its own key is never more than a credential.
 */
enum err apikeys_check_held(struct ctx *cx, const struct strv *scopes, uint64_t held) MUST_USE;

/* A key, under the lock that every change of its owner's keys takes first. apikeys_change.c: */
struct key_held {
	const char *tenant_id;          /* NULL: an operator's */
	uint64_t admin;                 /* the scopes that make others: it does with all of them */
	uint64_t grantable;             /* what the credential that asks holds, and may hand on */
	const char *last;               /* why it stays as it is, being the last that makes others; or NULL */
	struct api_key_row row;
};

enum err key_revoke(struct ctx *cx, const struct key_held *k, struct api_key_deletion *ret,
		    bool *ret_changed) MUST_USE;
enum err key_change(struct ctx *cx, const struct key_held *k, const struct api_key_row *sent,
		    struct api_key_row *ret, struct strv *ret_changed) MUST_USE;
enum err key_rotate(struct ctx *cx, const struct key_held *k, const struct api_key_rotation *in,
		    struct api_key_rotated *ret) MUST_USE;

#endif
