/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_HTTP_ANSWERS_H
#define CC_HTTP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/http/route.h"

/*
 * Finished answers to questions about tenants' data, and what this node knows of the data's versions.
 *
 * A tenant's answers are all of one version of its data. That version is trusted for ANSWERS_TRUST_US from
 * the moment it was asked for; then it must be asked for again, and only when it is another one are the
 * answers gone. What this node changes it forgets at once. So an answer is never out of date on the node
 * that took the change, and at most a second elsewhere, whatever message is lost.
 *
 * Any thread; one lock, held for a few steps.
 */
#define ANSWERS_TRUST_US INT64_C(1000000)

struct answers;

/* One kept answer. Immutable; a reference keeps it beyond its time. */
struct kept {
	const char *body;
	size_t body_len;
	const char *etag, *next_cursor; /* NULL: none */
	int64_t total;
	bool gzip;                      /* the body is compressed */
};

/* bytes_max 0: nothing is kept. */
struct answers *answers_create(size_t bytes_max);
void answers_destroy(struct answers *a);        /* NULL is fine */

/* This node changed the tenant's data, or may have. What was asked before now counts no more. */
void answers_changed(struct answers *a, const char *tenant_id);
/* The same without a change: the tenant's data, or with NULL any tenant's, may be somewhere else now. */
void answers_doubt(struct answers *a, const char *tenant_id);
/* The tenant's data had this version at some time after asked_us (clock_mono_us). */
void answers_learn(struct answers *a, const char *tenant_id, struct data_version v, int64_t asked_us);
/* The version, when it is trusted now. */
bool answers_version(struct answers *a, const char *tenant_id, struct data_version *ret);

/*
 * A reference to the answer of this key, or NULL. *ret_stale: there is one, but the version must be asked
 * for first; then NULL is returned.
 */
const struct kept *answers_find(struct answers *a, const char *tenant_id, const char *key, bool *ret_stale);
/* Keeps a copy, unless the version is not the one that is known by now, or it is too large. */
void answers_keep(struct answers *a, const char *tenant_id, struct data_version v, const char *key,
		  const struct kept *k);
void kept_put(const struct kept *k);            /* NULL is fine */

struct answers_stats {
	size_t bytes, answers, tenants;
	int64_t found, made; /* answers so far that were kept, and that had to be made to be so */
};
void answers_stats(struct answers *a, struct answers_stats *ret);

#endif
