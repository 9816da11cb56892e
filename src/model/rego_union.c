/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What engines refuse of several modules together, as far as the heads of rules say it for certain: two
 * defaults for a rule, a rule that is a set here and a value there, a rule where another has a package or
 * further rules.
 */
#include "cc/model/rego.h"

#include <string.h>

#include "rego_lex.h"

#include "cc/base/bytes.h"
#include "cc/base/map.h"
#include "cc/base/str.h"

/* Heads -------------------------------------------------------------------------------------------- */

/* Rules whose names go deeper are not looked at: each step of each name costs an entry. */
#define STEPS_MAX REGO_NAMES_MAX

static bool same_rule(const char *text, const struct rego_rule *a, const struct rego_rule *b)
{
	return a->len == b->len && a->whole == b->whole && a->arguments == b->arguments && a->set == b->set &&
	       a->is_default == b->is_default && memcmp(text + a->at, text + b->at, a->len) == 0;
}

/* In a table, as a module may have a hundred thousand heads: each costs the same. */
static void add_once(struct rego_scan *s, const struct rego_rule *r)
{
	const size_t mask = 2 * REGO_RULES_MAX - 1;
	size_t at = hash64_of(s->text + r->at, r->len, 0) & mask;
	struct rego_module *out = s->out;

	for (; s->rule_slot[at] != 0; at = (at + 1) & mask)
		if (same_rule(s->text, &out->rule[s->rule_slot[at] - 1], r))
			return;
	if (out->nrules == REGO_RULES_MAX)
		return;
	out->rule[out->nrules++] = *r;
	s->rule_slot[at] = (uint16_t)out->nrules;
}

void rego_add_rule(
	struct rego_scan *s, const struct rego_token *name, const struct rego_token *end, bool is_default)
{
	const struct rego_token *last = name, *t = name + 1;
	int steps = 1;
	struct rego_rule r = {
		.at = name->at, .set = rego_is_word(s, end, "contains"), .is_default = is_default
	};

	for (; t + 1 < end && t->kind == R_DOT && t[1].kind == R_WORD; t += 2) {
		last = t + 1;
		if (++steps > STEPS_MAX)
			return;
	}
	r.arguments = t < end && t->kind == R_OPEN && t->c == '(';
	r.whole = t == end || (r.arguments && &s->token[t->mate] + 1 == end);
	/* A default for a["b"] is one for this alone. */
	if (is_default && !r.whole)
		last = end - 1;
	r.len = last->at + last->len - name->at;
	add_once(s, &r);
}

/* Together ----------------------------------------------------------------------------------------- */

/* What is known at a path, and who said it first. */
enum known { AT_PACKAGE, AT_RULE, AT_VALUE, AT_SINGLE, AT_SET, AT_DEFAULT, AT_BELOW, KNOWN };

struct node {
	unsigned bits;
	int64_t tag[KNOWN];
};

struct rego_union {
	struct arena *arena;
	struct map *nodes;
};

struct rego_union *rego_union_create(struct arena *a)
{
	struct rego_union *u = ARENA_NEW(a, struct rego_union);

	u->arena = a;
	u->nodes = map_create();
	return u;
}

void rego_union_destroy(struct rego_union *u)
{
	map_destroy(u->nodes, NULL);
}

static bool knows(const struct rego_union *u, const char *path, enum known what, int64_t *ret_tag)
{
	const struct node *n = map_get(u->nodes, path);

	if (n == NULL || !(n->bits & (1U << what)))
		return false;
	*ret_tag = n->tag[what];
	return true;
}

static void learn(struct rego_union *u, const char *path, enum known what, int64_t tag)
{
	struct node *n = map_get(u->nodes, path);

	if (n == NULL) {
		n = ARENA_NEW(u->arena, struct node);
		(void)map_set(u->nodes, path, n);
	}
	if (!(n->bits & (1U << what)))
		n->tag[what] = tag;
	n->bits |= 1U << what;
}

