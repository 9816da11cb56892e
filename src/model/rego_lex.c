/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a Rego module. */
#include "rego_lex.h"

#include <stdarg.h>
#include <string.h>

#include "cc/base/str.h"

#define TEMPLATES_MAX 16 /* template strings within each other; beyond that their insides are not followed */
#define FIRST_DIGIT_BEYOND_ASCII 0x660
#define BOM "\xEF\xBB\xBF"

struct lexer {
	struct rego_scan *s;
	const char *p, *end;
	uint32_t line;
	/* The innermost bracket that is open; until it is closed its token's mate is the next outwards. */
	uint32_t open;
	size_t depth;
	bool blurred; /* since the last token something was passed over */
};

/* Faults -------------------------------------------------------------------------------------------- */

void rego_where(const struct rego_scan *s, size_t at, size_t *ret_line, size_t *ret_column)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < s->n; i++) {
		if (s->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)s->text[i] & 0xC0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

void rego_fault(struct rego_scan *s, size_t at, const char *fmt, ...)
{
	struct rego_module *m = s->out;
	int i = m->nfaults;
	va_list ap;

	while (i > 0 && s->fault_at[i - 1] > at)
		i--;
	if (i == REGO_FAULTS_MAX)
		return;
	if (m->nfaults < REGO_FAULTS_MAX)
		m->nfaults++;
	for (int k = m->nfaults - 1; k > i; k--) {
		m->fault[k] = m->fault[k - 1];
		s->fault_at[k] = s->fault_at[k - 1];
	}
	s->fault_at[i] = at;
	rego_where(s, at, &m->fault[i].line, &m->fault[i].column);
	va_start(ap, fmt);
	m->fault[i].message = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
}

bool rego_is_word(const struct rego_scan *s, const struct rego_token *t, const char *word)
{
	return t->kind == R_WORD && t->len == strlen(word) && memcmp(s->text + t->at, word, t->len) == 0;
}

/* Tokens -------------------------------------------------------------------------------------------- */

static size_t offset(const struct lexer *l, const char *p)
{
	return (size_t)(p - l->s->text);
}

static uint32_t add_token(struct lexer *l, enum rego_kind kind, const char *from, bool tight)
{
	struct rego_scan *s = l->s;

	s->token[s->ntokens] = (struct rego_token){ .at = (uint32_t)offset(l, from),
		.len = (uint32_t)(l->p - from),
		.line = l->line,
		.last_line = l->line,
		.kind = (uint8_t)kind,
		.c = (char)(from < l->end ? *from : '\0'),
		.tight = tight,
		.inside = l->depth > 0,
		.blurred = l->blurred };
	l->blurred = false;
	return (uint32_t)s->ntokens++;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Bytes of the character at p when it may go on a name: digits of other scripts may, letters may not. */
static size_t name_step(const struct lexer *l)
{
	const unsigned char *p = (const unsigned char *)l->p;
	const size_t n = utf8_step(l->p, (size_t)(l->end - l->p));

	if (n == 1)
		return is_letter(*l->p) || is_digit(*l->p) ? 1 : 0;
	if (n == 2 && ((p[0] & 0x1FU) << 6 | (p[1] & 0x3FU)) < FIRST_DIGIT_BEYOND_ASCII)
		return 0;
	return memcmp(l->p, BOM, n < 3 ? n : 3) == 0 ? 0 : n;
}

static void skip_name(struct lexer *l)
{
	for (size_t n; l->p < l->end && (n = name_step(l)) > 0;)
		l->p += n;
}

static void skip_digits(struct lexer *l)
{
	while (l->p < l->end && is_digit(*l->p))
		l->p++;
}

static bool at_digit(const struct lexer *l)
{
	return l->p < l->end && is_digit(*l->p);
}

static void lex_number(struct lexer *l, bool tight)
{
	const char *from = l->p;
	bool good = true;

	skip_digits(l);
	if (l->p < l->end && *l->p == '.') {
		l->p++;
		good = at_digit(l);
		skip_digits(l);
	}
	if (l->p < l->end && (*l->p == 'e' || *l->p == 'E')) {
		l->p++;
		if (l->p < l->end && (*l->p == '+' || *l->p == '-'))
			l->p++;
		good = good && at_digit(l);
		skip_digits(l);
	}
	if (l->p < l->end && is_letter(*l->p)) {
		good = false;
		skip_name(l);
	}
	if (!good)
		rego_fault(l->s, offset(l, from), "this is not a number");
	add_token(l, R_NUMBER, from, tight);
}

/* Strings: the lexer stands behind the opening quote. ------------------------------------------------ */

static void skip_escape(struct lexer *l, bool template)
{
	const char *from = l->p++;
	int digits = 0;

	if (l->p >= l->end)
		return;
	if (*l->p == 'u') {
		for (l->p++; digits < 4 && l->p < l->end && is_one_of(*l->p, "0123456789abcdefABCDEF");
			digits++)
			l->p++;
		if (digits < 4)
			rego_fault(l->s, offset(l, from), "\\u takes four hexadecimal digits");
	} else if (is_one_of(*l->p, "\"\\/bfnrt") || (template && *l->p == '{')) {
		l->p++;
	} else {
		rego_fault(l->s, offset(l, from), "this escape sequence is not known");
	}
}

static void skip_string(struct lexer *l, const char *from)
{
	while (l->p < l->end && *l->p != '\n') {
		if (*l->p == '\\')
			skip_escape(l, false);
		else if (*l->p++ == '"')
			return;
	}
	rego_fault(l->s, offset(l, from), "this string is not closed on its line");
}

static void skip_raw(struct lexer *l, const char *from)
{
	while (l->p < l->end) {
		l->line += *l->p == '\n';
		if (*l->p++ == '`')
			return;
	}
	rego_fault(l->s, offset(l, from), "this string is never closed");
}

static void skip_template(struct lexer *l, const char *from, char quote, int nested);

/* From behind the { of an expression in a template string to behind its }. */
static void skip_insert(struct lexer *l, int nested)
{
	for (int depth = 1; l->p < l->end && depth > 0;) {
		const char *at = l->p++;

		l->line += *at == '\n';
		if (*at == '{' || *at == '}')
			depth += *at == '{' ? 1 : -1;
		else if (*at == '"')
			skip_string(l, at);
		else if (*at == '`')
			skip_raw(l, at);
		else if (*at == '$' && l->p < l->end && (*l->p == '"' || *l->p == '`'))
			skip_template(l, at, *l->p++, nested + 1);
	}
}

static void skip_template(struct lexer *l, const char *from, char quote, int nested)
{
	const bool raw = quote == '`';

	while (l->p < l->end && (raw || *l->p != '\n')) {
		l->line += *l->p == '\n';
		if (*l->p == '\\' && !raw) {
			skip_escape(l, true);
			continue;
		}
		if (*l->p == '\\' && l->p + 1 < l->end && l->p[1] == '{')
			l->p++;
		else if (*l->p == '{' && nested < TEMPLATES_MAX) {
			l->p++;
			skip_insert(l, nested);
			continue;
		}
		if (*l->p++ == quote)
			return;
	}
	rego_fault(l->s, offset(l, from), "this template string is not closed");
}

static void lex_string(struct lexer *l, bool tight)
{
	const char *from = l->p++;
	const uint32_t line = l->line;
	uint32_t i;

	if (*from == '"')
		skip_string(l, from);
	else if (*from == '`')
		skip_raw(l, from);
	else
		skip_template(l, from, *l->p++, 0);
	i = add_token(l, R_STRING, from, tight);
	l->s->token[i].line = line;
}

/* Brackets ------------------------------------------------------------------------------------------ */

static void lex_open(struct lexer *l, bool tight)
{
	const char *from = l->p++;
	const uint32_t i = add_token(l, R_OPEN, from, tight);

	l->s->token[i].mate = l->open;
	l->open = i;
	l->depth++;
}

static char closer_of(char open)
{
	return (char)(open == '(' ? ')' : open == '[' ? ']' : '}');
}

static void lex_close(struct lexer *l, bool tight)
{
	const char *from = l->p++;
	struct rego_token *open;
	uint32_t i;

	if (l->depth == 0) {
		l->s->brackets_fit = false;
		rego_fault(l->s, offset(l, from), "this '%c' closes nothing", *from);
		l->blurred = true;
		return;
	}
	l->depth--;
	i = add_token(l, R_CLOSE, from, tight);
	open = &l->s->token[l->open];
	l->s->token[i].mate = l->open;
	l->open = open->mate;
	open->mate = i;
	if (closer_of(open->c) == *from)
		return;
	l->s->brackets_fit = false;
	rego_fault(l->s, offset(l, from), "this '%c' does not close the '%c' of line %u", *from, open->c,
		(unsigned)open->line);
}

/* The outermost first: of many, those are told. */
static void report_open(struct lexer *l)
{
	uint32_t told = 0;

	if (l->depth == 0)
		return;
	l->s->brackets_fit = false;
	for (size_t i = 0; i < l->s->ntokens && told < REGO_FAULTS_MAX; i++) {
		const struct rego_token *t = &l->s->token[i];

		if (t->kind != R_OPEN || t->mate > i)
			continue;
		rego_fault(l->s, t->at, "this '%c' is never closed", t->c);
		told++;
	}
}

/* All of it ----------------------------------------------------------------------------------------- */

static void lex_other(struct lexer *l, bool tight)
{
	static const char *const pairs[] = { ":=", "==", "!=", "<=", ">=" };
	const char *from = l->p;
	const size_t n = utf8_step(l->p, (size_t)(l->end - l->p));

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (l->end - l->p >= 2 && memcmp(l->p, pairs[i], 2) == 0) {
			l->p += 2;
			add_token(l, R_OP, from, tight);
			return;
		}
	}
	l->p += n > 0 ? n : 1;
	if (is_one_of(*from, "=<>+-*/%&|"))
		add_token(l, R_OP, from, tight);
	else if (*from == ',')
		add_token(l, R_COMMA, from, tight);
	else if (*from == ':')
		add_token(l, R_COLON, from, tight);
	else if (*from == ';')
		add_token(l, R_SEMI, from, tight);
	else if (*from == '.')
		add_token(l, R_DOT, from, tight);
	else {
		if (n == 0)
			rego_fault(l->s, offset(l, from), "this is not UTF-8");
		else if ((unsigned char)*from < 0x20 || *from == 0x7f)
			rego_fault(l->s, offset(l, from), "the control character U+%04X has no place here",
				(unsigned)*from);
		else
			rego_fault(
				l->s, offset(l, from), "the character %.*s has no place here", (int)n, from);
		l->blurred = true;
	}
}

static void lex_token(struct lexer *l, bool tight)
{
	const char *from = l->p;
	const bool template = *from == '$' && from + 1 < l->end && (from[1] == '"' || from[1] == '`');

	if (is_letter(*from)) {
		skip_name(l);
		add_token(l, R_WORD, from, tight);
	} else if (is_digit(*from)) {
		lex_number(l, tight);
	} else if (*from == '"' || *from == '`' || template) {
		lex_string(l, tight);
	} else if (*from == '(' || *from == '[' || *from == '{') {
		lex_open(l, tight);
	} else if (*from == ')' || *from == ']' || *from == '}') {
		lex_close(l, tight);
	} else {
		lex_other(l, tight);
	}
}

/* Blanks and comments. False: there were none. */
static bool skip_blank(struct lexer *l)
{
	const char *from = l->p;

	while (l->p < l->end) {
		if (*l->p == '#') {
			while (l->p < l->end && *l->p != '\n')
				l->p++;
		} else if (*l->p == ' ' || *l->p == '\t' || *l->p == '\r' || *l->p == '\n') {
			l->line += *l->p++ == '\n';
		} else {
			break;
		}
	}
	return l->p > from;
}

/* Within strings and comments the tokens do not look at single characters. */
static void check_utf8(struct rego_scan *s)
{
	size_t at = 0, n = 1;

	while (at < s->n && (n = utf8_step(s->text + at, s->n - at)) > 0)
		at += n;
	if (at < s->n)
		rego_fault(s, at, "this is not UTF-8");
}

void rego_lex(struct rego_scan *s)
{
	struct lexer l = { .s = s, .p = s->text, .end = s->text + s->n, .line = 1 };
	bool blank;

	s->brackets_fit = true;
	/* No token is shorter than a byte. */
	s->token = ARENA_ARRAY(s->arena, struct rego_token, s->n + 1);
	if (!utf8_valid(s->text, s->n)) {
		check_utf8(s);
		s->brackets_fit = false;
		l.p = l.end;
	}
	if (l.end - l.p >= 3 && memcmp(l.p, BOM, 3) == 0)
		l.p += 3;
	for (blank = skip_blank(&l); l.p < l.end; blank = skip_blank(&l))
		lex_token(&l, !blank && s->ntokens > 0);
	report_open(&l);
	l.depth = 0;
	add_token(&l, R_END, l.p, false);
}
