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

static const char *name_in(struct arena *a, const char *text, const struct rego_name *n)
{
	return arena_strndup(a, text + n->at, n->len);
}

/* As modules of the same package have it, however they write it. */
static const char *package_of(struct arena *a, const char *text, const struct rego_module *m)
{
	return m->package_path != NULL ? m->package_path
				       : arena_strndup(a, text + m->package_at, m->package_len);
}

/* What stands in each of them, however they write the rest. */
static const char *last_name(const char *package)
{
	const char *slash = strrchr(package, '/');

	return slash != NULL ? slash + 1 : package;
}

/* A rule for which both have a default; NULL: there is none. */
static const char *shared_default(struct arena *a, const char *text, const struct rego_module *m,
	const char *other_text, const struct rego_module *other)
{
	if (other->nfaults > 0 || !str_eq(package_of(a, text, m), package_of(a, other_text, other)))
		return NULL;
	for (int i = 0; i < m->ndefaults; i++)
		for (int k = 0; k < other->ndefaults; k++) {
			const char *name = name_in(a, text, &m->has_default[i]);

			if (str_eq(name, name_in(a, other_text, &other->has_default[k])))
				return name;
		}
	return NULL;
}

enum err policy_check_defaults(struct ctx *cx, const struct policy *p)
{
	struct rego_module *m = ARENA_NEW(cx->arena, struct rego_module);
	struct rego_module *other = ARENA_NEW(cx->arena, struct rego_module);
	struct db_rows rows;

	if (!str_eq(p->status, "active") || !str_eq(p->environment, "production"))
		return ERR_NONE;
	rego_check(cx->arena, p->rego_code, strlen(p->rego_code), m);
	if (m->nfaults > 0 || m->ndefaults == 0)
		return ERR_NONE;
	TRY(q_policy_neighbours(
		cx->db, &rows, p->id, p->environment, last_name(package_of(cx->arena, p->rego_code, m))));
	for (size_t i = 0; i < rows.n; i++) {
		const struct policy *o = DB_ROW(&rows, struct policy, i);
		const char *rule;

		rego_check(cx->arena, o->rego_code, strlen(o->rego_code), other);
		rule = shared_default(cx->arena, p->rego_code, m, o->rego_code, other);
		if (rule != NULL)
			return refuse(cx, ERR_CONFLICT,
				"policy %" PRId64 " (%s) has a default for %s in the package %s already; OPA "
				"takes no bundle with two",
				o->id, o->name, rule,
				arena_strndup(cx->arena, p->rego_code + m->package_at, m->package_len));
	}
	return ERR_NONE;
}
