/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_OBJECTS_AUDIT_H
#define CC_CORE_OBJECTS_AUDIT_H

#include "cc/base/ctx.h"

/*
 * Compares what lies in the store with what tenants' catalogues say, both ways, tenant by tenant. On a
 * thread that may wait. What a node is storing at the moment may be found too: it was put and is not
 * written down yet.
 */
struct objects_audit {
	/*
	 * What no catalogue knows, and uploads that did not come to an end for a day; what is missing is
	 * forgotten, and made again when it is asked for.
	 */
	bool remove;
	/* Called for each finding: "unknown", "missing", "different"; "unfinished" has no path. */
	void (*found)(void *arg, const char *tenant_id, const char *path, const char *what);
	void *arg;
	int64_t tenants, objects, findings;
};
enum err objects_audit(struct ctx *cx, struct objects_audit *a) MUST_USE;

#endif
