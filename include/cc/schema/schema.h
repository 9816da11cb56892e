/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SCHEMA_SCHEMA_H
#define CC_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * One table per object describes its fields once. JSON bodies, query strings, settings, rows of
 * PostgreSQL, JSON replies, OpenAPI and the contract tests all read this table.
 */
enum kind {
	K_TEXT,         /* const char *         NULL is null */
	K_INT,          /* int64_t              INT_NULL is null */
	K_BOOL,         /* bool */
	K_TIME,         /* int64_t, microseconds; TIME_NULL is null */
	K_NUM,          /* double               NAN is null */
	K_ENUM,         /* const char *, one of values[] (points into the table after reading) */
	/* struct strv; min..max items, each one of values[] if given, else 1..item_max characters */
	K_STRS,
	/* const char *, compact JSON text; with sub: an array of such objects; else any object */
	K_JSON,
	K_OBJ,          /* an embedded struct described by sub */
	K_BYTES,        /* struct bytes; database only */
};

#define INT_NULL INT64_MIN

enum {
	F_CREATE = 1 << 0,      /* may be sent to create */
	F_UPDATE = 1 << 1,      /* may be sent to change */
	F_OUT = 1 << 2,         /* appears in replies */
	F_REQUIRED = 1 << 3,    /* must be sent to create and to replace */
	F_NULLABLE = 1 << 4,    /* null is a value */
	F_VOLATILE = 1 << 5,    /* read-only, changes by itself: only its type counts when sent back */
	F_FULL = 1 << 6,        /* left out of list items unless the client asks for them in full */
	F_SECRET = 1 << 7,      /* never logged or echoed in a fault */
	F_SORT = 1 << 8,        /* lists may be sorted by it (column of the same name) */
	F_OPTIONAL_OUT = 1 << 9,/* left out of replies while null, instead of null */
	F_ROW_VERSION = 1 << 11,/* K_INT, one more with every change of the row: makes the object's ETag */
	F_ANY_JSON = 1 << 10,   /* K_JSON without sub: any JSON value, not only an object */
	F_MILLIS = 1 << 12,     /* K_TIME: printed with milliseconds */
	F_UNSHOWN = 1 << 14,    /* no secret, but people put one in: a fault does not echo what was found */
	F_HUNDREDTHS = 1 << 15, /* K_INT, replies only: two decimals, 9900 is printed as 99.00 */
	F_STICKY = 1 << 13,     /* to replace without it keeps it: the default is the new object's only */
	F_LIVE = 1 << 16,       /* a setting: a reload applies it, no restart is needed */
	F_IN = F_CREATE | F_UPDATE,
	F_RW = F_IN | F_OUT,
};

struct schema;
struct ctx;

struct field {
	const char *name;
	enum kind kind;
	unsigned flags;
	size_t offset;
	/* TEXT: characters; INT, NUM: value; STRS, JSON with sub: items; JSON: max bytes */
	int64_t min, max;
	const char *const *values;      /* NULL-terminated; ENUM, STRS */
	const struct schema *sub;
	int64_t item_max;               /* STRS: characters of one item */
	const char *def;                /* the default, in its text form; NULL: null, 0, false, empty */
	const char *example;            /* one that could be sent, in the same form; may be NULL */
	/* NULL when the text is fine, else the rest of a sentence: "must be a host name". */
	const char *(*check)(const char *text);
	const char *fault;              /* what is said of it for programs; NULL: "format" */
	/*
	 * Source text that passed its check: records a fault by refuse_line() for each place that is wrong.
	 * NULL: nothing to look at.
	 */
	void (*inspect)(struct ctx *cx, const char *path, const char *text);
	const char *doc;
};

struct schema {
	const char *name;               /* "Policy" */
	const struct field *fields;
	size_t nfields;
	size_t size;                    /* of the struct */
	/* Where the struct keeps `uint64_t seen`: which fields the client sent. SEEN_NONE: nowhere. */
	size_t seen_at;
	/*
	 * What others define, and send more of than we read: further members are passed over, integers are
	 * taken as numbers of any size, and no count of keys and items is capped but by the bytes.
	 */
	bool loose;
};
#define SEEN_NONE SIZE_MAX

/* offsetof() that stops the build when the member is not of the C type the kind needs. */
#define FIELD_AT(T, m, ctype) \
	(offsetof(T, m) + 0 * sizeof(char[_Generic(&((T *)0)->m, ctype *: 1)])) /* NOLINT: ctype is a type */

#define FIELD_OF(T, m, ctype, k, fl) \
	.name = #m, .kind = (k), .flags = (fl), .offset = FIELD_AT(T, m, ctype)

