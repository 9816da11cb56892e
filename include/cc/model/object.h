/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_OBJECT_H
#define CC_MODEL_OBJECT_H

#include "cc/schema/schema.h"

/* Rows of a tenant's catalogue of objects. None of these is seen by a client. */
struct object_row {
	const char *key; /* behind the tenant's prefix */
	int64_t size;
	struct bytes sha256;
};
extern const struct schema object_row_schema;

/* Where the newest bundle of an environment stands. */
struct bundle_row {
	int64_t head_version, epoch;
	const char *key; /* NULL: there is none yet */
	int64_t size;
	struct bytes sha256;
	const char *revision;
	int64_t version; /* of the head, up to which it holds all that counts */
	bool touched;    /* something that it is made of has changed since */
	bool newer;      /* than all that whoever asks has, as far as anybody knows */
	const char *trouble; /* why it could not be made or fetched the last time; NULL: it could */
};
extern const struct schema bundle_row_schema;

/* An environment without the bundle that it should have. */
struct bundle_trouble {
	const char *environment, *why;
	int64_t since;
};
extern const struct schema bundle_trouble_schema;

struct bundle_policy {
	int64_t id;
	const char *name, *rego_code;
	int64_t resource_id, bouncer_id; /* INT_NULL: none */
	int64_t version;
};
extern const struct schema bundle_policy_schema;

#endif
