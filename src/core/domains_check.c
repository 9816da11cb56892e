/* SPDX-License-Identifier: Apache-2.0 */
/* What the DNS says of a tenant's domain, and what follows from it. */
#include <strings.h>

#include "domains_in.h"

#include "cc/base/clock.h"
#include "cc/core/alerts.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/net/dns.h"
#include "cc/schema/write.h"

/* What nobody made is asked for before the record and after it, for who varies his answers. */
enum {
	ASK_WILD, ASK_TXT, ASK_WILD_TOO, ASK_TXT_WAY, ASK_WILD_WAY, ASK_CNAME,
	ASK_OURS,               /* the platform's own name: what is said of it is in no tenant's hand */
	ASK_A, ASK_AAAA, ASK_CAA,
	QUESTIONS
};
enum {
	SHOWN = 4, SHOWN_CHARACTERS = 255, NOBODYS_LABEL = 20,
	STALE_CHECKS = 6,       /* in the time in which one becomes stale */
};

#define MORE "further records are not shown"

/* One record as all resolvers see it: answer[resolver * stride]. */
struct view {
	const struct settings *settings;
	const struct dns_answer *answer;
	size_t stride;
	const char *wanted;     /* NULL: nothing certain */
};

static const struct dns_answer *seen_by(const struct view *v, size_t resolver)
{
	return &v->answer[resolver * v->stride];
}

static const char *name_of(const struct view *v, size_t resolver)
{
	const char *name = v->settings->resolvers[resolver];

	return name != NULL ? name : "system";
}

/* Names differ by case at most; a token never does in another case by chance. */
static bool shows(const struct view *v, size_t resolver)
{
	const struct dns_answer *a = seen_by(v, resolver);

	for (size_t i = 0; i < a->values.n; i++)
		if (strcasecmp(a->values.v[i], v->wanted) == 0)
			return true;
	return false;
}

/* *ret_denied: one of them knows better, whatever the others say or do not. */
static const char *reason_of(const struct view *v, bool *ret_denied)
{
	size_t good = 0, other = 0, failed = 0;
	const size_t n = v->settings->nresolvers;

	for (size_t i = 0; i < n; i++) {
		good += shows(v, i);
		failed += seen_by(v, i)->failed;
		other += seen_by(v, i)->values.n > 0;
	}
	*ret_denied = good + failed < n;
	if (good == n)
		return NULL;
	if (failed > 0)
		return "resolver_failed";
	if (good > 0)
		return "resolvers_disagree";
	return other > 0 ? "record_wrong" : "record_missing";
}

/* What is kept and told of an answer is its owner's to bloat: few records, and the beginning of each. */
static struct strv shown(struct ctx *cx, const struct dns_answer *a)
{
	const size_t n = a->values.n < SHOWN ? a->values.n : SHOWN;
	const char **few = ARENA_ARRAY(cx->arena, const char *, n);

	for (size_t i = 0; i < n; i++)
		few[i] = arena_printf(cx->arena, "%.*s", SHOWN_CHARACTERS, a->values.v[i]);
	return (struct strv){ .v = few, .n = n };
}

/* How many resolvers see something, or failed. */
static size_t seers(const struct view *v, bool failed)
{
	size_t n = 0;

	for (size_t i = 0; i < v->settings->nresolvers; i++)
		n += failed ? seen_by(v, i)->failed : seen_by(v, i)->values.n > 0;
	return n;
}

static bool is_shown(const struct view *v)
{
	for (size_t i = 0; i < v->settings->nresolvers; i++)
		if (shows(v, i))
			return true;
	return false;
}

/* A resolver that said nothing at all. A chain whose later steps failed began somewhere. */
static bool is_unknown(const struct view *v)
{
	for (size_t i = 0; i < v->settings->nresolvers; i++)
		if (seen_by(v, i)->failed && seen_by(v, i)->values.n == 0)
			return true;
	return false;
}

/*
 * Behind "*.acme.com CNAME shop.vendor.net" the vendor says what is at every name below acme.com that has
 * no records of its own, and would prove acme.com to be his: what a name that nobody made shows as well
 * proves nothing. He may vary his answers, but that a CNAME leads to him acme.com's own servers say, of
 * whatever name below it: so a record behind one proves nothing either where such a name has one too.
 */
static const char *wildcard_reason(const struct view v[QUESTIONS], bool *ret_denied)
{
	const bool led = seers(&v[ASK_TXT_WAY], false) > 0 && seers(&v[ASK_WILD_WAY], false) > 0;

	if (led || is_shown(&v[ASK_WILD]) || is_shown(&v[ASK_WILD_TOO])) {
		*ret_denied = true;
		return "record_wildcard";
	}
	for (int i = 0; i < ASK_CNAME; i++)
		if (is_unknown(&v[i]))
			return "resolver_failed";
	return NULL;
}

