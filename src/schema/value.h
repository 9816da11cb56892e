/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_SCHEMA_VALUE_H
#define CC_SRC_SCHEMA_VALUE_H

#include "cc/base/ctx.h"
#include "cc/schema/schema.h"

/* Room for a member of any kind except K_OBJ. */
union value {
	const char *text;
	int64_t number;
	bool truth;
	double real;
	struct strv list;
	struct bytes bytes;
};

size_t value_size(const struct field *f);
bool value_is_null(const struct field *f, const void *member);
void value_set_null(const struct field *f, void *member);
/* A default or example of the table, not of a K_OBJ. */
void value_set_text(struct arena *a, const struct field *f, const char *text, void *member);
/* The default of the table; descends into K_OBJ. */
void value_set_default(struct arena *a, const struct field *f, void *member);
void schema_set_defaults(struct arena *a, const struct schema *s, void *obj);

/* SIZE_MAX when there is none; dots are not special here. */
size_t schema_index(const struct schema *s, const char *name);
/* Which fields were sent; all of them when the struct does not say. */
uint64_t schema_seen_bits(const struct schema *s, const void *obj);
void schema_set_seen_bits(const struct schema *s, void *obj, uint64_t seen);

/* The shortest decimal form that reads back as v, which is finite. */
#define NUM_TEXT_SIZE 32
void num_text(char ret[NUM_TEXT_SIZE], double v);

/* Of a K_JSON object, printed. */
size_t json_bytes_max(const struct field *f);
bool json_text_valid(const char *s);
/* Equal as JSON values: blanks and the order of keys do not count. NULL is null. */
bool json_text_equal(const char *a, const char *b);
/* RFC 7396: what patch makes of target (NULL is null); nulls inside of patch remove members. */
const char *json_text_merge(struct arena *a, const char *target, const char *patch);

#endif
