/* SPDX-License-Identifier: Apache-2.0 */
/* What the tokens of a Rego module must look like in a row, and as statements. */
#include "cc/model/rego.h"

#include <string.h>

#include "rego_lex.h"

/* Statements are read token by token; what is in brackets is passed over as a whole. */
struct parser {
	struct rego_scan *s;
	const struct rego_token *t; /* the next */
	const struct rego_token *package;
	bool missing_told; /* that there is no package */
	bool bare_bodies;  /* without `if` */
	bool asks_v1;
};

static const char *const keywords[] = { "and", "as", "contains", "default", "else", "every", "if", "import",
	"in", "not", "or", "package", "some", "with", NULL };

static bool is_keyword(const struct rego_scan *s, const struct rego_token *t)
{
	for (size_t i = 0; keywords[i] != NULL; i++)
		if (rego_is_word(s, t, keywords[i]))
			return true;
	return false;
}

/* Tokens in a row ----------------------------------------------------------------------------------- */

static bool is_minus(const struct rego_token *t)
{
	return t->kind == R_OP && t->c == '-';
}

/* Nothing of this sort begins a value. */
static bool ends_early(const struct rego_token *t)
{
	return t->kind == R_CLOSE || t->kind == R_COMMA || t->kind == R_COLON || t->kind == R_SEMI ||
	       t->kind == R_END || (t->kind == R_OP && !is_minus(t));
}

static bool wants_value(const struct rego_token *t)
{
	return t->kind == R_OP || t->kind == R_COLON;
}

/* What an operator cannot follow. */
static bool wants_value_first(const struct rego_token *t)
{
	return t->kind == R_OPEN || t->kind == R_COMMA || t->kind == R_SEMI || t->kind == R_COLON;
}

static bool is_value(const struct rego_scan *s, const struct rego_token *t)
{
	return t->kind == R_STRING || t->kind == R_NUMBER || (t->kind == R_WORD && !is_keyword(s, t));
}

/* One after the other without anything in between: never right inside of brackets and on one line. */
static bool lacks_separator(const struct rego_scan *s, const struct rego_token *a, const struct rego_token *b)
{
	const bool ends = is_value(s, a) || (a->kind == R_CLOSE && a->c != '}');

	return a->inside && b->inside && a->last_line == b->line && ends && is_value(s, b);
}

static void check_pair(struct rego_scan *s, const struct rego_token *a, const struct rego_token *b)
{
	const char *text = s->text;

	if (b->blurred)
		return;
	if (wants_value(a) && ends_early(b))
		rego_fault(s, b->at, "a value is missing after '%.*s'", (int)a->len, text + a->at);
	else if (wants_value_first(a) && b->kind == R_OP && !is_minus(b))
		rego_fault(s, b->at, "a value is missing before '%.*s'", (int)b->len, text + b->at);
	else if (b->kind == R_COMMA && (a->kind == R_COMMA || (a->kind == R_OPEN && a->c == '(')))
		rego_fault(s, b->at, "a value is missing before ','");
	else if (a->kind == R_DOT && !(b->tight && (b->kind == R_WORD || b->kind == R_NUMBER)))
		rego_fault(s, b->at, "a name is missing after '.'");
	else if (lacks_separator(s, a, b))
		rego_fault(s, b->at, "an operator, a comma or a new line is missing before '%.*s'",
			(int)(b->len < 40 ? b->len : 40), text + b->at);
}

static void check_pairs(struct rego_scan *s)
{
	for (size_t i = 0; i + 1 < s->ntokens; i++)
		check_pair(s, &s->token[i], &s->token[i + 1]);
}

/* Values and literals, outside of brackets ---------------------------------------------------------- */

static bool at_word(const struct parser *p, const char *word)
{
	return rego_is_word(p->s, p->t, word);
}

