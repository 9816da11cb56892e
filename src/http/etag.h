/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_ETAG_H
#define CC_SRC_HTTP_ETAG_H

#include "router.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * Entity tags, all of them strong (RFC 9110 8.8.3):
 *   an object   "<row version>-<hash>"
 *   a list      "<epoch>-<version>-<hash>" of the tenant's head row, so that nothing else must be read
 *   all else    "<hash>"
 * The hash covers whom the answer is for and what kind of answer it is, and the body where more than the
 * row shows in it. Two tenants never have a tag in common, whatever a cache between makes of it.
 */

/*
 * An answer that is compressed is another representation, with a tag of its own (RFC 9110 8.8.3.3): the same
 * one and ETAG_GZIP behind it. Both name the same state, so in a condition one is as good as the other.
 */
#define ETAG_GZIP "-gzip"

/* A tag as a client sent it, without its quotes. */
struct etag {
	const char *text;
	size_t len;                     /* without ETAG_GZIP */
	bool weak, gzip;
};

/* The value of If-Match or If-None-Match. */
struct etags {
	bool sent;
	bool any; /* "*" */
	struct etag *v;
	size_t n;
};

enum etag_compare { ETAG_STRONG, ETAG_WEAK };

/* value NULL: not sent. False: malformed. */
bool etags_parse(struct arena *a, const char *value, struct etags *ret) MUST_USE;
/* Is a tag of ours (without quotes) among them? */
bool etags_have(const struct etags *l, const char *tag, enum etag_compare how);
/* … and, of the two that are the same state, this very one? */
bool etags_have_form(const struct etags *l, const char *tag, bool gzip);
/* The row versions they name: of a tag what stands before its first '-'. */
struct versions etags_versions(struct arena *a, const struct etags *l, enum etag_compare how);

/* Fills e->etag, e->row_version and e->shape; get: the GET of the same path, or NULL. */
void etag_derive(struct entry *e, const struct entry *get);

/* All without quotes. */
const char *etag_of_row(struct arena *a, const struct entry *e, const char *audience, int64_t row_version,
	const char *body, size_t body_len);
const char *etag_of_body(
	struct arena *a, const struct entry *e, const char *audience, const char *body, size_t body_len);
/* Of a list: what follows the head's version, and the whole. */
const char *etag_list_hash(struct arena *a, const struct entry *e, const struct req *rq);
const char *etag_of_list(struct arena *a, const struct req *rq, const char *hash);
/* Whether one of them could be of this list, at some version. */
bool etags_may_be_list(const struct etags *l, const char *hash);

#endif
