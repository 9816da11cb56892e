/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_REGO_H
#define CC_MODEL_REGO_H

#include <stdbool.h>
#include <stddef.h>

#include "cc/base/ctx.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * A syntax check of Rego modules, old syntax and v1: UTF-8, tokens, brackets, one package that comes first,
 * imports, and what the heads of rules look like. It knows no names, no types and no built-ins and evaluates
 * nothing, so what it takes may still be refused by an engine. What it refuses no engine takes: where the
 * language leaves room, it lets pass.
 */
#define REGO_FAULTS_MAX 20
#define REGO_DEFAULTS_MAX 64 /* more of them are not looked at */
#define REGO_NAME_MAX 100    /* letters, digits, and _ - . ~ of a name in a package's path */
#define REGO_NAMES_MAX 20

struct rego_fault {
	size_t line, column; /* from 1; the column in characters */
	const char *message; /* a sentence without its end: "this '(' is never closed" */
};

struct rego_module {
	struct rego_fault fault[REGO_FAULTS_MAX]; /* in the order of the text */
	int nfaults;                              /* 0: fine */
	bool has_rules;                           /* at least one rule, besides defaults or not */
	bool has_allow;                           /* one of them is called allow */
	/* Where the path of the package stands, in bytes; of a module without faults. */
	size_t package_at, package_len;
	size_t package_line, package_column;
	/*
	 * "app/authz" of app.authz and app["authz"]; NULL: a name in it is none of REGO_NAME_MAX plain
	 * characters.
	 */
	const char *package_path;
	bool old_syntax; /* it has bodies without `if`, and does not ask for v1: engines must be told */
	/* Likewise the names of rules that have a default: "allow", "limits.daily". */
	struct rego_name {
		size_t at, len;
	} has_default[REGO_DEFAULTS_MAX];
	int ndefaults;
};

/* n bytes of text, which need not be UTF-8. The messages live in the arena. */
void rego_check(struct arena *a, const char *text, size_t n, struct rego_module *ret);
/*
 * For field tables: each fault is one of ERR_REGO_INVALID on this field; so is a package that no bundle can
 * have: bundles name files and roots by its path, and have their data below `resources`.
 */
void rego_inspect(struct ctx *cx, const char *field, const char *text);

#endif