static const char *json_of(struct ctx *cx, const struct view *v)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 256);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < v->settings->nresolvers; i++) {
		const struct dns_answer *a = seen_by(v, i);
		const struct domain_seen seen = {
			.resolver = name_of(v, i),
			.values = shown(cx, a),
			.problem = a->values.n > SHOWN ? MORE : a->problem,
		};

		schema_write(&w, &domain_seen_schema, &seen, WRITE_FULL);
	}
	jw_array_end(&w);
	return out.data;
}

static const char *words_of(struct ctx *cx, const struct view *v, const char *type, const char *name)
{
	struct strv few;
	struct str out;

	str_init(&out, cx->arena, 256);
	str_addf(&out, "%s of %s must be %s.", type, name, v->wanted);
	for (size_t i = 0; i < v->settings->nresolvers; i++) {
		const struct dns_answer *a = seen_by(v, i);

		str_addf(&out, " %s: ", name_of(v, i));
		if (a->values.n == 0)
			str_add(&out, a->problem != NULL ? a->problem : "nothing");
		few = shown(cx, a);
		for (size_t k = 0; k < few.n; k++)
			str_addf(&out, "%s%s", k > 0 ? ", " : "", few.v[k]);
		if (a->values.n > SHOWN)
			str_add(&out, "; " MORE);
		str_add_char(&out, '.');
	}
	return out.data;
}

/* What else is there ------------------------------------------------------------------------------------ */

/* Addresses behind the CNAME are where it leads, and no matter of their own. */
static const char *note_of(const struct view v[QUESTIONS], int which, const struct domain_check *c)
{
	const bool led = c->cname_reason == NULL || seers(&v[ASK_CNAME], false) > 0;

	if (seers(&v[which], false) > 0) {
		if (which == ASK_CAA)
			return "issuers_restricted";
		return led ? NULL : "addresses_instead_of_cname";
	}
	if (which != ASK_A || seers(&v[ASK_A], true) > 0)
		return NULL;
	return seers(&v[ASK_AAAA], false) + seers(&v[ASK_AAAA], true) == 0 ? "no_address" : NULL;
}

static const char *findings_of(struct ctx *cx, const struct view v[QUESTIONS], const struct domain_row *row,
			       const struct domain_check *c)
{
	static const char *const types[] = { [ASK_A] = "A", [ASK_AAAA] = "AAAA", [ASK_CAA] = "CAA" };
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	jw_array(&w);
	for (int i = ASK_A; i < QUESTIONS; i++) {
		const struct domain_finding f = { .type = types[i], .name = row->domain,
						  .note = note_of(v, i, c), .seen = json_of(cx, &v[i]) };

		schema_write(&w, &domain_finding_schema, &f, WRITE_FULL);
	}
	jw_array_end(&w);
	return out.data;
}

/* Asking ----------------------------------------------------------------------------------------------- */

static void read_answers(struct ctx *cx, const struct domain_row *row, const struct dns_answer *answers,
			 size_t stride, struct domain_check *ret)
{
	struct view v[QUESTIONS];

	for (size_t i = 0; i < QUESTIONS; i++)
		v[i] = (struct view){ cx->world->settings, answers + i, stride, NULL };
	v[ASK_TXT].wanted = row->dns_instructions.txt_record;
	v[ASK_WILD].wanted = v[ASK_WILD_TOO].wanted = v[ASK_TXT].wanted;
	v[ASK_CNAME].wanted = row->target;
	*ret = (struct domain_check){
		.token = row->token, .target = row->target,
		.txt_seen = json_of(cx, &v[ASK_TXT]), .cname_seen = json_of(cx, &v[ASK_CNAME]),
		.txt_words = words_of(cx, &v[ASK_TXT], "TXT", row->txt_name),
		.cname_words = words_of(cx, &v[ASK_CNAME], "CNAME", row->domain),
	};
	ret->txt_reason = reason_of(&v[ASK_TXT], &ret->txt_denied);
	if (ret->txt_reason == NULL)
		ret->txt_reason = wildcard_reason(v, &ret->txt_denied);
	ret->cname_reason = reason_of(&v[ASK_CNAME], &ret->cname_denied);
	ret->findings = findings_of(cx, v, row, ret);
}

/* One answer to all that it was asked is enough: whose name servers are dead must not make it look so. */
static void note_resolver(struct resolver_state *r, const struct dns_answer *answers, size_t n,
			  int64_t begun_us)
{
	const int64_t now = clock_wall_us();
	int64_t none = 0;

	for (size_t i = 0; i < n; i++) {
		if (answers[i].silent)
			continue;
		atomic_store(&r->answered_us, now);
		atomic_store(&r->silent_us, 0);
		return;
	}
	/* Somebody else may have been answered meanwhile. */
	if (atomic_load(&r->answered_us) < begun_us)
		(void)atomic_compare_exchange_strong(&r->silent_us, &none, now);
}

