/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/certificates.h"

#include <string.h>

#include "domains_in.h"

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/core/alerts.h"
#include "cc/core/envelope.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/crypto/certificate.h"
#include "cc/model/q_control.h"
#include "cc/net/hostname.h"

#define PAGE_ROWS 100

/* Checking --------------------------------------------------------------------------------------------- */

/* A wildcard below a public suffix would be for everybody's names. */
static void check_wildcard(struct ctx *cx, const struct certificate *c)
{
	if (c->matched != NULL && str_starts(c->matched, "*.") && hostname_is_suffix(c->matched + 2))
		(void)refuse_field(cx, "ssl_certificate", "certificate_mismatch",
				   "`ssl_certificate` is for %s: below a public suffix are names of many",
				   c->matched);
}

/* What OpenSSL takes need not be what the listener can show. */
static void check_servable(struct ctx *cx, const struct certificate *c)
{
	bool at_key = false;
	const char *why, *field;

	if (cx->world->certificate_fault == NULL)
		return;
	why = cx->world->certificate_fault(cx->arena, c->chain, c->key, &at_key);
	field = at_key ? "ssl_private_key" : "ssl_certificate";
	if (why != NULL)
		(void)refuse_field(cx, field, "not_servable", "`%s` cannot be served over TLS here: %s",
				   field, why);
}

static enum err check(struct ctx *cx, const char *domain, const struct certificate_new *in,
		      struct certificate *ret)
{
	const struct settings *s = cx->world->settings;
	const struct certificate_ask ask = {
		.certificate = in->ssl_certificate, .chain = in->ssl_chain, .key = in->ssl_private_key,
		.host = domain, .self_managed = in->self_managed, .trust_store = s->trust_store,
		.blocked = s->blocked_keys, .now = clock_wall_us(),
		.at_certificate = "ssl_certificate", .at_chain = "ssl_chain", .at_key = "ssl_private_key",
	};
	const enum err e = certificate_check(cx, &ask, ret);

	check_wildcard(cx, ret);
	if (ctx_faults(cx) == ERR_NONE)
		check_servable(cx, ret);
	return e != ERR_NONE ? e : ctx_faults(cx);
}

void certificates_check(struct ctx *cx, const struct certificate_source *source, const char *domain,
			const struct certificate_new *in, const struct certificate_verdict **ret)
{
	struct certificate_verdict *v = ARENA_NEW(cx->arena, struct certificate_verdict);
	struct certificate *c = ARENA_NEW(cx->arena, struct certificate);
	const char *why = NULL;

	*ret = v;
	v->source = source;
	v->domain = hostname_ascii(cx->arena, domain, &why);
	if (v->domain == NULL)
		return;
	v->certificate = c;
	v->err = check(cx, v->domain, in, c);
	v->problem = cx->problem;
	ctx_clear_problem(cx);
}

/* Keeping ---------------------------------------------------------------------------------------------- */

static enum err verdict_of(struct ctx *cx, const struct certificate_verdict *v)
{
	if (v->err == ERR_NONE)
		return ERR_NONE;
	cx->problem.faults = v->problem.faults;
	cx->problem.faults_tail = v->problem.faults_tail;
	cx->problem.nfaults = v->problem.nfaults;
	cx->problem.message = v->problem.message;
	return v->err;
}

static enum err put(struct ctx *cx, const struct certificate_verdict *v, struct domain_row *ret)
{
	const struct certificate *c = v->certificate;
	const struct binding b = { .tenant_id = cx->tenant->id, .domain = v->domain, .serial = c->serial };
	const struct bytes key = { .p = (const unsigned char *)c->key, .n = strlen(c->key) };
	struct sealed *sealed = ARENA_NEW(cx->arena, struct sealed);
	bool found;

	TRY(envelope_seal(cx, &b, key, sealed));
	q_certificate_drop_later(cx->db, b.tenant_id, b.domain);
	q_certificate_put_later(cx->db, b.tenant_id, b.domain, v->source->name, c->serial,
				c->fingerprint, c->issuer, c->key_type, c->not_before, c->not_after,
				c->chain, sealed->secret, sealed->dek, sealed->kek_id);
	q_domain_certified_later(cx->db, b.tenant_id, b.domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRING, b.domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_EXPIRED, b.domain);
	alert_resolve_later(cx, ALERT_CERTIFICATE_NOT_SERVABLE, b.domain);
	TRY(q_domain_get(cx->db, ret, &found, b.tenant_id, b.domain));
	domains_show(cx, ret);
	return certificates_show(cx, ret, 1);
}

enum err certificates_store_new(struct ctx *cx, const struct certificate_verdict *v, struct domain_row *ret)
{
	TRY(verdict_of(cx, v));
	return put(cx, v, ret);
}

