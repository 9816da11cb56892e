/* SPDX-License-Identifier: Apache-2.0 */
/* What a tenant may be: checks of a creation and of a change. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "tenants_in.h"

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/billing.h"
#include "cc/core/domains.h"
#include "cc/core/head.h"
#include "cc/core/scope.h"
#include "cc/model/names.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

#define USAGE_MS 2000           /* an operator must be able to act on a tenant whose region is down */

/* One limit in the three shapes it has. */
static const struct limit_kind {
	const char *field;
	size_t setting, used, limit;
} kinds[] = {
#define KIND(what) \
	{ "settings.max_" #what, offsetof(struct tenant_settings, max_##what), \
	  offsetof(struct tenant_usage, what##_used), offsetof(struct limits, max_##what) }
	KIND(policies), KIND(users), KIND(bouncers), KIND(resources),
#undef KIND
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int64_t get(const void *obj, size_t at)
{
	int64_t v;

	memcpy(&v, (const char *)obj + at, sizeof(v));
	return v;
}

static void set(void *obj, size_t at, int64_t v)
{
	memcpy((char *)obj + at, &v, sizeof(v));
}

const char *tenants_slug(struct ctx *cx, const char *domain)
{
	const char *base = cx->world->settings->base_domain;
	const char *label = host_label(cx->arena, domain, base);
	const char *why = NULL;

	if (label == NULL || strchr(label, '.') != NULL)
		(void)refuse_field(cx, "domain", "format", "`domain` must be one label followed by .%s",
				   base);
	else if ((why = check_slug(label)) != NULL)
		(void)refuse_field(cx, "domain", "format", "`domain` %s", why);
	return why == NULL && ctx_faults(cx) == ERR_NONE ? label : NULL;
}

const struct plan *tenants_plan(struct ctx *cx, const char *name)
{
	const struct plan *p = plan_find(cx->world->plans, name);

	if (p == NULL)
		(void)refuse_field(cx, "plan_type", "unknown_plan", "`plan_type` must be the name of a plan");
	return p;
}

/* A rule about regions that are not served here, or that forbids the one the data is in, was a mistake. */
static void check_residency(struct ctx *cx, const struct strv *allowed, const char *field, const char *region)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (region_find(cx->world, allowed->v[i]) == NULL)
			(void)refuse_field(cx, "settings.allowed_regions", "unknown_region",
					   "`settings.allowed_regions` must name regions served here");
	if (allowed->n > 0 && !strv_has(allowed, region))
		(void)refuse_field(cx, field, "residency_forbids",
				   "`%s` must be in keeping with where the data is: %s", field, region);
}

static void spec_limits(const struct tenant_new *in, const struct plan *plan, struct limits *ret)
{
	for (size_t i = 0; i < KINDS; i++) {
		const bool own = schema_seen(&tenant_new_schema, in, kinds[i].field);

		set(ret, kinds[i].limit, own ? get(&in->settings, kinds[i].setting) : get(&plan->limits,
											  kinds[i].limit));
	}
}

enum err tenants_spec(struct ctx *cx, const struct tenant_new *in, struct tenant_spec *ret)
{
	const struct plan *plan = tenants_plan(cx, in->plan_type);
	const char *slug = tenants_slug(cx, in->domain);
	const char *custom = NULL;

	if (in->custom_domain != NULL)
		domains_name(cx, "custom_domain", in->custom_domain, &custom);
	if (region_find(cx->world, in->region) == NULL)
		(void)refuse_field(cx, "region", "unknown_region",
				   "`region` must be one of the regions served here");
	check_residency(cx, &in->settings.allowed_regions, "region", in->region);
	TRY(ctx_faults(cx));
	*ret = (struct tenant_spec){
		.name = in->name,
		.slug = slug,
		.domain = in->domain,
		.custom_domain = custom,
		.plan = plan,
		.region = in->region,
		.owner_email = in->owner_email != NULL ? in->owner_email
						       : arena_printf(cx->arena, "owner@%s", in->domain),
		.owner_username = "owner",
		.require_if_match = in->settings.require_if_match,
		.require_tests = in->settings.require_tests,
		.allowed_regions = in->settings.allowed_regions,
		.cors_origins = in->settings.cors_origins,
	};
	spec_limits(in, plan, &ret->limits);
	return ERR_NONE;
}

struct look {
	struct head head;
	struct tally bytes;
	bool found;
};

static enum err look_at_head(struct ctx *cx, void *arg)
{
	struct look *l = arg;

	q_head_look_later(cx->db, &l->head, &l->found);
	q_object_bytes_later(cx->db, &l->bytes);
	return ERR_NONE;
}

void tenants_usage(struct ctx *cx, struct tenant_usage *ret, const struct tenant **ret_fresh)
{
	const int64_t deadline = cx->deadline_ms, soon = clock_mono_ms() + USAGE_MS;
	struct look l = { .found = false };
	enum err e;

	*ret_fresh = NULL;
	if (deadline > soon)
		cx->deadline_ms = soon;
	e = head_read(cx, look_at_head, &l, ret_fresh);
	cx->deadline_ms = deadline;
	*ret = (struct tenant_usage){ INT_NULL, INT_NULL, INT_NULL, INT_NULL, INT_NULL };
	if (e == ERR_NONE && l.found)
		*ret = (struct tenant_usage){
			.policies_used = l.head.policies_used,
			.users_used = l.head.users_used,
			.bouncers_used = l.head.bouncers_used,
			.resources_used = l.head.resources_used,
			.storage_bytes = l.bytes.total,
		};
	if (e != ERR_NONE)
		ctx_clear_problem(cx);
}

/* What the tenant may use and is called by on the network is the operator's; the rest is the owner's. */
static bool is_owners(const char *field)
{
	return str_eq(field, "name") || str_eq(field, "settings.require_if_match") ||
	       str_eq(field, "settings.require_tests") || str_eq(field, "settings.cors_origins");
}

static enum err check_rights(struct ctx *cx, const struct strv *changed)
{
	static const char needed[] = "platform:tenants";

	if (cx->actor == NULL || cx->actor->scopes & scope_bit(needed))
		return ERR_NONE;
	for (size_t i = 0; i < changed->n; i++)
		if (!is_owners(changed->v[i]))
			return refuse(cx, ERR_SCOPE, "changing %s needs the scope %s", changed->v[i], needed);
	return ERR_NONE;
}

static enum err follow_plan(struct ctx *cx, const struct tenant_row *sent, const struct tenant_row *before,
			    struct tenant_row *row)
{
	const struct plan *old = plan_find(cx->world->plans, before->plan_type);
	const struct plan *new = tenants_plan(cx, row->plan_type);

	TRY(ctx_faults(cx));
	for (size_t i = 0; i < KINDS && old != NULL; i++)
		if (!schema_seen(&tenant_row_schema, sent, kinds[i].field) &&
		    get(&before->settings, kinds[i].setting) == get(&old->limits, kinds[i].limit))
			set(&row->settings, kinds[i].setting, get(&new->limits, kinds[i].limit));
	return ERR_NONE;
}

static enum err check_usage(struct ctx *cx, const struct tenant_usage *used, const struct tenant_row *before,
			    const struct tenant_row *row)
{
	for (size_t i = 0; i < KINDS; i++) {
		const int64_t was = get(&before->settings, kinds[i].setting);
		const int64_t max = get(&row->settings, kinds[i].setting), now = get(used, kinds[i].used);

		if (max == INT_NULL || (was != INT_NULL && max >= was))
			continue;
		if (now == INT_NULL)
			return refuse(cx, ERR_UNAVAILABLE,
				      "the tenant's region does not say what is in use; retry");
		if (max < now)
			return refuse(cx, ERR_BELOW_USAGE, "%s cannot be %" PRId64 ": %" PRId64 " in use",
				      kinds[i].field, max, now);
	}
	return ERR_NONE;
}

/* The old name is held for the tenant and the new one taken in the same commit. */
static enum err move_domain(struct ctx *cx, const struct tenant_row *before, struct tenant_row *row)
{
	struct tally *freed = ARENA_NEW(cx->arena, struct tally);

	row->slug = tenants_slug(cx, row->domain);
	TRY(ctx_faults(cx));
	if (!str_eq(before->slug, row->slug)) {
		q_name_free_later(cx->db, freed, row->slug);
		q_tenant_name_retire_later(cx->db, before->id, before->slug,
					   cx->world->settings->name_hold_days);
		q_tenant_name_add_later(cx->db, before->id, row->slug);
	}
	q_tenant_domain_move_later(cx->db, before->id, row->domain);
	return ERR_NONE;
}

/* Where it is, and where it is on its way to: that one has a copy already. */
static enum err check_places(struct ctx *cx, const struct tenant_row *row)
{
	static const char field[] = "settings.allowed_regions";
	const struct strv *allowed = &row->settings.allowed_regions;
	struct move_target *move = ARENA_NEW(cx->arena, struct move_target);
	bool found = false;

	check_residency(cx, allowed, field, row->region);
	TRY(q_deployment_target(cx->db, move, &found, row->id));
	if (found && allowed->n > 0 && !strv_has(allowed, move->to_region))
		(void)refuse_field(cx, field, "residency_forbids",
				   "`%s` must have %s, where %s takes the tenant, until that is cancelled",
				   field, move->to_region, move->id);
	return ERR_NONE;
}

enum err tenants_update(struct ctx *cx, const struct tenants_edit *edit, struct tenant_row *ret,
			struct strv *ret_changed)
{
	struct tenant_row *row = ARENA_NEW(cx->arena, struct tenant_row);
	const struct tenant_settings *max = &row->settings;
	struct tenant_row before;
	bool *found = ARENA_NEW(cx->arena, bool);

	TRY(q_tenant_lock(cx->db, row, found, cx->tenant->id));
	TRY(tenants_state(cx, *found, row));
	TRY(ctx_check_version(cx, row->row_version));
	before = *row;
	TRY(schema_overlay(cx, &tenant_row_schema, row, edit->sent, edit->mode, ret_changed));
	*ret = *row;
	if (ret_changed->n == 0)
		return ERR_NONE;
	TRY(check_rights(cx, ret_changed));
	if (strv_has(ret_changed, "settings.allowed_regions"))
		TRY(check_places(cx, row));
	TRY(ctx_faults(cx));
	if (!str_eq(before.plan_type, row->plan_type)) {
		TRY(follow_plan(cx, edit->sent, &before, row));
		TRY(billing_follow_plan(cx, before.plan_type, row->plan_type));
	}
	TRY(check_usage(cx, edit->used, &before, row));
	if (!str_eq(before.domain, row->domain))
		TRY(move_domain(cx, &before, row));
	q_tenant_update_later(cx->db, ret, found, row->id, row->name, row->slug, row->domain, row->plan_type,
			      max->max_policies, max->max_users, max->max_bouncers, max->max_resources,
			      max->require_if_match, max->require_tests, &max->allowed_regions,
			      &max->cors_origins);
	return ERR_NONE;
}

enum err tenants_set_plan(struct ctx *cx, const char *plan, const struct tenant_usage *used,
			  struct tenant_row *row)
{
	const struct tenant_row nothing = { .seen = 0 };
	const struct tenant_settings *max = &row->settings;
	const struct tenant_row before = *row;

	row->plan_type = plan;
	TRY(follow_plan(cx, &nothing, &before, row));
	if (used != NULL)
		TRY(check_usage(cx, used, &before, row));
	q_tenant_update_later(cx->db, row, ARENA_NEW(cx->arena, bool), row->id, row->name, row->slug,
			      row->domain, plan, max->max_policies, max->max_users, max->max_bouncers,
			      max->max_resources, max->require_if_match, max->require_tests,
			      &max->allowed_regions, &max->cors_origins);
	return ERR_NONE;
}
