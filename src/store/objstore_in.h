/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_STORE_OBJSTORE_IN_H
#define CC_SRC_STORE_OBJSTORE_IN_H

#include "cc/store/objstore.h"

/* What a kind of store can do. Keys are looked at before it is asked. */
struct objstore_kind {
	enum obj_result (*put)(struct objstore *s, const char *key, unsigned flags, obj_read_fn read,
		void *arg, int64_t deadline_ms, struct obj_got *ret);
	enum obj_result (*get)(struct objstore *s, const char *key, int64_t size_max, obj_write_fn write,
		void *arg, int64_t deadline_ms, struct obj_got *ret);
	enum obj_result (*stat)(
		struct objstore *s, const char *key, int64_t deadline_ms, struct obj_got *ret);
	enum obj_result (*remove)(
		struct objstore *s, const char *key, int64_t deadline_ms, struct obj_got *ret);
	enum obj_result (*list)(struct objstore *s, const char *prefix, obj_each_fn each, void *arg,
		int64_t deadline_ms, struct obj_got *ret);
	char *(*presign)(
		struct objstore *s, struct arena *a, const char *key, int64_t ttl_s); /* may be NULL */
	/* may be NULL: nothing is ever unfinished */
	enum obj_result (*sweep)(struct objstore *s, const char *prefix, int64_t older_s, bool remove,
		int64_t deadline_ms, int64_t *ret_n, struct obj_got *ret);
	enum obj_result (*clear)(struct objstore *s, const char *prefix, int64_t deadline_ms,
		struct obj_rest *ret_rest, struct obj_got *ret);
	void (*destroy)(struct objstore *s);
};

/* First member of each kind's own struct. */
struct objstore {
	const struct objstore_kind *kind;
};

#define OBJ_ROOT "tenants/" /* of all keys */

/* Whether every key of these bytes stays in its place. prefix: it ends with a slash instead of a name. */
bool obj_text_is_safe(const char *text, bool prefix);
/* Records the words; returns r. */
enum obj_result obj_fail(struct obj_got *ret, enum obj_result r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
