/* SPDX-License-Identifier: Apache-2.0 */
/* What the DNS says of a tenant's domain, and what follows from it. */
#include <strings.h>

#include "domains_in.h"

#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/net/dns.h"
#include "cc/schema/write.h"

enum { ASK_TXT, ASK_CNAME, QUESTIONS };

/* One record as all resolvers see it: answer[resolver * QUESTIONS] and so on. */
struct view {
	const struct settings *settings;
	const struct dns_answer *answer;
	const char *wanted;
};

static const struct dns_answer *seen_by(const struct view *v, size_t resolver)
{
	return &v->answer[resolver * QUESTIONS];
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

static const char *reason_of(const struct view *v)
{
	size_t good = 0, other = 0, failed = 0;
	const size_t n = v->settings->nresolvers;

	for (size_t i = 0; i < n; i++) {
		good += shows(v, i);
		failed += seen_by(v, i)->failed;
		other += seen_by(v, i)->values.n > 0;
	}
	if (good == n)
		return NULL;
	if (failed > 0)
		return "resolver_failed";
	if (good > 0)
		return "resolvers_disagree";
	return other > 0 ? "record_wrong" : "record_missing";
}

static const char *json_of(struct ctx *cx, const struct view *v)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 256);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < v->settings->nresolvers; i++) {
		const struct domain_seen seen = {
			.resolver = name_of(v, i),
			.values = seen_by(v, i)->values,
			.problem = seen_by(v, i)->problem,
		};

		schema_write(&w, &domain_seen_schema, &seen, WRITE_FULL);
	}
	jw_array_end(&w);
	return out.data;
}

static const char *words_of(struct ctx *cx, const struct view *v, const char *type, const char *name)
{
	struct str out;

	str_init(&out, cx->arena, 256);
	str_addf(&out, "%s of %s must be %s.", type, name, v->wanted);
	for (size_t i = 0; i < v->settings->nresolvers; i++) {
		const struct dns_answer *a = seen_by(v, i);

		str_addf(&out, " %s: ", name_of(v, i));
		if (a->values.n == 0)
			str_add(&out, a->problem != NULL ? a->problem : "nothing");
		for (size_t k = 0; k < a->values.n; k++)
			str_addf(&out, "%s%s", k > 0 ? ", " : "", a->values.v[k]);
		str_add_char(&out, '.');
	}
	return out.data;
}

static void ask(struct ctx *cx, const struct domain_row *row, struct domain_check *ret)
{
	const struct settings *s = cx->world->settings;
	const struct dns_question questions[QUESTIONS] = {
		[ASK_TXT] = { row->txt_name, DNS_TXT }, [ASK_CNAME] = { row->domain, DNS_CNAME },
	};
	struct dns_answer *answers = ARENA_ARRAY(cx->arena, struct dns_answer, s->nresolvers * QUESTIONS);
	const struct view txt = { s, answers + ASK_TXT, row->dns_instructions.txt_record };
	const struct view cname = { s, answers + ASK_CNAME, row->target };

	dns_ask(cx->arena, s->resolvers, s->nresolvers, questions, QUESTIONS, s->dns_ms, answers);
	*ret = (struct domain_check){
		.token = row->token,
		.txt_reason = reason_of(&txt), .cname_reason = reason_of(&cname),
		.txt_seen = json_of(cx, &txt), .cname_seen = json_of(cx, &cname),
		.txt_words = words_of(cx, &txt, "TXT", row->txt_name),
		.cname_words = words_of(cx, &cname, "CNAME", row->domain),
	};
}

static enum err ask_in_turn(struct ctx *cx, const struct domain_row *row, struct domain_check *ret)
{
	struct world *w = cx->world;
	enum err e = ERR_NONE;

	if (atomic_fetch_add(&w->dns_busy, 1) >= w->settings->dns_concurrent) {
		cx->problem.retry_after = 1;
		e = refuse(cx, ERR_OVERLOADED, "enough domains are being looked at; retry");
	} else {
		ask(cx, row, ret);
	}
	atomic_fetch_sub(&w->dns_busy, 1);
	return e;
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
	const struct domain_check *c = l->check;

	q_domain_seen_later(cx->db, cx->tenant->id, l->name, c->token, c->txt_reason, false,
			    c->cname_reason == NULL, c->txt_seen, c->cname_seen);
	return ERR_NONE;
}

enum err domains_look(struct ctx *cx, const char *name, bool rehearsal, const struct domain_check **ret)
{
	struct look l = { .name = name, .check = ARENA_NEW(cx->arena, struct domain_check) };
	struct db_place place;

	place_control(cx->world, cx->tenant->id, &place);
	TRY(db_unit(cx, &place, DB_READ, read_row, &l));
	*ret = NULL;
	if (!l.found || !l.row.custom)
		return ERR_NONE;
	domains_show(cx, &l.row);
	TRY(ask_in_turn(cx, &l.row, l.check));
	*ret = l.check;
	if (l.check->txt_reason == NULL || rehearsal)
		return ERR_NONE;
	return db_unit(cx, &place, DB_WRITE, keep_seen, &l);
}

/* Deciding --------------------------------------------------------------------------------------------- */

static enum err not_verified(struct ctx *cx, const char *name, const struct domain_check *c)
{
	(void)refuse_field(cx, "records[0]", c->txt_reason, "%s", c->txt_words);
	if (c->cname_reason != NULL)
		(void)refuse_field(cx, "records[1]", c->cname_reason, "%s", c->cname_words);
	return refuse(cx, ERR_NOT_VERIFIED, "%s is not proven to be the tenant's: %s", name, c->txt_reason);
}

enum err domains_verify(struct ctx *cx, const char *name, const struct domain_check *c,
			struct domain_row *ret, bool *ret_changed)
{
	TRY(domains_hold(cx, name, ret));
	if (!ret->custom)
		return refuse(cx, ERR_CONFLICT, "%s is the platform's name for the tenant: it needs no proof",
			      name);
	if (ret->held_elsewhere)
		return refuse(cx, ERR_DOMAIN_ELSEWHERE, "another tenant has proven that %s is its own", name);
	if (str_eq(ret->status, "expired") || str_eq(ret->status, "detached") || ret->claim_over)
		return refuse(cx, ERR_NOT_VERIFIED,
			      "the claim to %s is over: add it again, for a fresh record", name);
	if (c == NULL || !str_eq(ret->token, c->token))
		return refuse(cx, ERR_NOT_VERIFIED, "%s was claimed anew meanwhile; retry", name);
	if (c->txt_reason != NULL)
		return not_verified(cx, name, c);
	*ret_changed = !str_eq(ret->status, "verified") && !str_eq(ret->status, "active");
	TRY(q_domain_verify(cx->db, ret, cx->tenant->id, name, c->cname_reason == NULL, c->txt_seen,
			    c->cname_seen));
	domains_show(cx, ret);
	return ERR_NONE;
}