/* The words end a row, and members may follow them: TEXT(T, m, F_RW, 1, 9, "What.", .example = "a"). */
#define TEXT(T, m, fl, lo, hi, ...) \
	{ FIELD_OF(T, m, const char *, K_TEXT, fl), .min = (lo), .max = (hi), .doc = __VA_ARGS__ }
#define TEXT_LIKE(T, m, fl, lo, hi, fn, ...) \
	{ FIELD_OF(T, m, const char *, K_TEXT, fl), .min = (lo), .max = (hi), .check = (fn), \
	  .doc = __VA_ARGS__ }
#define INT(T, m, fl, lo, hi, ...) \
	{ FIELD_OF(T, m, int64_t, K_INT, fl), .min = (lo), .max = (hi), .doc = __VA_ARGS__ }
/* An amount of money in minor units, or anything else in hundredths: no double ever has it. */
#define HUNDREDTHS(T, m, fl, ...) \
	{ FIELD_OF(T, m, int64_t, K_INT, (fl) | F_HUNDREDTHS), .min = 0, .max = 0, .doc = __VA_ARGS__ }
#define BOOL(T, m, fl, ...) \
	{ FIELD_OF(T, m, bool, K_BOOL, fl), .doc = __VA_ARGS__ }
#define TIME(T, m, fl, ...) \
	{ FIELD_OF(T, m, int64_t, K_TIME, fl), .doc = __VA_ARGS__ }
#define NUM(T, m, fl, ...) \
	{ FIELD_OF(T, m, double, K_NUM, fl), .doc = __VA_ARGS__ }
#define ENUM(T, m, fl, vals, dflt, ...) \
	{ FIELD_OF(T, m, const char *, K_ENUM, fl), .values = (vals), .def = (dflt), .doc = __VA_ARGS__ }
#define STRS(T, m, fl, lo, hi, vals, imax, ...) \
	{ FIELD_OF(T, m, struct strv, K_STRS, fl), .min = (lo), .max = (hi), .values = (vals), \
	  .item_max = (imax), .doc = __VA_ARGS__ }
#define JSON(T, m, fl, hi, ...) \
	{ FIELD_OF(T, m, const char *, K_JSON, fl), .max = (hi), .doc = __VA_ARGS__ }
#define JSON_LIST(T, m, fl, hi, subschema, ...) \
	{ FIELD_OF(T, m, const char *, K_JSON, fl), .max = (hi), .sub = (subschema), .doc = __VA_ARGS__ }
#define OBJ(T, m, fl, subtype, subschema, ...) \
	{ FIELD_OF(T, m, subtype, K_OBJ, fl), .sub = (subschema), .doc = __VA_ARGS__ }
#define BYTES(T, m) \
	{ FIELD_OF(T, m, struct bytes, K_BYTES, 0) }

/* SCHEMA(policy_schema, struct policy, "Policy", policy_fields): no input. SCHEMA_IN: has `uint64_t seen`. */
#define SCHEMA_OF(T, title, table, seen) \
	{ .name = (title), .fields = (table), .nfields = sizeof(table) / sizeof((table)[0]), \
	  .size = sizeof(T), .seen_at = (seen) }
#define SCHEMA(sym, T, title, table) \
	const struct schema sym = SCHEMA_OF(T, title, table, SEEN_NONE)
#define SCHEMA_IN(sym, T, title, table) \
	const struct schema sym = SCHEMA_OF(T, title, table, FIELD_AT(T, seen, uint64_t))
#define SCHEMA_LOOSE(sym, T, title, table) \
	const struct schema sym = { .name = (title), .fields = (table), \
				    .nfields = sizeof(table) / sizeof((table)[0]), .size = sizeof(T), \
				    .seen_at = FIELD_AT(T, seen, uint64_t), .loose = true }

/* NULL when there is none. A dotted name descends into K_OBJ: "settings.max_users". */
const struct field *schema_field(const struct schema *s, const char *name);
/* The member's address; for dotted names schema_at() adds the offsets. */
void *schema_member(void *obj, const struct field *f);
const void *schema_member_const(const void *obj, const struct field *f);
void *schema_at(const struct schema *s, void *obj, const char *dotted, const struct field **ret_field);
bool schema_seen(const struct schema *s, const void *obj, const char *name);
/* A fresh struct with the defaults of the table (and nulls). */
void *schema_new(struct arena *a, const struct schema *s);
/*
 * What is wrong with the table itself (name twice, > 64 fields, min > max …), or NULL. Checked at start for
 * every table.
 */
const char *schema_self_check(struct arena *a, const struct schema *s);

#endif
