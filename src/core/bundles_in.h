/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_BUNDLES_IN_H
#define CC_SRC_CORE_BUNDLES_IN_H

#include "cc/core/bundles.h"
#include "cc/core/world.h"
#include "cc/crypto/es256.h"
#include "cc/db/query.h"
#include "cc/model/object.h"

/* The key that a tenant's bundles are signed with. */
struct bundle_key {
	unsigned char key[ES256_KEY_LEN], point[ES256_POINT_LEN];
	char id[SIGNING_ID_LEN + 1]; /* thumbprint of RFC 7638 */
};
void bundle_key_make(const struct signing_key *platform, const char *tenant_id, struct bundle_key *ret);

/* bundle_make.c: from rows to bytes. Owns nothing; no I/O. */
struct bundle_content {
	const char *tenant_id, *environment;
	struct db_rows policies;  /* bundle_policy */
	struct db_rows resources; /* resource */
};
struct bundle_bytes {
	const char *revision;
	const unsigned char *p;
	size_t n;
};
enum err bundle_make(struct ctx *cx, const struct bundle_content *c, const struct bundle_key *key,
	struct bundle_bytes *ret);

/* bundles.c: what is kept in memory. */
const struct bundle *bundles_kept(struct bundles *b, const char *tenant_id, const char *key);
/* Copies it; a reference. */
const struct bundle *bundles_keep(struct bundles *b, const char *tenant_id, const char *key,
	const char *revision, const void *p, size_t n);

/*
 * bundle_find.c: looks, and makes what is behind where that is wished. *ret and *ret_newest: as in
 * bundle_find(), of the newest that there was, whatever came of it.
 */
enum err bundle_look(struct ctx *cx, const struct bundle_ask *ask, const struct bundle **ret,
	const char **ret_newest, const struct tenant **ret_fresh);

#define BUNDLES_KEPT 10             /* of each environment, in the store */

#endif
