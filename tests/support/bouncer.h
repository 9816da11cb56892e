/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_BOUNCER_H
#define CC_TESTS_BOUNCER_H

#include "client.h"

/*
 * What a bouncer does with a bundle, by the documentation of OPA: asks with the ETag it has and the wish to
 * wait, takes the archive apart, and believes it only when every file in it has the digest that its
 * signature names, and the signature the tenant's published key. Failures end the test.
 */
#define BOUNCER_FILES_MAX 64

struct bouncer_file {
	char name[256];
	char *text;
	size_t n;
};

struct bouncer_bundle {
	struct bouncer_file file[BOUNCER_FILES_MAX];
	size_t n;
	json_t *manifest, *data;
	char revision[80];
};

/* A key for bouncers of this environment ("sandbox", "production"); malloc'ed. */
char *bouncer_key(struct daemon *d, const char *tenant_id, const char *environment);
/* GET /bundles/<environment>; etag NULL: it has none; wait_s < 0: it does not wait. */
const struct answer *bouncer_ask(struct client *c, const char *environment, const char *etag, int wait_s);
/* The same until it is another one than etag, or any for NULL; 200. */
const struct answer *bouncer_pull(struct client *c, const char *environment, const char *etag);
/* keys: the answer of /.well-known/controlcore-keys/<tenant id>. */
void bouncer_open(const struct answer *bundle, const struct answer *keys, struct bouncer_bundle *ret);
void bouncer_close(struct bouncer_bundle *b);
const struct bouncer_file *bouncer_file(
	const struct bouncer_bundle *b, const char *name); /* NULL: not there */

/* So many connections that ask and wait, none of which has a thread. */
struct crowd;
struct crowd *crowd_open(
	int port, int n, const char *key, const char *environment, const char *etag, int wait_s);
/* How many have an answer that begins with this, within ms. */
int crowd_answered(struct crowd *c, const char *begin, int ms);
void crowd_close(struct crowd *c);

#endif
