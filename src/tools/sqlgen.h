/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TOOLS_SQLGEN_H
#define CC_TOOLS_SQLGEN_H

#include <stdbool.h>
#include <stdio.h>

#define ARGS_MAX 64

/* A type of an argument: in the query file, in enum db_type, in C, in struct db_arg. */
struct type {
	const char *sql, *symbol, *c, *member;
};

struct kind {
	const char *word, *symbol;
	const char *params; /* after `struct db *db`; %s is the row's type */
	const char *result; /* initialiser of struct db_result */
	bool has_row;
};

struct arg {
	const char *name;
	const struct type *type;
};

struct query {
	struct query *next;
	const char *file;
	int line;
	const char *name, *row;
	const struct kind *kind;
	struct arg args[ARGS_MAX];
	int nargs;
	char *sql, *middle, *tail; /* what follows :after, what follows :sort; NULL without them */
	size_t len;       /* of sql while it is read */
	bool always_one;  /* a plain INSERT of values: one row or an error */
};

struct include {
	struct include *next;
	const char *path;
};

struct block {
	struct block *next;
};

/* What the tool knows while it runs; blocks is all its memory. */
struct gen {
	struct block *blocks;
	const char *file;
	int line;
	struct query *queries, **queries_tail;
	struct include *includes, **includes_tail;
};

/* sqlgen.c */
void *keep(struct gen *g, size_t size); /* zeroed; lives until release() */
char *keep_n(struct gen *g, const char *s, size_t n);
void release(struct gen *g);
/* Says "file:line: message" and ends the tool. */
__attribute__((noreturn, format(printf, 2, 3))) void stop(struct gen *g, const char *fmt, ...);
char *read_file(struct gen *g, const char *path, size_t *ret_size);
const char *base_name(const char *path);

/* sqlgen_parse.c */
void parse_queries(struct gen *g, const char *path);

/* sqlgen_emit.c */
FILE *out_open(struct gen *g, const char *path);
void out_close(struct gen *g, FILE *f);
/* The elements of a char array, NUL at the end, and its closing brace. */
void put_array(FILE *f, const char *text, size_t size);
void put_header(struct gen *g, const char *path, const char *name);
void put_source(struct gen *g, const char *path, const char *name);

#endif
