/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_STORE_OBJSTORE_H
#define CC_STORE_OBJSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/err.h"

/*
 * Where objects lie: a folder, or a bucket of an S3 server, behind one interface. An object is bytes under a
 * key, written whole or not at all, and never changed. Any thread; calls block, and end at their deadline
 * (clock_mono_ms()) whatever the server does. Memory in use is constant: at most one part (OBJ_PART) a call.
 * Nothing is logged here: results have words for the log.
 */
struct objstore;
struct http_client;

#define OBJ_PART (8 << 20) /* bytes; what is larger travels to S3 in parts of this size */
#define OBJ_KEY_MAX 512
#define OBJ_SHA_LEN 32

/*
 * The name of an object. Made by obj_key_make() alone, which puts it below `tenants/<tenant id>/` and lets
 * nothing leave that; the stores look at it once more.
 */
struct obj_key {
	char text[OBJ_KEY_MAX + 1];
};

/*
 * path: segments of letters, digits and ._-, none of which begins with a dot, with a slash between two:
 * "bundles/production/17.tar.gz". False: the tenant's id or the path is none, and *ret names nothing.
 */
bool obj_key_make(struct obj_key *ret, const char *tenant_id, const char *path) MUST_USE;
/* All that a tenant has: "tenants/tenant-acme-123456/". For obj_list() alone. */
bool obj_prefix_make(struct obj_key *ret, const char *tenant_id) MUST_USE;
/* What is behind the tenant's prefix, in the key itself; NULL: it is another's. */
const char *obj_key_path(const struct obj_key *key, const char *tenant_id);

enum obj_result {
	OBJ_OK,
	OBJ_MISSING,   /* there is no such object */
	OBJ_EXISTS,    /* OBJ_ONCE: there is one already, of whatever content */
	OBJ_BAD_KEY,   /* the key could leave its place; nothing was done */
	OBJ_DIFFERENT, /* what came is not what was stored: its size or SHA-256 differ */
	OBJ_TOO_LARGE, /* more than 10000 parts, or than the caller takes */
	OBJ_STOPPED,   /* the caller's own read or write function said no */
	OBJ_DENIED,    /* the store does not let us: credentials, rights, no such bucket */
	OBJ_FULL,      /* no space is left */
	OBJ_LATE,      /* the deadline passed */
	OBJ_BROKEN,    /* anything else, tried again in vain */
};
const char *obj_result_text(enum obj_result r);

/* What is known of an object, and words for the log when something failed. */
struct obj_got {
	int64_t size;
	unsigned char sha256[OBJ_SHA_LEN]; /* of obj_put() and obj_get() */
	char error[256];
};

/* Up to max bytes to buf; 0 at the end; negative: it cannot be read. */
typedef int64_t (*obj_read_fn)(void *arg, void *buf, size_t max);
/* False: no more is wanted. */
typedef bool (*obj_write_fn)(void *arg, const void *p, size_t n);
typedef bool (*obj_each_fn)(void *arg, const struct obj_key *key, int64_t size);

enum {
	OBJ_ONCE = 1 << 0, /* only where there is none yet; one of the same bytes may count as done */
};

/* Stores what read gives. It is there with OBJ_OK, complete and on disk; else it is not, or as it was. */
enum obj_result obj_put(struct objstore *s, const struct obj_key *key, unsigned flags, obj_read_fn read,
	void *arg, int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/*
 * Hands the bytes to write as they come. sha256: what it must be (NULL: whatever it is); that it differs is
 * known only at the end, OBJ_DIFFERENT, and what was written counts for nothing then. size_max: more is
 * OBJ_TOO_LARGE.
 */
enum obj_result obj_get(struct objstore *s, const struct obj_key *key, const unsigned char *sha256,
	int64_t size_max, obj_write_fn write, void *arg, int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/* The same without the bytes: whether they are there and what was stored, or, for NULL, which they are. */
enum obj_result obj_check(struct objstore *s, const struct obj_key *key, const unsigned char *sha256,
	int64_t size_max, int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/* Its size. */
enum obj_result obj_stat(
	struct objstore *s, const struct obj_key *key, int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/* OBJ_OK also when there was none. */
enum obj_result obj_delete(
	struct objstore *s, const struct obj_key *key, int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/*
 * Each object below a prefix of obj_prefix_make(), in no order. each false ends it: OBJ_STOPPED. A store that
 * lists something else is OBJ_BROKEN.
 */
enum obj_result obj_list(struct objstore *s, const struct obj_key *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/* The same of all tenants, one tenant behind the other. */
enum obj_result obj_walk(struct objstore *s, obj_each_fn each, void *arg, int64_t deadline_ms,
	struct obj_got *ret) MUST_USE;
/*
 * Uploads in parts below a prefix that began more than older_s seconds ago (0: whenever) and did not come to
 * an end: *ret_n of them, taken back where `remove` says so. A folder has none: what lies aside there is
 * forgotten when it is opened.
 */
enum obj_result obj_sweep(struct objstore *s, const struct obj_key *prefix, int64_t older_s, bool remove,
	int64_t deadline_ms, int64_t *ret_n, struct obj_got *ret) MUST_USE;
/*
 * What lies below a prefix when obj_list() shows nothing there any more. Versions that a bucket keeps, and
 * its marks of deletion, are removed, some hundred at a time. What has a name that obj_key_make() never makes
 * is counted and left alone: what it leads to may be anybody's.
 */
struct obj_rest {
	int64_t removed, strange;
	bool more; /* there may be more to remove */
};
enum obj_result obj_clear(struct objstore *s, const struct obj_key *prefix, int64_t deadline_ms,
	struct obj_rest *ret_rest, struct obj_got *ret) MUST_USE;
/*
 * A URL by which whoever has it can get the object for ttl_s seconds (1 to 604800), without credentials.
 * NULL: the store has no such thing (a folder), or the key is none.
 */
char *obj_presign(struct objstore *s, struct arena *a, const struct obj_key *key, int64_t ttl_s);

/* The same for what fits into memory. */
enum obj_result obj_put_bytes(struct objstore *s, const struct obj_key *key, unsigned flags, const void *p,
	size_t n, int64_t deadline_ms, struct obj_got *ret) MUST_USE;
/* *ret_bytes: in the arena, NUL-terminated; ret->size of them. */
enum obj_result obj_get_bytes(struct objstore *s, struct arena *a, const struct obj_key *key,
	const unsigned char *sha256, size_t max, int64_t deadline_ms, char **ret_bytes,
	struct obj_got *ret) MUST_USE;

/*
 * A folder that exists, and nobody else writes to. Its objects are files, written aside, synced and
 * renamed; no symbolic link below it is followed. NULL with *ret_error (in the arena): it cannot be used.
 */
struct objstore *objstore_folder(struct arena *a, const char *path, const char **ret_error);

struct s3_conf {
	const char *endpoint; /* "https://s3.eu-west-1.amazonaws.com", without a path */
	const char *region, *bucket;
	const char *access_key, *secret_key;
	bool path_style; /* endpoint/bucket/key; else bucket.endpoint/key */
	int attempt_ms;  /* one request without an answer is given up, and tried again; 0: 20000 */
	int list_page;   /* how many keys are asked for at a time; 0: 1000 */
};
/* A bucket that exists. conf is copied; the client outlives it. Nothing is asked yet. */
struct objstore *objstore_s3(struct http_client *client, const struct s3_conf *conf);
/* Nobody uses it any more. NULL is fine. */
void objstore_destroy(struct objstore *s);

#endif
