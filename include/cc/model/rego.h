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
#define REGO_RULES_MAX 256   /* likewise */
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
	/* Each rule once, by what its head says. Of a[b] := 1 the name is what stands before the bracket. */
	struct rego_rule {
		size_t at, len;
		bool whole; /* the name is all of it, but for arguments */
		bool arguments, set, is_default;
	} rule[REGO_RULES_MAX];
	int nrules;
};

/* n bytes of text, which need not be UTF-8. The messages live in the arena. */
void rego_check(struct arena *a, const char *text, size_t n, struct rego_module *ret);
/*
 * Modules that are to be in one bundle, of which engines take either all or none. What it says not to go
 * together no engine takes; much that engines do not take is not seen. In the arena, but for what
 * rego_union_destroy() frees.
 */
struct rego_union;
struct rego_clash {
	int64_t tag;      /* of the other module */
	const char *why;  /* "both have a default for the rule" */
	const char *rule; /* "app/authz/allow" */
};
struct rego_union *rego_union_create(struct arena *a);
/* False: it does not go with one that is there, and was not added. Modules with faults always go. */
bool rego_union_add(struct rego_union *u, const char *text, const struct rego_module *m, int64_t tag,
	struct rego_clash *ret);
void rego_union_destroy(struct rego_union *u);

/*
 * For field tables: each fault is one of ERR_REGO_INVALID on this field; so is a package that no bundle can
 * have: bundles name files and roots by its path, and have their data below `resources`.
 */
void rego_inspect(struct ctx *cx, const char *field, const char *text);

#endif
