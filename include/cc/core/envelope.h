/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ENVELOPE_H
#define CC_CORE_ENVELOPE_H

#include "cc/base/bytes.h"
#include "cc/base/ctx.h"
#include "cc/base/str.h"

/*
 * Secrets of tenants at rest: each is sealed under a key of its own (DEK), and that one under a key that no
 * database knows (KEK). Both seals are bound to whose secret it is, so a row that is put elsewhere opens
 * nothing. To change the KEK only the DEKs are sealed again.
 */
#define KEK_LEN 32
struct kek {
	const char *id;                 /* what rows name it by */
	unsigned char key[KEK_LEN];
};
/* The first seals what is new; the others only open. None: nothing can be sealed. */
struct kek_set {
	const struct kek *v;
	size_t n;
};

/* Whose secret it is, and which. */
struct binding {
	const char *tenant_id, *domain;
	const char *serial;             /* of the certificate */
};

/* As it is stored. */
struct sealed {
	struct bytes secret;            /* under the DEK */
	struct bytes dek;               /* under the KEK */
	const char *kek_id;
};

/* ERR_KEK_MISSING: this service has no KEK. The result is in the arena. */
enum err envelope_seal(struct ctx *cx, const struct binding *b, struct bytes plain,
		       struct sealed *ret) MUST_USE;
/*
 * The secret, in the arena, which is wiped from now on. ERR_INTERNAL: its KEK is not known here (the message
 * names it), or the row is not what was sealed.
 */
enum err envelope_open(struct ctx *cx, const struct binding *b, const struct sealed *s,
		       struct bytes *ret) MUST_USE;
/* The same secret with its DEK under the first KEK. Errors of both. */
enum err envelope_rewrap(struct ctx *cx, const struct binding *b, const struct sealed *s,
			 struct sealed *ret) MUST_USE;
/* NULL: not known here. */
const struct kek *kek_find(const struct kek_set *set, const char *id);

#endif
