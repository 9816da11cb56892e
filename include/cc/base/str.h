/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_STR_H
#define CC_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"

/* Any thread, one at a time for what lives in one arena. */

/* Growing text in an arena; always NUL-terminated. Old copies stay in the arena. */
struct str {
	struct arena *arena;
	char *data;
	size_t len, cap;
};

void str_init(struct str *s, struct arena *a, size_t reserve);
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *text, size_t n);
void str_add_char(struct str *s, char c);
void str_add_int(struct str *s, int64_t v);
/* In a table of Markdown: escapes the bar, which would end the cell, and what would begin a tag. */
void str_add_cell(struct str *s, const char *text);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool str_eq(const char *a, const char *b);               /* both may be NULL; NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool utf8_valid(const char *s, size_t n);                /* RFC 3629: no surrogates, no overlong forms */
size_t utf8_step(const char *s, size_t n);                /* bytes of its first character; 0: not UTF-8 */
size_t utf8_length(const char *s);                       /* code points of a valid string */
/*
 * In place: what a terminal would obey, or show elsewhere than where it stands (controls of C0 and C1, marks
 * of direction and of lines), and bytes that are not UTF-8, become ? each.
 */
void str_tame(char *text);
char *str_lower(struct arena *a, const char *s);         /* ASCII only */

/* Decimal digits with an optional '-', whole string, no overflow. */
bool parse_int64(const char *s, int64_t *ret);
bool parse_bool(const char *s, bool *ret);               /* true false */

/* A list of texts. */
struct strv {
	const char *const *v;
	size_t n;
};
bool strv_has(const struct strv *l, const char *s);
bool strv_equal(const struct strv *a, const struct strv *b);     /* the same texts in the same order */

#endif
