/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a tenant. The intent is committed before anything is made and says whatever there is to
 * undo; only the last commit, while the lease still holds, lets anybody see the tenant.
 */
#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/audit.h"
#include "cc/core/billing.h"
#include "cc/core/domains.h"
#include "cc/core/idem.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/model/head.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

#define UNDO_MS 5000 /* a creation that failed may be taken back for this long */

struct creation {
	const struct tenant_spec *spec;
	const char *id;
	struct slot slot;
	bool claimed; /* a spare schema; else it is still to be made */
};

void tenant_changed(struct ctx *cx, const char *id)
{
	struct world *w = cx->world;

	if (w->registry != NULL)
		registry_forget_tenant(w->registry, id);
	if (w->changed != NULL)
		w->changed(w);
}

void work_wake(struct ctx *cx)
{
	if (cx->world->work_due != NULL)
		cx->world->work_due(cx->world);
}

static void add_names_later(struct ctx *cx, const struct creation *c)
{
	const struct settings *s = cx->world->settings;
	struct tally *freed = ARENA_NEW(cx->arena, struct tally);

	q_name_free_later(cx->db, freed, c->spec->slug);
	q_tenant_names_add_later(cx->db, c->id);
	q_tenant_domains_add_later(cx->db, c->id, domains_token(cx), s->domain.claim_s, s->domain.check_s);
	billing_open_later(cx, c->id);
}

/* One round trip: without a spare nothing follows from the first statement, and the commit is empty. */
static enum err claim_spare(struct ctx *cx, void *arg)
{
	struct creation *c = arg;
	const struct tenant_spec *s = c->spec;
	const struct limits *l = &s->limits;

	q_tenant_claim_later(cx->db, &c->slot, &c->claimed, c->id, s->slug, s->name, s->domain,
		s->custom_domain, s->plan->name, s->region, l->max_policies, l->max_resources, l->max_users,
		l->max_bouncers, s->owner_email, s->plan->term_months > 0 ? s->plan->term_months : INT_NULL,
		cx->world->settings->provision_lease_s, newest_version(), s->require_if_match,
		s->require_tests, &s->allowed_regions, &s->cors_origins);
	idem_reserve_later(cx, c->id);
	add_names_later(cx, c);
	return ERR_NONE;
}

static enum err check_custom_domain(struct ctx *cx, const char *domain)
{
	struct slot holder = { 0 };
	bool held = false;

	if (domain == NULL)
		return ERR_NONE;
	TRY(q_domain_held(cx->db, &holder, &held, domain));
	return held ? refuse(cx, ERR_DOMAIN_TAKEN, "The custom_domain %s belongs to another tenant.", domain)
		    : ERR_NONE;
}

static enum err intend_fresh(struct ctx *cx, void *arg)
{
	struct creation *c = arg;
	const struct tenant_spec *s = c->spec;
	const struct limits *l = &s->limits;

	TRY(check_custom_domain(cx, s->custom_domain));
	TRY(shard_reserve(cx, s->region, &c->slot.shard));
	q_tenant_intend_later(cx->db, c->id, s->slug, s->name, s->domain, s->custom_domain, s->plan->name,
		s->region, l->max_policies, l->max_resources, l->max_users, l->max_bouncers, s->owner_email,
		s->plan->term_months > 0 ? s->plan->term_months : INT_NULL,
		cx->world->settings->provision_lease_s, c->slot.schema_id, c->slot.shard,
		s->require_if_match, s->require_tests, &s->allowed_regions, &s->cors_origins);
	idem_reserve_later(cx, c->id);
	add_names_later(cx, c);
	return ERR_NONE;
}

static const char *tenant_id_new(struct ctx *cx, const struct tenant_spec *s)
{
	return id_new(cx->arena, arena_printf(cx->arena, "tenant-%s-", s->slug), 6);
}

static enum err intend(struct ctx *cx, struct creation *c)
{
	struct db_place place;

	place_platform(cx->world, &place);
	c->id = tenant_id_new(cx, c->spec);
	TRY(db_unit(cx, &place, DB_WRITE, claim_spare, c));
	c->slot.region = c->spec->region;
	if (c->claimed) {
		c->slot.version = newest_version();
		return ERR_NONE;
	}
	c->id = tenant_id_new(cx, c->spec);
	c->slot = (struct slot){ .region = c->spec->region, .schema_id = id_new(cx->arena, "t_", 16) };
	return db_unit(cx, &place, DB_WRITE, intend_fresh, c);
}

/* Rehearsal: the same statements, the row they made, and back. */
struct rehearsal {
	struct creation creation;
	struct tenant_row *row;
};

static enum err look_and_leave(struct ctx *cx, const struct rehearsal *r)
{
	TRY(db_flush(cx->db));
	TRY(q_tenant_get(cx->db, r->row, r->creation.id));
	r->row->status = tenant_status_name(TENANT_ACTIVE);
	return ERR_DRY_RUN;
}

static enum err rehearse_claim(struct ctx *cx, void *arg)
{
	struct rehearsal *r = arg;

	TRY(claim_spare(cx, &r->creation));
	TRY(db_flush(cx->db));
	return r->creation.claimed ? look_and_leave(cx, r) : ERR_NONE;
}