static const char *nobodys_name(struct ctx *cx, const char *domain)
{
	return arena_printf(cx->arena, "%s.%s", id_new(cx->arena, "_", NOBODYS_LABEL), domain);
}

void domains_ask(struct ctx *cx, const struct domain_row *const *rows, size_t n, struct domain_check *ret)
{
	const struct settings *s = cx->world->settings;
	const size_t stride = n * QUESTIONS;
	const int64_t begun_us = clock_wall_us();
	struct dns_question *questions = ARENA_ARRAY(cx->arena, struct dns_question, stride);
	struct dns_answer *answers = ARENA_ARRAY(cx->arena, struct dns_answer, s->nresolvers * stride);

	for (size_t i = 0; i < n; i++) {
		struct dns_question *q = questions + i * QUESTIONS;

		q[ASK_TXT] = (struct dns_question){ rows[i]->txt_name, DNS_TXT };
		q[ASK_CNAME] = (struct dns_question){ rows[i]->domain, DNS_CNAME };
		q[ASK_WILD] = (struct dns_question){ nobodys_name(cx, rows[i]->domain), DNS_TXT };
		q[ASK_WILD_TOO] = (struct dns_question){ nobodys_name(cx, rows[i]->domain), DNS_TXT };
		q[ASK_TXT_WAY] = (struct dns_question){ rows[i]->txt_name, DNS_CNAME };
		q[ASK_WILD_WAY] = (struct dns_question){ nobodys_name(cx, rows[i]->domain), DNS_CNAME };
		q[ASK_OURS] = (struct dns_question){ s->base_domain, DNS_A };
		q[ASK_A] = (struct dns_question){ rows[i]->domain, DNS_A };
		q[ASK_AAAA] = (struct dns_question){ rows[i]->domain, DNS_AAAA };
		q[ASK_CAA] = (struct dns_question){ rows[i]->domain, DNS_CAA };
	}
	dns_ask(cx->arena, s->resolvers, s->nresolvers, questions, stride, s->dns_ms, answers);
	for (size_t i = 0; cx->world->resolver != NULL && i < s->nresolvers; i++)
		note_resolver(&cx->world->resolver[i], answers + i * stride, stride, begun_us);
	for (size_t i = 0; i < n; i++)
		read_answers(cx, rows[i], answers + i * QUESTIONS, stride, &ret[i]);
}

static enum err ask_in_turn(struct ctx *cx, const struct domain_row *row, struct domain_check *ret)
{
	struct world *w = cx->world;
	const int slot = slots_take(&w->dns_slots, w->settings->dns_concurrent, cx->tenant->id);

	if (slot < 0) {
		cx->problem.retry_after = 1;
		return refuse(cx, ERR_OVERLOADED, "enough domains are being looked at; retry");
	}
	domains_ask(cx, &row, 1, ret);
	slots_give(&w->dns_slots, slot);
	return ERR_NONE;
}

/* Looking ---------------------------------------------------------------------------------------------- */

struct look {
	const char *name;
	struct domain_row row;
	bool found;
	struct domain_check *check;
};

static enum err read_row(struct ctx *cx, void *arg)
{
	struct look *l = arg;

	return q_domain_get(cx->db, &l->row, &l->found, cx->tenant->id, l->name);
}

static enum err keep_seen(struct ctx *cx, void *arg)
{
	const struct look *l = arg;

	domains_failed_later(cx, &l->row, l->check, false);
	return ERR_NONE;
}

enum err domains_look(struct ctx *cx, const char *name, bool rehearsal, const struct domain_check **ret)
{
	struct look l = { .name = name, .check = ARENA_NEW(cx->arena, struct domain_check) };
	struct db_place place;

	place_control(cx->world, cx->tenant->id, &place);
	TRY(db_unit(cx, &place, DB_READ, read_row, &l));
	*ret = NULL;
	/* What no answer of the DNS would change is not asked for. */
	if (!l.found || !l.row.custom || l.row.held_elsewhere || l.row.claim_over || domains_is_over(&l.row))
		return ERR_NONE;
	domains_show(cx, &l.row);
	TRY(ask_in_turn(cx, &l.row, l.check));
	*ret = l.check;
	if (domains_lacks(&l.row, l.check) == NULL || rehearsal)
		return ERR_NONE;
	return db_unit(cx, &place, DB_WRITE, keep_seen, &l);
}

