/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_ROUTER_H
#define CC_SRC_HTTP_ROUTER_H

#include "cc/http/server.h"

enum { METHODS = M_OTHER + 1, SEGMENTS_MAX = 16 };

/* What is derived from a row of the table once, when the server starts. */
struct entry {
	const struct route *route;
	const char *path;                       /* prefix and path */
	const char *param_name[REQ_PARAMS_MAX];
	int nparams;
	enum read_mode read_mode;               /* how a body is read */
	bool body_required;                     /* route_needs_body() */
	bool secret;                            /* body or answer hold a secret: memory is wiped */
};

/*
 * target: the path as it was sent, without query; segments are decoded after the split, so an
 * encoded slash never makes a segment. NULL: no such path, or (ret_path_known) not this method;
 * then ret_allow says which. HEAD finds the GET row.
 */
const struct entry *router_look(const struct router *r, enum method m, const char *target, struct arena *a,
				struct req *ret_params, const char **ret_allow, bool *ret_path_known);

/* An empty body is refused: something is required in it, or it is to say what changes. */
bool route_needs_body(const struct route *r);

/* What is wrong with a group's rows in themselves, or NULL. */
const char *route_self_check(struct arena *a, const struct route_group *g, const struct route *r);

#endif
