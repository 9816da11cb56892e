/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_SCHEMA_CHECK_H
#define CC_SRC_SCHEMA_CHECK_H

#include "cc/base/ctx.h"
#include "cc/schema/schema.h"

/* Where a value stands, from the inside outwards; written out only when there is a fault to report. */
struct place {
	const struct place *up;         /* NULL: the body itself */
	const char *name;               /* NULL: an item of a list */
	size_t index;
};

char *place_text(struct arena *a, const struct place *at);
/* At most 60 characters of a client's text, to be quoted in a message. */
const char *clipped(struct arena *a, const char *s);

/* Records a fault; the message is the field's name in backquotes and the rest that is given. */
void fault_add(struct ctx *cx, const struct place *at, const char *error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The bounds of the table. False: a fault was recorded. */
bool check_text(struct ctx *cx, const struct place *at, const struct field *f, const char *s);
bool check_int(struct ctx *cx, const struct place *at, const struct field *f, int64_t v);
bool check_num(struct ctx *cx, const struct place *at, const struct field *f, double v);
bool check_count(struct ctx *cx, const struct place *at, const struct field *f, size_t n);
/* One item of a K_STRS field, or the value of a K_ENUM: the text to keep, NULL after a fault. */
const char *check_item(struct ctx *cx, const struct place *at, const struct field *f, const char *s);
const char *check_enum(struct ctx *cx, const struct place *at, const struct field *f, const char *s);

/* A value in its text form (query string, settings, default), parsed and checked into the member. */
bool read_text_value(struct ctx *cx, const struct place *at, const struct field *f, const char *s,
		     void *member);

#endif
