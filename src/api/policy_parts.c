/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_parts.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/bundles.h"
#include "cc/core/head.h"
#include "cc/core/scope.h"
#include "cc/model/q_tenant.h"
#include "cc/model/rego.h"
#include "cc/model/tally.h"
#include "managed.h"

void policy_note_later(struct ctx *cx, int64_t id, const struct policy_note *note)
{
	const struct policy_version *s = note->source;

	q_policy_version_add_later(cx->db, cx->head->version, id, note->action, managed_creator(cx),
		cx->head->now, note->summary, s != NULL ? s->policy_id : INT_NULL,
		s != NULL ? s->version : INT_NULL, note->deployment_notes, note->approver);
}

const char *policy_summary(struct arena *a, const char *verb, const struct strv *changed)
{
	struct str s;

	str_init(&s, a, 64);
	str_add(&s, verb);
	for (size_t i = 0; i < changed->n; i++)
		str_addf(&s, "%s %s", i > 0 ? "," : "", changed->v[i]);
	return s.data;
}

enum err policy_may_change(struct ctx *cx, const struct policy *p)
{
	const char *scope = str_eq(p->environment, "production") ? "policies:promote" : "policies:write";

	if (cx->actor->scopes & scope_bit(scope))
		return ERR_NONE;
	return refuse(cx, ERR_SCOPE, "a %s policy needs the scope %s for this", p->environment, scope);
}

const char *policy_value(struct arena *a, const struct schema *s, const void *obj, const char *name)
{
	const struct field *f = schema_field(s, name);
	struct str out;
	struct jw w;

	str_init(&out, a, 64);
	jw_init(&w, &out);
	schema_write_value(&w, f, schema_member_const(obj, f), WRITE_FULL);
	return out.data;
}

struct strv policy_differences(struct arena *a, const struct schema *sa, const void *va,
	const struct schema *sb, const void *vb, bool state_too)
{
	static const char *const names[] = { "name", "description", "rego_code", "resource_id", "bouncer_id",
		"test_cases", "status", "environment" };
	const size_t n = sizeof(names) / sizeof(names[0]) - (state_too ? 0 : 2);
	const char **differ = ARENA_ARRAY(a, const char *, n);
	struct strv ret = { .v = differ };

	for (size_t i = 0; i < n; i++)
		if (strcmp(policy_value(a, sa, va, names[i]), policy_value(a, sb, vb, names[i])) != 0)
			differ[ret.n++] = names[i];
	return ret;
}

enum err policy_find_refs(struct ctx *cx, int64_t resource_id, int64_t bouncer_id, struct policy_refs *ret)
{
	*ret = (struct policy_refs){ true, true };
	if (resource_id == INT_NULL && bouncer_id == INT_NULL)
		return ERR_NONE;
	return q_policy_refs(cx->db, ret, resource_id, bouncer_id);
}

/* What stands in every module whose package may have to do with this one, however they write the rest. */
static const char *first_name(struct arena *a, const char *package)
{
	return arena_strndup(a, package, strcspn(package, "/"));
}

/* Reading a module takes many times what it weighs, and is over with it. */
static bool add(struct rego_union *u, struct arena *a, const char *text, int64_t tag, struct rego_clash *ret)
{
	struct rego_module *m = ARENA_NEW(a, struct rego_module);
	bool goes;

	rego_check(a, text, strlen(text), m);
	goes = rego_union_add(u, text, m, tag, ret);
	arena_reset(a);
	return goes;
}

static enum err add_all(struct ctx *cx, struct rego_union *u, struct arena *a, const struct db_rows *others)
{
	struct rego_clash clash;

	for (size_t i = 0; i < others->n; i++) {
		if (clock_mono_ms() >= cx->deadline_ms)
			return refuse(cx, ERR_UNAVAILABLE,
				"it takes too long to read the other policies of the package");
		(void)add(u, a, DB_ROW(others, struct policy, i)->rego_code, (int64_t)i, &clash);
	}
	return ERR_NONE;
}

static enum err goes_with(struct ctx *cx, const struct policy *p, const struct db_rows *others,
	struct rego_clash *ret, bool *ret_goes)
{
	struct arena *a = arena_create(1 << 16);
	struct rego_union *u = rego_union_create(cx->arena);
	const enum err e = add_all(cx, u, a, others);

	*ret_goes = e == ERR_NONE && add(u, a, p->rego_code, -1, ret);
	rego_union_destroy(u);
	arena_destroy(a);
	return e;
}

/* Of more than a bundle holds there is none that it could break, and reading them has no end. */
static enum err find_neighbours(
	struct ctx *cx, const struct policy *p, const char *package_path, struct db_rows *ret)
{
	const char *first = first_name(cx->arena, package_path);
	struct tally weight;

	TRY(q_policy_neighbours_weight(cx->db, &weight, p->id, p->environment, first));
	if (weight.total + (int64_t)strlen(p->rego_code) > BUNDLE_BYTES_MAX)
		return refuse(cx, ERR_CONFLICT,
			"a bundle holds %d MiB at most, and the active policies of the package have more",
			BUNDLE_BYTES_MAX >> 20);
	return q_policy_neighbours(cx->db, ret, p->id, p->environment, first);
}

static const char *dotted(struct arena *a, const char *path)
{
	char *text = arena_strdup(a, path);

	for (char *c = text; *c != '\0'; c++)
		if (*c == '/')
			*c = '.';
	return text;
}

enum err policy_check_fits(struct ctx *cx, const struct policy *p)
{
	struct rego_module *m = ARENA_NEW(cx->arena, struct rego_module);
	const struct policy *o;
	struct rego_clash clash;
	struct db_rows rows;
	bool goes;

	if (!str_eq(p->status, "active") || !str_eq(p->environment, "production"))
		return ERR_NONE;
	rego_check(cx->arena, p->rego_code, strlen(p->rego_code), m);
	if (m->nfaults > 0 || m->package_path == NULL)
		return ERR_NONE;
	TRY(find_neighbours(cx, p, m->package_path, &rows));
	TRY(goes_with(cx, p, &rows, &clash, &goes));
	if (goes)
		return ERR_NONE;
	o = DB_ROW(&rows, struct policy, (size_t)clash.tag);
	return refuse(cx, ERR_CONFLICT, "with policy %" PRId64 " (%s) %s %s; OPA takes no bundle with both",
		o->id, o->name, clash.why, dotted(cx->arena, clash.rule));
}
