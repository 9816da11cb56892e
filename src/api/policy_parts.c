/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_parts.h"

#include <inttypes.h>
#include <string.h>

#include "cc/core/actor.h"
#include "cc/core/head.h"
#include "cc/core/scope.h"
#include "cc/model/q_tenant.h"
#include "cc/model/rego.h"
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

static bool goes_with(
	struct ctx *cx, const struct policy *p, const struct db_rows *others, struct rego_clash *ret)
{
	struct rego_module *m = ARENA_NEW(cx->arena, struct rego_module);
	struct rego_union *u = rego_union_create(cx->arena);
	bool goes;

	for (size_t i = 0; i < others->n; i++) {
		const char *text = DB_ROW(others, struct policy, i)->rego_code;

		rego_check(cx->arena, text, strlen(text), m);
		(void)rego_union_add(u, text, m, (int64_t)i, ret);
	}
	rego_check(cx->arena, p->rego_code, strlen(p->rego_code), m);
	goes = rego_union_add(u, p->rego_code, m, -1, ret);
	rego_union_destroy(u);
	return goes;
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

	if (!str_eq(p->status, "active") || !str_eq(p->environment, "production"))
		return ERR_NONE;
	rego_check(cx->arena, p->rego_code, strlen(p->rego_code), m);
	if (m->nfaults > 0 || m->package_path == NULL)
		return ERR_NONE;
	TRY(q_policy_neighbours(
		cx->db, &rows, p->id, p->environment, first_name(cx->arena, m->package_path)));
	if (goes_with(cx, p, &rows, &clash))
		return ERR_NONE;
	o = DB_ROW(&rows, struct policy, (size_t)clash.tag);
	return refuse(cx, ERR_CONFLICT, "with policy %" PRId64 " (%s) %s %s; OPA takes no bundle with both",
		o->id, o->name, clash.why, dotted(cx->arena, clash.rule));
}
