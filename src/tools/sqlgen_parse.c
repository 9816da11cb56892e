/* SPDX-License-Identifier: Apache-2.0 */
/* Query files → struct query. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sqlgen.h"

#define NAME_MAX_BYTES 63

static const struct type types[] = {
	{"text",         "DB_TEXT",   "const char *",        "text"  },
	{ "int8",        "DB_INT8",   "int64_t ",            "number"},
	{ "bool",        "DB_BOOL",   "bool ",               "flag"  },
	{ "timestamptz", "DB_TIME",   "int64_t ",            "number"},
	{ "text[]",      "DB_TEXTS",  "const struct strv *", "texts" },
	{ "json",        "DB_JSON",   "const char *",        "text"  },
	{ "bytea",       "DB_BYTEA",  "struct bytes ",       "bytes" },
	{ "float8",      "DB_FLOAT8", "double ",             "real"  },
};

static const struct kind kinds[] = {
	{":one",    "DB_ONE",   ", struct %s *row",              "{ .row = row }",                 true },
	{ ":opt",   "DB_OPT",   ", struct %s *row, bool *found", "{ .row = row, .found = found }", true },
	{ ":many",  "DB_MANY",  ", struct db_rows *rows",        "{ .rows = rows }",               true },
	{ ":exec",  "DB_EXEC",  "",                              "{ 0 }",                          false},
	{ ":exec1", "DB_EXEC1", "",                              "{ 0 }",                          false},
	{ ":count", "DB_COUNT", ", int64_t *affected",           "{ .affected = affected }",       false},
};

/* Names an argument cannot have: the other parameters, and C's own words that look like columns. */
static const char *const taken[] = {
	"db",
	"row",
	"found",
	"rows",
	"affected",
	"order",
	"args",
	"auto",
	"bool",
	"break",
	"case",
	"char",
	"const",
	"continue",
	"default",
	"do",
	"double",
	"else",
	"enum",
	"extern",
	"float",
	"for",
	"goto",
	"if",
	"inline",
	"int",
	"long",
	"register",
	"restrict",
	"return",
	"short",
	"signed",
	"sizeof",
	"static",
	"struct",
	"switch",
	"typedef",
	"union",
	"unsigned",
	"void",
	"volatile",
	"while",
};

/* Takes the identifier at *p and moves behind it; NULL when there is none. */
static char *take_word(struct gen *g, const char **p)
{
	const char *start = *p;

	while (isalnum((unsigned char)**p) || **p == '_')
		(*p)++;
	if (*p == start || isdigit((unsigned char)*start)) {
		*p = start;
		return NULL;
	}
	return keep_n(g, start, (size_t)(*p - start));
}

static void skip_blanks(const char **p)
{
	while (**p == ' ' || **p == '\t')
		(*p)++;
}

static void parse_include(struct gen *g, const char *path)
{
	struct include *i = keep(g, sizeof(*i));

	for (const struct include *o = g->includes; o != NULL; o = o->next)
		if (strcmp(o->path, path) == 0)
			return;
	i->path = path;
	*g->includes_tail = i;
	g->includes_tail = &i->next;
}

static const struct kind *parse_kind(struct gen *g, const char **p)
{
	size_t n = strcspn(*p, " \t");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].word) == n && memcmp(kinds[i].word, *p, n) == 0) {
			*p += n;
			return &kinds[i];
		}
	stop(g, "the kind is missing or none of :one :opt :many :exec :exec1 :count");
}

static struct query *parse_name(struct gen *g, const char *p, size_t sql_max)
{
	struct query *q = keep(g, sizeof(*q));

	q->file = g->file;
	q->line = g->line;
	q->sql = keep(g, sql_max + 1);
	q->name = take_word(g, &p);
	if (q->name == NULL)
		stop(g, "a query needs a name");
	if (strlen(q->name) > NAME_MAX_BYTES)
		stop(g, "the name is longer than %d bytes, the most a prepared statement may have",
			NAME_MAX_BYTES);
	for (const struct query *o = g->queries; o != NULL; o = o->next)
		if (strcmp(o->name, q->name) == 0)
			stop(g, "query %s exists already at %s:%d", q->name, o->file, o->line);
	skip_blanks(&p);
	q->kind = parse_kind(g, &p);
	skip_blanks(&p);
	q->row = take_word(g, &p);
	if (q->kind->has_row != (q->row != NULL))
		stop(g, "%s takes %s", q->kind->word,
			q->kind->has_row ? "the struct of its rows" : "no struct");
	if (*p != '\0')
		stop(g, "unexpected \"%s\"", p);
	*g->queries_tail = q;
	g->queries_tail = &q->next;
	return q;
}

