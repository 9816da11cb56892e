/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_JWKS_H
#define CC_SRC_CORE_JWKS_H

#include "issuer.h"

struct key_ask {
	const char *url, *kid;
	const char *tenant_id; /* whose issuer it is; NULL: the platform's */
	bool may_load;         /* this is a worker: it may wait */
};

struct issuer_key {
	struct jwk key; /* its parts are in cx->arena */
	uint64_t set;   /* the serial of the entry that had it */
};

/*
 * The key `kid` of the set published at url. A set that has it is used at once, whatever its age (a day at
 * most). Otherwise one request fetches for all who ask, within two seconds and the request's deadline; how
 * many may fetch or follow, and what part of that one tenant may have, says key_waits.h. No URL is asked
 * within keys_pause_s of a fetch, nor within keys_retry_s of one that failed, whatever ids come, and requests
 * start 16 fetches a minute for one tenant's issuers.
 * ERR_INVALID_TOKEN: no such key; ERR_UNAVAILABLE with retry_after: it is not known, because the set cannot
 * be had or too many wait; ERR_NEED_LOAD when a worker must ask. Any thread; it waits with may_load only.
 */
enum err jwks_key(struct ctx *cx, const struct key_ask *k, struct issuer_key *ret) MUST_USE;

/*
 * A signature was verified by *ret, from jwks_key(): who forges tokens has nothing fetched here. When the set
 * is older than keys_fresh_s it is asked for again in the background (core/issuer_keys.h). When it is older
 * than two times that, and nobody has tried lately, it is fetched now, and *ret is what it has now, to be
 * compared again; when it cannot be had, the old one serves on. ERR_INVALID_TOKEN: the key was withdrawn;
 * ERR_NEED_LOAD when a worker must ask.
 */
enum err jwks_proven(struct ctx *cx, const struct key_ask *k, struct issuer_key *ret) MUST_USE;

#endif