/* A keyword right before a dot or a bracket is a name like any other. */
static bool at_keyword(const struct parser *p, const char *word)
{
	const struct rego_token *next = p->t + 1;

	return at_word(p, word) &&
	       !(next->tight && (next->kind == R_DOT || (next->kind == R_OPEN && next->c == '[')));
}

static bool at_op(const struct parser *p, const char *op)
{
	return p->t->kind == R_OP && p->t->len == strlen(op) &&
	       memcmp(p->s->text + p->t->at, op, p->t->len) == 0;
}

static bool at_brace(const struct parser *p)
{
	return p->t->kind == R_OPEN && p->t->c == '{';
}

static void pass_group(struct parser *p)
{
	p->t = &p->s->token[p->t->mate] + 1;
}

/* .name [key] (arguments). loose: the first may stand apart, as it may in the head of a rule. */
static bool pass_suffixes(struct parser *p, bool loose)
{
	bool any = false;

	for (;; loose = false) {
		if (!p->t->tight && !loose)
			return any;
		if (p->t->kind == R_DOT)
			p->t += p->t[1].kind == R_WORD ? 2 : 1;
		else if (p->t->kind == R_OPEN && p->t->c != '{')
			pass_group(p);
		else
			return any;
		any = true;
	}
}

/* False: no value is here. */
static bool pass_operand(struct parser *p)
{
	while (is_minus(p->t))
		p->t++;
	if (p->t->kind == R_DOT && p->t[1].kind == R_NUMBER) {
		p->t += 2;
		return true;
	}
	if (p->t->kind == R_OPEN)
		pass_group(p);
	else if (p->t->kind == R_WORD || p->t->kind == R_STRING || p->t->kind == R_NUMBER)
		p->t++;
	else
		return false;
	(void)pass_suffixes(p, false);
	return true;
}

static bool at_infix(const struct parser *p)
{
	return p->t->kind == R_OP || p->t->kind == R_COMMA || at_keyword(p, "in") || at_keyword(p, "and") ||
	       at_keyword(p, "or");
}

/* Operands with operators between; a comma is one in `k, v in values`. */
static bool pass_value(struct parser *p)
{
	if (!pass_operand(p))
		return false;
	while (at_infix(p)) {
		p->t++;
		if (at_keyword(p, "not"))
			p->t++;
		if (!pass_operand(p))
			break; /* told by the pairs */
	}
	return true;
}

static void pass_withs(struct parser *p)
{
	while (at_keyword(p, "with")) {
		p->t++;
		if (!pass_operand(p) || !at_keyword(p, "as"))
			return;
		p->t++;
		if (!pass_value(p))
			return;
	}
}

/* What may follow `if` without braces: one expression, with what may stand around it. */
static bool pass_literal(struct parser *p)
{
	const bool every = at_keyword(p, "every");

	if (at_keyword(p, "not") || at_keyword(p, "some") || every)
		p->t++;
	if (!pass_value(p))
		return false;
	if (every && at_brace(p))
		pass_group(p);
	pass_withs(p);
	return true;
}

/* Statements ---------------------------------------------------------------------------------------- */

/* Where the next statement may begin after a fault: a name in the first column of a line, or a keyword. */
static void resume(struct parser *p)
{
	const char *text = p->s->text;

	while (p->t->kind != R_END) {
		if (p->t->kind == R_OPEN && p->t->mate > 0)
			pass_group(p);
		else
			p->t++;
		if (p->t->kind == R_WORD && p->t->at > 0 && text[p->t->at - 1] == '\n')
			return;
	}
}

static void told(struct parser *p, const struct rego_token *at, const char *what)
{
	/* What follows on something that was reported is hardly a fault of its own. */
	if (!at->blurred)
		rego_fault(p->s, at->at, "%s", what);
	resume(p);
}

