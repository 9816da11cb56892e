/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_KEEPER_H
#define CC_TESTS_KEEPER_H

#include "plane.h"

/* Certificates on a plane: kept as the API keeps them, told as the listener is told. */

/* For groups: *state is the plane. */
int keeper_start(void **state);
int keeper_stop(void **state);
/* A verified domain of the tenant's with a certificate: its private key, in PEM, as long as the plane. */
const char *keeper_bring(struct plane *p, const char *tenant_id, const char *domain);
/* Another one in its place. */
void keeper_replace(struct plane *p, const char *tenant_id, const char *domain);
/* "domain tenant_id\n" of all that can be served (of one tenant, or with NULL of all). */
const char *keeper_served(struct plane *p, const char *tenant_id);
/* The key that is served for a domain; NULL: none. */
const char *keeper_key(struct plane *p, const char *domain);
/* KEKs from now on, the first seals: "new old". Their bytes follow from their names. */
void keeper_keks(struct plane *p, const char *ids);

#endif
