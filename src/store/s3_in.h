/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_STORE_S3_IN_H
#define CC_SRC_STORE_S3_IN_H

#include <stdatomic.h>

#include "objstore_in.h"
#include "sigv4.h"
#include "cc/base/bytes.h"
#include "cc/net/http_client.h"

struct s3 {
	struct objstore store;
	struct http_client *http;
	char *scheme, *host; /* "https://", "s3.eu-west-1.amazonaws.com" with the bucket in front, or not */
	char *root;          /* "" or "/bucket" */
	char *region, *access_key, *secret_key;
	int attempt_ms, list_page;
	atomic_bool unconditional; /* the server said that it knows no If-None-Match */
};

struct s3_ask {
	const char *method;
	const char *key; /* NULL: the bucket */
	const struct sig_pair *query;
	size_t nquery;
	struct bytes body;
	const char *type;  /* of the body; NULL: none is said */
	const char *range; /* "bytes=10-"; NULL: all of it */
	bool once;         /* If-None-Match: * */
	bool (*take)(void *arg, int status, const void *p, size_t n);
	void *take_arg;
	int64_t deadline_ms;
};

struct s3_answer {
	struct http_got http;
	char code[64];    /* <Code> of an error; "" */
	bool again;       /* it may be different next time */
	bool unsupported; /* 501 */
};

/* One request and its answer. */
enum obj_result s3_attempt(
	struct s3 *s, struct arena *a, const struct s3_ask *ask, struct s3_answer *ret, struct obj_got *got);
/* As often as it takes, with pauses. */
enum obj_result s3_ask(
	struct s3 *s, struct arena *a, const struct s3_ask *ask, struct s3_answer *ret, struct obj_got *got);
/* Rests before attempt `i`; false: the deadline is nearer. */
bool s3_rest(int i, int64_t deadline_ms);
#define S3_ATTEMPTS 6
#define S3_ANSWER_MAX (4u << 20)

/* s3_upload.c: what is larger than a part. first: OBJ_PART + 1 bytes that have been read, overwritten. */
enum obj_result s3_upload(struct s3 *s, const char *key, unsigned flags, unsigned char *first,
	obj_read_fn read, void *arg, int64_t deadline_ms, struct obj_got *got);
/* s3_sweep.c: see obj_sweep(). */
enum obj_result s3_sweep(struct objstore *store, const char *prefix, int64_t older_s, bool remove,
	int64_t deadline_ms, int64_t *ret_n, struct obj_got *got);
/* s3_clear.c: see obj_clear(). */
enum obj_result s3_clear(struct objstore *store, const char *prefix, int64_t deadline_ms,
	struct obj_rest *ret_rest, struct obj_got *got);
/* obj_list() that counts what it passes over because of its name. */
enum obj_result s3_list_counting(struct s3 *s, const char *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, int64_t *ret_strange, struct obj_got *got);
/* Fills buf as far as there is something to read; negative: it cannot be read. */
int64_t s3_fill(obj_read_fn read, void *arg, unsigned char *buf, size_t max);

#endif