enum err certificates_store(struct ctx *cx, const struct certificate_verdict *v, struct domain_row *ret)
{
	if (v->domain == NULL)
		return ERR_NOT_FOUND;
	TRY(domains_hold(cx, v->domain, ret));
	if (!ret->custom)
		return refuse(cx, ERR_CONFLICT, "%s is the platform's name for the tenant: it has the "
			      "platform's certificate", v->domain);
	if (domains_is_over(ret))
		return refuse(cx, ERR_CONFLICT, "the claim to %s is over: add it again first", v->domain);
	return certificates_store_new(cx, v, ret);
}

/* Showing ---------------------------------------------------------------------------------------------- */

static void show_one(struct domain_row *row, const struct certificate_shown *c)
{
	row->certificate = *c;
	if (c->expired)
		row->ssl_status = domain_ssl_statuses[SSL_EXPIRED];
	else if (c->expiring && str_eq(row->ssl_status, domain_ssl_statuses[SSL_ACTIVE]))
		row->ssl_status = domain_ssl_statuses[SSL_EXPIRING];
}

enum err certificates_show(struct ctx *cx, struct domain_row *rows, size_t n)
{
	struct db_rows found;

	if (n == 0)
		return ERR_NONE;
	TRY(q_certificate_shown(cx->db, &found, cx->tenant->id, n == 1 ? rows[0].domain : NULL));
	for (size_t i = 0; i < found.n; i++) {
		const struct certificate_shown *c = DB_ROW(&found, struct certificate_shown, i);

		for (size_t k = 0; k < n; k++)
			if (str_eq(rows[k].domain, c->domain))
				show_one(&rows[k], c);
	}
	return ERR_NONE;
}

/* Serving ---------------------------------------------------------------------------------------------- */

static enum err open_row(struct ctx *cx, const struct certificate_row *row, struct served_certificate *ret)
{
	const struct binding b = { row->tenant_id, row->domain, row->serial };
	const struct sealed s = { row->sealed_key, row->wrapped_dek, row->kek_id };
	struct bytes key;

	TRY(envelope_open(cx, &b, &s, &key));
	*ret = (struct served_certificate){
		.tenant_id = row->tenant_id, .domain = row->domain,
		.chain = row->chain, .not_after = row->not_after,
		.key = arena_strndup(cx->arena, (const char *)key.p, key.n),
	};
	return ERR_NONE;
}

struct page {
	const char *tenant_id, *after;
	struct db_rows rows;
};

static enum err read_page(struct ctx *cx, void *arg)
{
	struct page *p = arg;

	return q_certificate_servable(cx->db, &p->rows, p->tenant_id, p->after, PAGE_ROWS);
}

/* Others are served whatever is wrong with one. */
static void tell(struct ctx *cx, const struct certificate_row *row, served_certificate_fn fn, void *arg)
{
	struct served_certificate c;

	if (open_row(cx, row, &c) == ERR_NONE) {
		fn(cx, &c, arg);
		return;
	}
	c = (struct served_certificate){
		.tenant_id = row->tenant_id, .domain = row->domain, .not_after = row->not_after,
		.fault = "it does not open",
	};
	fn(cx, &c, arg);
	LOG(LOG_ERROR, "a certificate cannot be opened", LOG_TEXT("domain", row->domain),
	    LOG_TEXT("tenant_id", row->tenant_id), LOG_TEXT("message", cx->problem.message),
	    LOG_TEXT("cause", cx->problem.cause));
	ctx_clear_problem(cx);
}

enum err certificates_each(struct ctx *cx, const char *tenant_id, served_certificate_fn fn, void *arg)
{
	const int64_t page_ms = cx->deadline_ms - clock_mono_ms(); /* however many pages there are */
	struct ctx own = *cx;
	struct page p = { .tenant_id = tenant_id };
	char after[256] = "";
	struct db_place place;
	enum err e = ERR_NONE;

	own.arena = arena_create(65536);
	place_platform(cx->world, &place);
	do {
		arena_reset(own.arena);
		arena_hold_secret(own.arena);
		p.after = arena_strdup(own.arena, after);
		own.deadline_ms = clock_mono_ms() + page_ms;
		e = db_unit(&own, &place, DB_READ, read_page, &p);
		for (size_t i = 0; e == ERR_NONE && i < p.rows.n; i++)
			tell(&own, DB_ROW(&p.rows, struct certificate_row, i), fn, arg);
		if (e == ERR_NONE && p.rows.n > 0)
			(void)memccpy(after, DB_ROW(&p.rows, struct certificate_row, p.rows.n - 1)->domain,
				      '\0', sizeof(after) - 1);
	} while (e == ERR_NONE && p.rows.n == PAGE_ROWS);
	if (e != ERR_NONE)
		(void)refuse(cx, e, "%s", own.problem.message != NULL ? own.problem.message
								      : err_info(e)->meaning);
	arena_destroy(own.arena);
	return e;
}