/* Deciding --------------------------------------------------------------------------------------------- */

const char *domains_lacks(const struct domain_row *row, const struct domain_check *c)
{
	if (c->txt_reason != NULL)
		return c->txt_reason;
	return row->cname_required ? c->cname_reason : NULL;
}

bool domains_is_silent(const char *lacks)
{
	return str_eq(lacks, "resolver_failed");
}

bool domains_is_denied(const struct domain_row *row, const struct domain_check *c)
{
	return c->txt_denied || (row->cname_required && c->cname_denied);
}

static int64_t pause_s(const struct domain_times *times, const struct domain_row *row)
{
	int64_t pause = times->check_s;

	if (!str_eq(row->status, "pending"))
		return times->stale_s > STALE_CHECKS ? times->stale_s / STALE_CHECKS : 1;
	for (int64_t i = 0; i <= row->failures && pause < times->check_most_s; i++)
		pause *= 2;
	return pause < times->check_most_s ? pause : times->check_most_s;
}

void domains_failed_later(struct ctx *cx, const struct domain_row *row, const struct domain_check *c,
			  bool due)
{
	const struct domain_times *times = &cx->world->settings->domain;
	const char *lacks = domains_lacks(row, c);

	q_domain_failed_later(cx->db, cx->tenant->id, row->domain, c->token, lacks, c->txt_reason == NULL,
			      c->cname_reason == NULL, c->txt_seen, c->cname_seen, c->findings,
			      pause_s(times, row), domains_is_denied(row, c), times->stale_s,
			      domains_is_silent(lacks), due);
}

static void resolve_alerts_later(struct ctx *cx, const char *name)
{
	alert_resolve_later(cx, ALERT_DOMAIN_STALE, name);
	alert_resolve_later(cx, ALERT_DOMAIN_DETACHED, name);
	alert_resolve_later(cx, ALERT_DOMAIN_CLAIM_EXPIRED, name);
	alert_resolve_later(cx, ALERT_DOMAIN_CLAIM_LOST, name);
	alert_resolve_later(cx, ALERT_DOMAIN_PENDING, name);
}

enum err domains_prove(struct ctx *cx, const struct domain_check *c, struct domain_row *row,
		       bool *ret_changed)
{
	const int64_t *recheck_s = cx->world->settings->domain.recheck_s;
	struct tally *others = ARENA_NEW(cx->arena, struct tally);
	const char *before = row->status, *name = row->domain;

	TRY(q_domain_verify(cx->db, row, cx->tenant->id, name, c->cname_reason == NULL, c->txt_seen,
			    c->cname_seen, c->findings, recheck_s[0], recheck_s[1], recheck_s[2]));
	*ret_changed = !str_eq(before, row->status);
	if (*ret_changed)
		resolve_alerts_later(cx, name);
	alert_resolve_later(cx, ALERT_DOMAIN_UNCHECKED, name);
	if (str_eq(before, "pending")) {
		q_domain_contest_later(cx->db, others, cx->tenant->id, name);
		q_tenant_custom_domain_adopt_later(cx->db, cx->tenant->id, name);
	}
	domains_show(cx, row);
	return ERR_NONE;
}

static enum err not_verified(struct ctx *cx, const struct domain_row *row, const struct domain_check *c)
{
	if (c->txt_reason != NULL)
		(void)refuse_field(cx, "records[0]", c->txt_reason, "%s", c->txt_words);
	if (c->cname_reason != NULL)
		(void)refuse_field(cx, "records[1]", c->cname_reason, "%s", c->cname_words);
	return refuse(cx, ERR_NOT_VERIFIED, "%s is not proven to be the tenant's: %s", row->domain,
		      domains_lacks(row, c));
}

enum err domains_verify(struct ctx *cx, const char *name, const struct domain_check *c,
			struct domain_row *ret, bool *ret_changed)
{
	TRY(domains_hold(cx, name, ret));
	if (!ret->custom)
		return refuse(cx, ERR_CONFLICT, "%s is the platform's name for the tenant: it needs no proof",
			      name);
	if (ret->held_elsewhere)
		return refuse_held(cx, name, ret->held_until);
	if (domains_is_over(ret) || ret->claim_over)
		return refuse(cx, ERR_NOT_VERIFIED,
			      "the claim to %s is over: add it again, for a fresh record", name);
	if (c == NULL || !str_eq(ret->token, c->token) || !str_eq(ret->target, c->target))
		return refuse(cx, ERR_NOT_VERIFIED,
			      "%s was claimed anew meanwhile, or its tenant renamed; retry", name);
	if (domains_lacks(ret, c) != NULL)
		return not_verified(cx, ret, c);
	return domains_prove(cx, c, ret, ret_changed);
}