static const struct type *parse_type(struct gen *g, const char **p)
{
	size_t n = strcspn(*p, " \t,");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].sql) == n && memcmp(types[i].sql, *p, n) == 0) {
			*p += n;
			return &types[i];
		}
	stop(g, "unknown type \"%.*s\"", (int)n, *p);
}

static void check_arg_name(struct gen *g, const struct query *q, const char *name)
{
	if (name == NULL)
		stop(g, "an argument is a name and a type");
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(taken[i], name) == 0)
			stop(g, "an argument cannot be called %s", name);
	for (int i = 0; i < q->nargs; i++)
		if (strcmp(q->args[i].name, name) == 0)
			stop(g, "argument %s is there twice", name);
	if (q->nargs == ARGS_MAX)
		stop(g, "more than %d arguments", ARGS_MAX);
}

/* "id int8, name text"; a long list goes on in another args line. */
static void parse_args(struct gen *g, struct query *q, const char *p)
{
	for (;;) {
		struct arg a;

		skip_blanks(&p);
		if (*p == '\0')
			return;
		a.name = take_word(g, &p);
		check_arg_name(g, q, a.name);
		skip_blanks(&p);
		a.type = parse_type(g, &p);
		q->args[q->nargs++] = a;
		skip_blanks(&p);
		if (*p == ',')
			p++;
		else if (*p != '\0')
			stop(g, "expected a comma at \"%s\"", p);
	}
}

/* The bytes of the "$tag$" that begins at p; 0 when none does. */
static size_t dollar_quote(const char *p)
{
	size_t n = 1;

	if (*p != '$' || isdigit((unsigned char)p[1]))
		return 0;
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return p[n] == '$' ? n + 1 : 0;
}

static const char *find_again(const char *p, size_t n)
{
	for (const char *q = p + n; *q != '\0'; q++)
		if (strncmp(q, p, n) == 0)
			return q;
	return NULL;
}

/* Past a quoted text, quoted name or comment that begins at p; p itself when none does. */
static const char *skip_opaque(struct gen *g, const char *p)
{
	const size_t dollar = dollar_quote(p);
	const char *end;

	if (p[0] == '-' && p[1] == '-')
		return p + strcspn(p, "\n");
	if (dollar > 0)
		end = find_again(p, dollar);
	else if (*p == '\'' || *p == '"')
		end = strchr(p + 1, *p);
	else if (p[0] == '/' && p[1] == '*')
		end = strstr(p + 2, "*/");
	else
		return p;
	if (end == NULL)
		stop(g, "a quote or comment does not end");
	return end + (dollar > 0 ? dollar : *p == '/' ? 2 : 1);
}

static void mark_param(struct gen *g, const struct query *q, const char *digits, bool *used)
{
	long n = strtol(digits, NULL, 10);

	if (n < 1 || n > q->nargs)
		stop(g, "%s uses $%ld but has %d argument%s", q->name, n, q->nargs, q->nargs == 1 ? "" : "s");
	used[n - 1] = true;
}

/* Anything that may insert no row, or several, disqualifies. */
static bool inserts_one(const char *sql)
{
	return strncmp(sql, "INSERT ", 7) == 0 && strstr(sql, "VALUES") != NULL &&
	       strstr(sql, "SELECT") == NULL && strstr(sql, "ON CONFLICT") == NULL;
}

static void split_sort(struct gen *g, struct query *q, char *at)
{
	static const char before[] = "ORDER BY ";
	const size_t n = sizeof(before) - 1;

	if (q->tail != NULL)
		stop(g, "%s has :sort twice", q->name);
	if (!q->kind->has_row)
		stop(g, "%s has :sort but no rows", q->name);
	if ((size_t)(at - q->sql) < n || memcmp(at - n, before, n) != 0)
		stop(g, "%s: :sort stands behind \"ORDER BY \"", q->name);
	if (q->middle == NULL)
		stop(g, "%s: :sort needs :after before it, for pages that begin behind a row", q->name);
	q->tail = at + strlen(":sort");
}

