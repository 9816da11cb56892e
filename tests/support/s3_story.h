/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_S3_STORY_H
#define CC_TESTS_S3_STORY_H

#include "objstore_story.h"
#include "s3_peer.h"

/* What stores on S3 servers must do beside the stories of all stores. fx->own: struct s3_stage. */
struct s3_stage {
	struct s3_peer *peer;
	struct http_client *http;
};

/* Asks the server itself, signed: "PUT", "/objects/x", "versioning" (or NULL), a body (or ""). */
void s3_story_ask(struct objstore_fixture *fx, const char *method, const char *path, const char *query,
	const char *body);
/* What obj_clear() finds of a tenant. */
struct obj_rest s3_story_cleared(struct objstore_fixture *fx, const char *tenant);

struct CMUnitTest;

/*
 * A suite: the server is started, must do all that every store must and every S3 server, and what `own`
 * (n of them) says of this one beside. What main() answers.
 */
int s3_stories(enum s3_server which, const struct CMUnitTest *own, size_t n);

#endif
