/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STAGE_H
#define CC_TESTS_STAGE_H

#include "bouncer.h"
#include "story.h"

/* A story with a bouncer of each environment. */
struct stage {
	struct story *s;
	struct client *sandbox, *production;
	char *sandbox_key, *production_key;
};

int stage_open(void **state);
int stage_open_unlimited(void **state); /* on the plan without limits */
int stage_close(void **state);
/* Its clients ask the daemon where it is after a restart. */
void stage_restarted(struct stage *g);

/* The public keys of a story's tenant, and a bundle taken apart by them. */
const struct answer *bundle_keys(struct story *s);
void bundle_open(struct story *s, const struct answer *bundle, struct bouncer_bundle *ret);
/* The tag of an answer; of the last four. */
const char *tag_of(const struct answer *a);
/* How many bundles of the sandbox lie in a folder that is a store. */
int bundles_stored(const char *store, const char *tenant_id);

#endif