/* "app/authz" and "limits.daily" → "app/authz/limits/daily"; a key in brackets stays what it is. */
static const char *path_of(
	struct arena *a, const struct rego_module *m, const char *text, const struct rego_rule *r)
{
	char *path = arena_printf(a, "%s/%.*s", m->package_path, (int)r->len, text + r->at);

	for (char *p = path + strlen(m->package_path); *p != '\0' && *p != '['; p++)
		if (*p == '.')
			*p = '/';
	return path;
}

/* Without the key, which may be any: what has one lies below what stands before its bracket. */
static char *ground_of(struct arena *a, const char *path)
{
	return arena_printf(a, "%.*s", (int)strcspn(path, "["), path);
}

/* A rule with one value and a name that is known to the end: nothing may lie below it. */
static bool is_single(const struct rego_rule *r)
{
	return r->whole && !r->set && !r->arguments;
}

static bool differs(struct rego_union *u, const struct rego_rule *r, const char *path, struct rego_clash *ret)
{
	if (r->whole && knows(u, path, AT_PACKAGE, &ret->tag)) {
		ret->why = "there is a package where the other has the rule";
		return true;
	}
	if (r->is_default && knows(u, path, AT_DEFAULT, &ret->tag)) {
		ret->why = "both have a default for the rule";
		return true;
	}
	if (r->whole && knows(u, path, r->set ? AT_VALUE : AT_SET, &ret->tag)) {
		ret->why = "one has a set and the other a value for the rule";
		return true;
	}
	if (is_single(r) && knows(u, path, AT_BELOW, &ret->tag)) {
		ret->why = "one has rules below the other's rule";
		return true;
	}
	return false;
}

/* What lies above it must not be a rule with a value. */
static bool is_below(
	struct rego_union *u, const struct rego_rule *r, const char *path, struct rego_clash *ret)
{
	char *above = ground_of(u->arena, path), *slash;
	bool below = !r->whole && knows(u, above, AT_SINGLE, &ret->tag);

	while (!below && (slash = strrchr(above, '/')) != NULL) {
		*slash = '\0';
		below = knows(u, above, AT_SINGLE, &ret->tag);
	}
	if (below)
		ret->why = "one has rules below the other's rule";
	return below;
}

static bool clashes(
	struct rego_union *u, const char *text, const struct rego_module *m, struct rego_clash *ret)
{
	if (knows(u, m->package_path, AT_RULE, &ret->tag)) {
		ret->why = "there is a package where the other has the rule";
		ret->rule = m->package_path;
		return true;
	}
	for (int i = 0; i < m->nrules; i++) {
		ret->rule = path_of(u->arena, m, text, &m->rule[i]);
		if (differs(u, &m->rule[i], ret->rule, ret) || is_below(u, &m->rule[i], ret->rule, ret))
			return true;
	}
	return false;
}

static void learn_rule(struct rego_union *u, const struct rego_rule *r, const char *path, int64_t tag)
{
	char *above = ground_of(u->arena, path);

	if (!r->whole)
		learn(u, above, AT_BELOW, tag);
	if (r->whole)
		learn(u, path, AT_RULE, tag);
	if (r->whole)
		learn(u, path, r->set ? AT_SET : AT_VALUE, tag);
	if (is_single(r))
		learn(u, path, AT_SINGLE, tag);
	if (r->is_default)
		learn(u, path, AT_DEFAULT, tag);
	for (char *slash; (slash = strrchr(above, '/')) != NULL;) {
		*slash = '\0';
		learn(u, above, AT_BELOW, tag);
	}
}

bool rego_union_add(struct rego_union *u, const char *text, const struct rego_module *m, int64_t tag,
	struct rego_clash *ret)
{
	*ret = (struct rego_clash){ 0 };
	if (m->nfaults > 0 || m->package_path == NULL)
		return true;
	if (clashes(u, text, m, ret))
		return false;
	learn(u, m->package_path, AT_PACKAGE, tag);
	for (int i = 0; i < m->nrules; i++)
		learn_rule(u, &m->rule[i], path_of(u->arena, m, text, &m->rule[i]), tag);
	return true;
}