static void split_after(struct gen *g, struct query *q, char *at)
{
	if (q->middle != NULL)
		stop(g, "%s has :after twice", q->name);
	if (q->tail != NULL)
		stop(g, "%s: :after stands before :sort", q->name);
	q->middle = at + strlen(":after");
}

static bool is_marker(const char *p, const char *marker)
{
	const size_t n = strlen(marker);

	return strncmp(p, marker, n) == 0 && !isalnum((unsigned char)p[n]) && p[n] != '_';
}

/* One marker at p, or none. */
static void split(struct gen *g, struct query *q, char *p)
{
	if (is_marker(p, ":after"))
		split_after(g, q, p);
	else if (is_marker(p, ":sort"))
		split_sort(g, q, p);
}

/* The markers go, and with them the text falls into its parts. */
static void cut(struct gen *g, struct query *q)
{
	if (q->middle != NULL && q->tail == NULL)
		stop(g, "%s: :after needs :sort behind it", q->name);
	if (q->middle == NULL || q->tail == NULL)
		return; /* without :sort; a :sort without :after was refused where it stands */
	q->middle[-(int)strlen(":after")] = '\0';
	q->tail[-(int)strlen(":sort")] = '\0';
}

/* The text is complete: check its parameters, cut it at its markers. */
static void finish_query(struct gen *g, struct query *q)
{
	bool used[ARGS_MAX] = { false };
	size_t n = q->len;

	g->line = q->line;
	while (n > 0 && (isspace((unsigned char)q->sql[n - 1]) || q->sql[n - 1] == ';'))
		q->sql[--n] = '\0';
	if (n == 0)
		stop(g, "%s has no text", q->name);
	for (const char *p = q->sql; *p != '\0';) {
		const char *next = skip_opaque(g, p);

		if (next == p) {
			if (*p == '$' && isdigit((unsigned char)p[1]))
				mark_param(g, q, p + 1, used);
			else if (*p == ';')
				stop(g, "%s is more than one statement", q->name);
			else
				split(g, q, q->sql + (p - q->sql));
			next++;
		}
		p = next;
	}
	for (int i = 0; i < q->nargs; i++)
		if (!used[i])
			stop(g, "%s does not use $%d (%s)", q->name, i + 1, q->args[i].name);
	q->always_one = inserts_one(q->sql);
	cut(g, q);
}

/* NULL, or what follows "-- word:" on the line. */
static const char *directive(const char *line, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(line, "-- ", 3) != 0 || strncmp(line + 3, word, n) != 0 || line[3 + n] != ':')
		return NULL;
	line += 3 + n + 1;
	skip_blanks(&line);
	return line;
}

static void parse_line(struct gen *g, struct query **q, char *line, size_t rest)
{
	const char *value;
	size_t n = strlen(line);

	while (n > 0 && isspace((unsigned char)line[n - 1]))
		line[--n] = '\0';
	if ((value = directive(line, "include")) != NULL) {
		parse_include(g, value);
	} else if ((value = directive(line, "name")) != NULL) {
		int here = g->line;

		if (*q != NULL)
			finish_query(g, *q);
		g->line = here;
		*q = parse_name(g, value, rest);
	} else if ((value = directive(line, "args")) != NULL) {
		if (*q == NULL || (*q)->len > 0)
			stop(g, "args stand between a query's name and its text");
		parse_args(g, *q, value);
	} else if (n > 0 && strncmp(line, "--", 2) != 0) {
		if (*q == NULL)
			stop(g, "text before the first name");
		line[n++] = '\n';
		memcpy((*q)->sql + (*q)->len, line, n);
		(*q)->len += n;
	}
}

void parse_queries(struct gen *g, const char *path)
{
	struct query *q = NULL;
	size_t size;
	char *p = read_file(g, path, &size), *end = p + size;

	if (strlen(p) != size)
		stop(g, "holds a NUL");
	for (g->line = 1; p < end; g->line++) {
		char *line = p;

		p += strcspn(p, "\n");
		*p++ = '\0';
		parse_line(g, &q, line, (size_t)(end - line) + 1);
	}
	if (q != NULL)
		finish_query(g, q);
}