/* A path of names: a.b["c"]. */
static bool pass_path(struct parser *p)
{
	if (p->t->kind != R_WORD)
		return false;
	p->t++;
	while (p->t->tight && (p->t->kind == R_DOT || (p->t->kind == R_OPEN && p->t->c == '['))) {
		if (p->t->kind == R_OPEN &&
			(p->t[1].kind != R_STRING || p->t->mate != (p->t - p->s->token) + 2))
			return false;
		if (p->t->kind == R_DOT)
			p->t += p->t[1].kind == R_WORD ? 2 : 1;
		else
			pass_group(p);
	}
	return true;
}

static void read_package(struct parser *p)
{
	const struct rego_token *keyword = p->t++, *from = p->t;
	size_t line, column;

	if (!pass_path(p)) {
		told(p, from, "the path of the package must be names such as acme.orders");
	} else if (p->package != NULL) {
		rego_where(p->s, p->package->at, &line, &column);
		rego_fault(p->s, keyword->at, "a module has one package; the first is on line %zu", line);
	} else {
		p->s->out->package_at = from->at;
		p->s->out->package_len = p->t[-1].at + p->t[-1].len - from->at;
		p->s->out->package_path = rego_path(p->s, from, p->t);
		rego_where(p->s, from->at, &p->s->out->package_line, &p->s->out->package_column);
	}
	if (p->package == NULL)
		p->package = keyword;
}

static bool is_root(const struct rego_scan *s, const struct rego_token *t)
{
	return rego_is_word(s, t, "data") || rego_is_word(s, t, "input") || rego_is_word(s, t, "rego") ||
	       rego_is_word(s, t, "future");
}

static void read_import(struct parser *p)
{
	const struct rego_token *from = ++p->t;

	if (from->kind == R_WORD && !is_root(p->s, from)) {
		told(p, from, "an import begins with data, input, rego or future");
		return;
	}
	if (!pass_path(p)) {
		told(p, from, "the path of an import must be names such as data.acme.roles");
		return;
	}
	p->asks_v1 |= rego_is_word(p->s, from, "rego") && p->t == from + 3 &&
		      rego_is_word(p->s, from + 2, "v1");
	if (!at_word(p, "as"))
		return;
	p->t++;
	if (p->t->kind == R_WORD)
		p->t++;
	else
		told(p, p->t, "a name is missing after 'as'");
}

/* The body of a rule or of an else: braces, or one literal after `if`. False: a fault was told. */
static bool read_body(struct parser *p, bool *ret_any)
{
	const bool has_if = at_keyword(p, "if");
	const struct rego_token *open;

	*ret_any = has_if || at_brace(p);
	if (has_if)
		p->t++;
	if (!has_if && at_brace(p)) {
		p->bare_bodies = true;
		open = p->t;
		/* The old syntax has no such import, and with it none of the old bodies. */
		if (p->asks_v1)
			rego_fault(p->s, open->at, "a body needs `if` in front where rego.v1 is imported");
		pass_group(p);
		if (open[1].kind == R_CLOSE)
			rego_fault(p->s, open->at, "this body is empty");
		return true;
	}
	if (!has_if || pass_literal(p))
		return true;
	told(p, p->t, "the condition is missing after 'if'");
	return false;
}

static bool at_assign(const struct parser *p)
{
	return at_op(p, ":=") || at_op(p, "=");
}

/* else := value { body }, with one of the two at least. False: a fault was told. */
static bool read_else(struct parser *p)
{
	bool valued, bodied;

	p->t++;
	valued = at_assign(p);
	if (valued) {
		p->t++;
		(void)pass_value(p);
	}
	if (!read_body(p, &bodied))
		return false;
	if (valued || bodied)
		return true;
	told(p, p->t, "a value or a body is missing after 'else'");
	return false;
}

/* What may follow the first body: alternatives, and in the old syntax further bodies. */
static bool read_more_bodies(struct parser *p)
{
	bool any;

	while (at_keyword(p, "else") || at_brace(p))
		if (!(at_brace(p) ? read_body(p, &any) : read_else(p)))
			return false;
	return true;
}

