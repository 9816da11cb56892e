/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SCHEMA_WRITE_H
#define CC_SCHEMA_WRITE_H

#include "cc/schema/schema.h"

/* Any thread, one at a time for what lives in one arena. */

/* JSON text writer over a str; keeps commas and nesting (at most 32 deep). No tree. */
struct jw {
	struct str *out;
	unsigned depth;
	uint32_t started;       /* bit per level: a value was written */
	bool after_key;
};

void jw_init(struct jw *w, struct str *out);
void jw_object(struct jw *w);
void jw_object_end(struct jw *w);
void jw_array(struct jw *w);
void jw_array_end(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_text(struct jw *w, const char *s);              /* NULL writes null; s is valid UTF-8 */
void jw_int(struct jw *w, int64_t v);
void jw_hundredths(struct jw *w, int64_t v);             /* 9900 writes 99.00 */
void jw_num(struct jw *w, double v);                    /* NAN writes null */
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_time(struct jw *w, int64_t t);                  /* TIME_NULL writes null */
void jw_raw(struct jw *w, const char *json);            /* already JSON */
/* Appends JSON as the writer makes it, without blanks, laid out in lines for people. */
void jw_indent(struct str *out, const char *json);

enum write_mode {
	WRITE_FULL,     /* every F_OUT field */
	WRITE_LIST,     /* without F_FULL fields */
	WRITE_KEPT,     /* without F_SECRET fields: what may be shown again */
};
void schema_write(struct jw *w, const struct schema *s, const void *obj, enum write_mode mode);
/* One value, as in the object. */
void schema_write_value(struct jw *w, const struct field *f, const void *member, enum write_mode mode);

/* JSON Schema (2020-12) fragments, for the OpenAPI document. */
enum schema_use {
	USE_CREATE,
	USE_UPDATE,     /* PATCH: nothing is required */
	USE_OUT,
	USE_REPLACE,    /* PUT */
	USE_KEPT,       /* an item of a list in a reply, as it was sent: what may be left out may be absent */
};
void schema_write_jsonschema(struct jw *w, const struct schema *s, enum schema_use use);
void schema_write_field_jsonschema(struct jw *w, const struct field *f, enum schema_use use);
/* What could be sent: the fields that must be, and those that the table shows an example of. */
void schema_write_example(struct jw *w, const struct schema *s, enum schema_use use);
void schema_write_example_value(struct jw *w, const struct field *f, enum schema_use use);

#endif
