/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_GUARD_H
#define CC_SRC_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/http/route.h"

enum { TARGET_MAX = 4096, QUERY_PAIRS_MAX = 64, REQUEST_ID_MAX = 64, IDEMPOTENCY_KEY_MAX = 255,
	METHOD_MAX = 32 };

/*
 * What may not reach anything behind it. Functions here are pure; *ret_why is a sentence for the
 * client, set on refusal.
 */

/* The raw request target: origin-form only, visible ASCII, every escape whole, no %00. */
enum err guard_target(const char *raw, size_t n, const char **ret_why) MUST_USE;
/* Host header → lower case without port and trailing dot. False: malformed. */
bool guard_host(struct arena *a, const char *value, const char **ret);
/* Query part (after '?', may be NULL) → decoded pairs. */
enum err guard_query(struct arena *a, const char *query, struct kv **ret, size_t *ret_n,
		     const char **ret_why) MUST_USE;
/*
 * There is a credential in it that somebody put there by mistake: what looks like a key or a token, in any
 * place and however often it is escaped, or what is called one ("key=…", "Bearer …", "user:password@").
 */
bool guard_tells_secret(struct arena *a, const char *text);
/* 1 to 64 of [A-Za-z0-9._-], and no credential. */
bool guard_request_id(const char *value);
/* application/json, with nothing but charset=utf-8 as a charset; patch: or application/merge-patch+json. */
bool guard_json_type(const char *value, bool patch);
/* What is wrong with the Idempotency-Key, or NULL; none at all is fine. */
const char *guard_idempotency_key(const struct http_in *in);

/* Header by header in the order received, then guard_headers_end(). */
struct guard_headers {
	struct http_in *in;             /* filled */
	struct arena *arena;            /* for what is joined */
	const char *request_id;         /* the client's, when it may be used */
	const char *raw_host;
	uint64_t content_length;
	int n_host, n_length, n_coding, n_type;
	bool chunked, expects_continue;
	const char *why;                /* the first fault */
};
void guard_header(struct guard_headers *g, const char *name, size_t name_len, const char *value,
		  size_t value_len);
enum err guard_headers_end(struct guard_headers *g, struct arena *a) MUST_USE;

#endif
