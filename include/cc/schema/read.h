/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SCHEMA_READ_H
#define CC_SCHEMA_READ_H

#include "cc/base/ctx.h"
#include "cc/schema/schema.h"

/* Any thread: what is touched is the caller's or constant. */

enum read_mode {
	READ_CREATE,    /* defaults filled in, required enforced, only F_CREATE fields */
	/* PUT: required enforced; F_UPDATE fields, and F_OUT ones for schema_overlay() to compare */
	READ_REPLACE,
	READ_MERGE,     /* PATCH: nothing required; the same fields */
};

/*
 * Caps on what a body may be, whatever its size: nesting, and but for loose schemas keys of all objects,
 * items of all arrays.
 */
#define JSON_DEPTH_MAX 32
#define JSON_KEYS_MAX 1024

/*
 * JSON text → struct (ret is schema->size bytes, zeroed by the callee). Text is copied into
 * cx->arena. ERR_INVALID_REQUEST: not JSON, not an object, not UTF-8, duplicate key, too deep,
 * too many keys (message says where). ERR_VALIDATION: cx->problem.faults holds every fault.
 */
enum err schema_read_json(struct ctx *cx, const struct schema *s, const char *text, size_t len,
			  enum read_mode mode, void *ret) MUST_USE;

/* One pair of a query string or of a settings section, decoded. */
struct kv {
	const char *key, *value;
};

/* The same from pairs: only scalars, STRS as comma-separated text. A repeated key is a fault. */
enum err schema_read_kv(struct ctx *cx, const struct schema *s, const struct kv *pairs, size_t n,
			void *ret) MUST_USE;

/*
 * Lays what the client sent over the current object. READ_REPLACE resets unsent F_UPDATE fields to
 * their defaults, READ_MERGE keeps them. A sent field that cannot change must equal the current
 * value (compared as it would be printed), else it is a fault `read_only`; F_VOLATILE ones have only
 * their type checked, when they are read. ret_changed (may be NULL): names of the fields that really changed.
 */
enum err schema_overlay(struct ctx *cx, const struct schema *s, void *current, const void *sent,
			enum read_mode mode, struct strv *ret_changed) MUST_USE;

#endif
