/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_ROUTER_H
#define CC_SRC_HTTP_ROUTER_H

#include "cc/http/server.h"

enum { METHODS = M_OTHER + 1, SEGMENTS_MAX = 16 };

/* What the tag of an answer is made of; see etag.h. */
enum etag_kind {
	ETAG_NONE,
	ETAG_ROW,
	ETAG_ROW_AND_BODY,      /* more than the row shows in it; If-Match compares the row alone */
	ETAG_LIST,              /* the tenant's head row */
	ETAG_BODY,
};

/* What is derived from a row of the table once, when the server starts. */
struct entry {
	const struct route *route;
	size_t number;                          /* in the order of the table, from 1 */
	const char *path;                       /* prefix and path */
	const char *param_name[REQ_PARAMS_MAX];
	int nparams;
	enum read_mode read_mode;               /* how a body is read */
	bool body_required;                     /* route_needs_body() */
	bool secret;                            /* body or answer hold a secret: memory is wiped */
	bool checks_version;                    /* route_checks_version() */
	enum etag_kind etag;
	const struct field *row_version;        /* of the reply; NULL: it has none */
	uint64_t shape;                         /* of the reply, for its tag */
	const struct entry *object;             /* whose tag a 412 names: GET of the same path, or itself */
	const char *fixed, *fixed_etag;         /* ROUTE_FIXED: the answer; else NULL */
	const struct http_header *fixed_header; /* what its handler added; nfixed_header of them */
	int nfixed_header;
	const char *fixed_gzip;                 /* the same compressed; NULL: it is not smaller */
	size_t fixed_gzip_len;
	struct entry *next;                     /* in the order of the table */
	const struct node *node;
};

/*
 * target: the path as it was sent, without query; segments are decoded after the split, so an
 * encoded slash never makes a segment. NULL: no such path, or (ret_path_known) not this method;
 * then ret_allow says which. HEAD finds the GET row.
 */
const struct entry *router_look(const struct router *r, enum method m, const char *target, struct arena *a,
				struct req *ret_params, const char **ret_allow, bool *ret_path_known);

size_t router_count(const struct router *r);
/* The entry behind e, in the order of the table; NULL: the first, and at the end. */
const struct entry *router_next(const struct router *r, const struct entry *e);

/* An empty body is refused: something is required in it, or it is to say what changes. */
bool route_needs_body(const struct route *r);

/* What is wrong with a group's rows in themselves, or NULL. */
const char *route_self_check(struct arena *a, const struct route_group *g, const struct route *r);

#endif
