/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_OBJECTS_AUDIT_H
#define CC_CORE_OBJECTS_AUDIT_H

#include "cc/base/ctx.h"

/*
 * Compares what lies in the stores with what tenants' catalogues say, both ways, tenant by tenant, and looks
 * through all stores for what belongs to no tenant that lives there. On a thread that may wait. What a node
 * is storing at the moment is not found.
 */
struct objects_audit {
	/*
	 * What no catalogue knows, or is of a tenant that was purged or lives elsewhere, and uploads that
	 * did not come to an end for a day; what is missing is forgotten, and made again when it is asked
	 * for. What is of nobody that was ever here stays: it may be another installation's.
	 */
	bool remove;
	/*
	 * Called for each finding: "unknown", "missing", "different", "purged", "elsewhere",
	 * "stranger"; "unfinished" has no path.
	 */
	void (*found)(void *arg, const char *tenant_id, const char *path, const char *what);
	void *arg;
	int64_t tenants, objects, findings, left; /* left: those that stay even so */
};
enum err objects_audit(struct ctx *cx, struct objects_audit *a) MUST_USE;

#endif
