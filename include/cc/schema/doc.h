/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SCHEMA_DOC_H
#define CC_SCHEMA_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/str.h"

/*
 * A JSON object whose shape no table describes: read as a whole, asked for members by name, and
 * printed in its one canonical form. One thread at a time.
 */
struct doc;

/*
 * NULL: not a JSON object, a key twice, nested deeper than JSON_DEPTH_MAX …; *ret_error says what, in the
 * arena. doc_free() gives it back.
 */
struct doc *doc_parse(struct arena *a, const char *text, size_t len, const char **ret_error);
void doc_free(struct doc *d);                   /* NULL is fine */

/* The member, or NULL when it is absent or of another kind; valid until doc_free(). */
const char *doc_text(const struct doc *d, const char *key);
/* A text, or an array of texts: copied to the arena. False: absent, or anything else in it. */
bool doc_texts(const struct doc *d, const char *key, struct strv *ret);
/* A member that is an object. Belongs to d. */
const struct doc *doc_object(const struct doc *d, const char *key);
/* The name of its i-th member, in the order of the text; NULL behind the last. Belongs to d. */
const char *doc_name(const struct doc *d, size_t i);
bool doc_int(const struct doc *d, const char *key, int64_t *ret);
bool doc_true(const struct doc *d, const char *key);
/* The member as compact JSON in the arena; NULL when it is absent. */
const char *doc_value(const struct doc *d, const char *key);
bool doc_has(const struct doc *d, const char *key);
/* Members that are an array of objects: the i-th, NULL behind the last. Belongs to d. */
const struct doc *doc_item(const struct doc *d, const char *key, size_t i);

/*
 * RFC 8785: keys sorted, no spaces, the shortest escapes. Members named in `without` (NULL-terminated;
 * may be NULL) are left out at the top. False: it holds a number that is no integer of at most 2^53.
 */
bool doc_canonical(const struct doc *d, const char *const *without, struct str *out);
/*
 * Any JSON without blanks and with sorted keys, numbers as they can be read, and escaped as Go's encoder
 * does without its care for HTML: what OPA sums up of a file is then the file itself. NULL: *ret_error says
 * why not.
 */
const char *json_sorted(struct arena *a, const char *text, const char **ret_error);
/* Both steps for a text. NULL: *ret_error says why not. */
const char *json_canonical(struct arena *a, const char *text, const char **ret_error);

#endif