/* := value, contains value; `ret_any` when there was one. */
static bool read_head_value(struct parser *p, bool *ret_any)
{
	*ret_any = at_assign(p) || at_keyword(p, "contains");
	if (!*ret_any)
		return true;
	const bool contains = p->t->kind == R_WORD;

	p->t++;
	if (pass_value(p))
		return true;
	if (contains)
		rego_fault(p->s, p->t->at, "a value is missing after 'contains'");
	resume(p);
	return false;
}

static void note_rule(struct parser *p, const struct rego_token *name)
{
	p->s->out->has_rules = true;
	if (rego_is_word(p->s, name, "allow"))
		p->s->out->has_allow = true;
}

/* Up to the arguments of a function; engines take one default for each rule. */
static void note_default(struct parser *p, const struct rego_token *name, const struct rego_token *end)
{
	struct rego_module *out = p->s->out;
	const struct rego_token *last = name;
	size_t len;

	for (const struct rego_token *t = name + 1; t < end && !(t->kind == R_OPEN && t->c == '('); t++)
		last = t;
	len = last->at + last->len - name->at;
	for (int i = 0; i < out->ndefaults; i++)
		if (out->has_default[i].len == len &&
			memcmp(p->s->text + out->has_default[i].at, p->s->text + name->at, len) == 0) {
			rego_fault(p->s, name->at, "the rule %.*s has a default already",
				(int)(len < 60 ? len : 60), p->s->text + name->at);
			return;
		}
	if (out->ndefaults < REGO_DEFAULTS_MAX)
		out->has_default[out->ndefaults++] = (struct rego_name){ name->at, len };
}

static void read_rule(struct parser *p)
{
	const bool is_default = at_keyword(p, "default");
	const struct rego_token *name;
	bool valued, bodied, more;

	if (is_default)
		p->t++;
	name = p->t;
	if (name->kind != R_WORD) {
		told(p, name,
			is_default ? "the name of a rule is missing after 'default'"
				   : "a rule must begin with its name");
		return;
	}
	note_rule(p, name);
	p->t++;
	more = pass_suffixes(p, true);
	rego_add_rule(p->s, name, p->t, is_default);
	if (is_default)
		note_default(p, name, p->t);
	if (!read_head_value(p, &valued))
		return;
	if (is_default) {
		if (!valued)
			told(p, p->t, "a default rule must have a value");
		return;
	}
	pass_withs(p);
	if (!read_body(p, &bodied))
		return;
	if (bodied && !read_more_bodies(p))
		return;
	if (!valued && !bodied && !more)
		rego_fault(p->s, name->at, "the rule %.*s has neither a value nor a body",
			(int)(name->len < 60 ? name->len : 60), p->s->text + name->at);
}

static void read_statement(struct parser *p)
{
	const struct rego_token *first = p->t;

	if (at_keyword(p, "package")) {
		read_package(p);
		return;
	}
	if (p->package == NULL && !p->missing_told) {
		rego_fault(p->s, first->at, "a module must begin with its package");
		p->missing_told = true;
	}
	if (at_keyword(p, "import"))
		read_import(p);
	else if (at_keyword(p, "else"))
		told(p, first, "this 'else' follows no body");
	else if (first->kind == R_SEMI)
		p->t++;
	else
		read_rule(p);
	if (p->t == first)
		resume(p);
}

void rego_check(struct arena *a, const char *text, size_t n, struct rego_module *ret)
{
	struct rego_scan s = { .arena = a, .text = text, .n = n, .out = ret };
	struct parser p = { .s = &s };

	*ret = (struct rego_module){ 0 };
	rego_lex(&s);
	check_pairs(&s);
	/* With brackets that do not fit, nobody knows where statements begin. */
	if (!s.brackets_fit)
		return;
	p.t = s.token;
	if (p.t->kind == R_END)
		rego_fault(&s, 0, "a module must begin with its package");
	while (p.t->kind != R_END)
		read_statement(&p);
	ret->old_syntax = p.bare_bodies && !p.asks_v1;
}
