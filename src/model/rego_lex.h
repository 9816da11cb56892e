/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_MODEL_REGO_LEX_H
#define CC_SRC_MODEL_REGO_LEX_H

#include <stdint.h>

#include "cc/model/rego.h"

/* The tokens of a module, and where its faults are collected. */

enum rego_kind {
	R_END,    /* after the last */
	R_WORD,   /* names and keywords */
	R_STRING, /* of any sort, template strings as a whole */
	R_NUMBER,
	R_OPEN,
	R_CLOSE, /* ( [ {  ) ] } */
	R_OP,    /* := = == != < <= > >= + - * / % & | */
	R_COMMA,
	R_COLON,
	R_SEMI,
	R_DOT,
};

struct rego_token {
	uint32_t at, len, line, last_line; /* strings may end on another line than they begin on */
	uint32_t mate;                     /* of brackets: index of the other one; 0: none */
	uint8_t kind;
	char c;       /* its first character */
	bool tight;   /* nothing stands between it and the token before */
	bool inside;  /* of some brackets */
	bool blurred; /* something that is no token stood before it, and was reported */
};

struct rego_scan {
	struct arena *arena;
	const char *text;
	size_t n;
	struct rego_token *token; /* the last is R_END */
	size_t ntokens;
	bool brackets_fit;
	struct rego_module *out;
	size_t fault_at[REGO_FAULTS_MAX]; /* byte offsets, to sort by */
	uint16_t rule_slot[2 * REGO_RULES_MAX]; /* where out->rule has those of a name, from 1 */
};

/* Splits the text; what is wrong with single tokens and with brackets is reported. */
void rego_lex(struct rego_scan *s);
/* Reports a fault at this byte. Beyond REGO_FAULTS_MAX the last in the text are not kept. */
void rego_fault(struct rego_scan *s, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Line and column of a byte. */
void rego_where(const struct rego_scan *s, size_t at, size_t *ret_line, size_t *ret_column);
/* The names of a path, tokens from `from` to before `end`, with slashes; NULL: not all of them are plain. */
const char *rego_path(const struct rego_scan *s, const struct rego_token *from, const struct rego_token *end);
/* rego_union.c: a rule whose head has its name from there to before `end`, with brackets and arguments. */
void rego_add_rule(
	struct rego_scan *s, const struct rego_token *name, const struct rego_token *end, bool is_default);
bool rego_is_word(const struct rego_scan *s, const struct rego_token *t, const char *word);

#endif