static enum err rehearse_fresh(struct ctx *cx, void *arg)
{
	struct rehearsal *r = arg;

	TRY(intend_fresh(cx, &r->creation));
	return look_and_leave(cx, r);
}

enum err tenant_rehearse(struct ctx *cx, const struct tenant_spec *spec, struct tenant_row *ret)
{
	struct rehearsal r = { .creation.spec = spec, .row = ret };
	struct region *region = NULL;
	struct db_place place;
	enum err e;

	TRY(region_need(cx, spec->region, &region));
	place_platform(cx->world, &place);
	r.creation.id = tenant_id_new(cx, spec);
	e = db_unit(cx, &place, DB_WRITE, rehearse_claim, &r);
	if (e == ERR_NONE) {
		r.creation.slot = (struct slot){ .region = spec->region,
						 .schema_id = id_new(cx->arena, "t_", 16) };
		e = db_unit(cx, &place, DB_WRITE, rehearse_fresh, &r);
	}
	return e == ERR_DRY_RUN ? ERR_NONE : e;
}

static enum err open_schema(struct ctx *cx, void *arg)
{
	const struct creation *c = arg;
	const struct audit_entry made = {
		.action = "createTenant", .object_type = "tenant", .object_id = c->id
	};
	struct head *head = ARENA_NEW(cx->arena, struct head);

	TRY(q_head_open(cx->db, head));
	cx->head = head;
	q_owner_add_later(cx->db, c->spec->owner_email, c->spec->owner_username);
	return audit_data_later(cx, c->id, &made);
}

/* Head, owner and the first line of the audit: a schema that was opened before is not opened again. */
static enum err furnish(struct ctx *cx, struct creation *c)
{
	struct region *r = NULL;
	struct db_place place;
	enum err e;

	TRY(region_need(cx, c->slot.region, &r));
	if (!c->claimed)
		TRY(schema_make(cx, &c->slot));
	FAILPOINT("tenant.create.schema");
	place_owner(cx, r, &c->slot, &place);
	e = db_unit(cx, &place, DB_WRITE, open_schema, c);
	cx->head = NULL;
	return e;
}

static enum err activate(struct ctx *cx, void *arg)
{
	const struct creation *c = arg;
	const struct audit_entry made = {
		.action = "createTenant", .object_type = "tenant", .object_id = c->id
	};

	q_tenant_activate_later(cx->db, c->id, c->claimed ? 0 : newest_version());
	TRY(audit_control(cx, c->id, &made));
	change_note_later(cx, c->id, "tenant", c->id);
	return ERR_NONE;
}

static enum err create_steps(struct ctx *cx, struct creation *c)
{
	struct db_place place;
	enum err e;

	TRY(intend(cx, c));
	FAILPOINT("tenant.create.intent");
	TRY(furnish(cx, c));
	FAILPOINT("tenant.create.opened");
	place_platform(cx->world, &place);
	e = db_unit(cx, &place, DB_WRITE, activate, c);
	FAILPOINT("tenant.create.active");
	return e == ERR_NOT_FOUND
		       ? refuse(cx, ERR_UNAVAILABLE, "Creating the tenant took too long; try again.")
		       : e;
}

static enum err read_state(struct ctx *cx, void *arg)
{
	struct slot *s = arg;
	bool found = false;

	return q_tenant_state(cx->db, s, &found, s->tenant_id);
}

/* The last commit may have worked although its answer was lost: then nothing is taken back. */
static bool is_active(struct ctx *cx, const char *id)
{
	struct slot s = { .tenant_id = id };
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_READ, read_state, &s) == ERR_NONE && str_eq(s.state, "active");
}

/* At once, as far as that is possible; what is left goes when the lease has run out. */
static enum err take_back(struct ctx *cx, const struct creation *c, enum err why)
{
	const struct problem problem = cx->problem;
	const char *undone = NULL;

	cx->deadline_ms = clock_mono_ms() + UNDO_MS;
	if (tenant_undo(cx, c->id, &undone) == ERR_NONE && undone == NULL && is_active(cx, c->id)) {
		ctx_clear_problem(cx);
		return ERR_NONE;
	}
	work_wake(cx);
	cx->problem = problem;
	if (why == ERR_UNAVAILABLE && problem.message == NULL)
		return refuse(cx, why, "Region %s cannot make a tenant now; try again.", c->spec->region);
	return why;
}

enum err tenant_create(struct ctx *cx, const struct tenant_spec *spec, const char **ret_id)
{
	struct creation c = { .spec = spec };
	const int64_t deadline = cx->deadline_ms;
	struct region *r = NULL;
	enum err e;

	TRY(region_need(cx, spec->region, &r));
	deadline_by_lease(cx);
	e = create_steps(cx, &c);
	if (e != ERR_NONE && e != ERR_SLUG_TAKEN && e != ERR_DOMAIN_TAKEN && e != ERR_IDEM_RUNNING)
		e = take_back(cx, &c, e);
	cx->deadline_ms = deadline;
	TRY(e);
	work_wake(cx);
	tenant_changed(cx, c.id);
	*ret_id = c.id;
	return ERR_NONE;
}
