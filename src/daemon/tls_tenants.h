/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_TLS_TENANTS_H
#define CC_DAEMON_TLS_TENANTS_H

#include "cc/base/map.h"
#include "cc/core/world.h"
#include "cc/http/tls.h"

/* Certificates that tenants brought for their domains, as they were last read. One thread. */
struct tls_tenants {
	struct world *world;
	struct map *domains; /* domain → struct held, ours */
	uint64_t round;
	bool changed; /* in this round */
	bool news; /* something is to be told of, or was when it was last tried … */
	bool unsure; /* … and which alerts are open is to be looked at */
	bool failing; /* that they cannot be read was said */
	int64_t tell_at; /* clock_mono_ms(): not before */
};

void tls_tenants_open(struct tls_tenants *t, struct world *w);
void tls_tenants_close(struct tls_tenants *t);
/*
 * Reads those of one tenant, or with NULL of all, as they are now; what is the same stays the object that it
 * was, and one that cannot be shown leaves the same tenant's one before in its place. *ret_changed: one was
 * replaced, came or went. After an error, which is said, what was known before is still there, but for what
 * was read anew already.
 */
bool tls_tenants_refresh(struct tls_tenants *t, const char *tenant_id, bool *ret_changed);
/*
 * Tells tenants by alerts of what cannot be shown, and what can again: for half a second at most, the rest
 * the next time, and what could not be told not before five seconds went by.
 */
void tls_tenants_tell(struct tls_tenants *t);
size_t tls_tenants_count(const struct tls_tenants *t);
/*
 * Writes the entries of those that can be shown, good until the next refresh, and returns how many; v has
 * room for tls_tenants_count().
 */
size_t tls_tenants_list(const struct tls_tenants *t, struct tls_entry *v);

#endif
