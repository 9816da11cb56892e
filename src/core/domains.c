/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/domains.h"

#include <string.h>

#include "domains_in.h"
#include "tenants_in.h"

#include "cc/core/alerts.h"
#include "cc/core/head.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/names.h"
#include "cc/model/q_control.h"
#include "cc/net/hostname.h"
#include "cc/schema/write.h"

#define TXT_LABEL "_control-core-verification."
#define TXT_PREFIX "control-core-verification="
#define NAME_MAX_LEN (253 - (sizeof(TXT_LABEL) - 1))
#define TOKEN_LEN 32 /* base32: 160 bits */

/* Names ------------------------------------------------------------------------------------------------ */

static bool is_platforms(struct ctx *cx, const char *name)
{
	const struct settings *s = cx->world->settings;

	if (str_eq(name, s->base_domain) || host_label(cx->arena, name, s->base_domain) != NULL)
		return true;
	for (const char *const *h = s->neutral_hosts; h != NULL && *h != NULL; h++)
		if (str_eq(name, *h))
			return true;
	return false;
}

/* NULL: a tenant may own it. */
static const char *name_fault(struct ctx *cx, const char *name)
{
	const char *why = check_custom_domain(name);

	if (why != NULL)
		return why;
	if (strlen(name) > NAME_MAX_LEN)
		return "is too long: its verification record would have no name";
	if (is_platforms(cx, name))
		return arena_printf(cx->arena, "must not be under %s or a host of this service",
				    cx->world->settings->base_domain);
	if (hostname_is_suffix(name))
		return "is a public suffix: names below it are everybody's";
	return NULL;
}

void domains_name(struct ctx *cx, const char *field, const char *text, const char **ret)
{
	const char *why = NULL, *name = hostname_ascii(cx->arena, text, &why);

	if (name != NULL)
		why = name_fault(cx, name);
	if (why != NULL)
		(void)refuse_field(cx, field, FAULT_DOMAIN, "`%s` %s", field, why);
	*ret = why == NULL ? name : NULL;
}

enum err domains_named(struct ctx *cx, const char *text, const char **ret)
{
	const char *why = NULL;

	*ret = hostname_ascii(cx->arena, text, &why);
	if (*ret == NULL || check_custom_domain(*ret) != NULL)
		return refuse_missing(cx, "domain", text);
	return ERR_NONE;
}

const char *domains_token(struct ctx *cx)
{
	return id_new(cx->arena, "", TOKEN_LEN);
}

/* What is shown ---------------------------------------------------------------------------------------- */

static void write_record(struct jw *w, const struct domain_record *r)
{
	schema_write(w, &domain_record_schema, r, WRITE_FULL);
}

static const char *records_of(struct ctx *cx, const struct domain_row *row)
{
	const struct domain_record txt = {
		.type = "TXT", .name = row->txt_name, .value = row->dns_instructions.txt_record,
		.verified = row->txt_verified, .seen = row->txt_seen, .checked_at = row->checked_at,
	};
	const struct domain_record cname = {
		.type = "CNAME", .name = row->domain, .value = row->target,
		.verified = row->cname_verified, .seen = row->cname_seen, .checked_at = row->checked_at,
	};
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	jw_array(&w);
	if (row->custom) {
		write_record(&w, &txt);
		write_record(&w, &cname);
	}
	jw_array_end(&w);
	return out.data;
}

void domains_show(struct ctx *cx, struct domain_row *row)
{
	if (row->custom) {
		row->txt_name = arena_printf(cx->arena, TXT_LABEL "%s", row->domain);
		row->dns_instructions = (struct domain_dns){
			.cname_record = row->target,
			.txt_record = arena_printf(cx->arena, TXT_PREFIX "%s", row->token),
		};
	}
	row->records = records_of(cx, row);
}

/* Changes ---------------------------------------------------------------------------------------------- */

/* The tenant's row, then the domain's. */
static enum err lock(struct ctx *cx, const char *name, struct domain_row *ret, bool *ret_found)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	bool *found = ARENA_NEW(cx->arena, bool);

	q_tenant_lock_later(cx->db, tenant, found, cx->tenant->id);
	TRY(q_domain_find(cx->db, ret, ret_found, cx->tenant->id, name));
	return tenants_state(cx, *found, tenant);
}

enum err domains_hold(struct ctx *cx, const char *name, struct domain_row *ret)
{
	bool found;

	TRY(lock(cx, name, ret, &found));
	if (!found)
		return refuse_missing(cx, "domain", name);
	return ctx_check_version(cx, ret->row_version);
}

enum err refuse_held(struct ctx *cx, const char *name, int64_t held_until)
{
	if (held_until == TIME_NULL)
		return refuse(cx, ERR_DOMAIN_ELSEWHERE, "%s is another tenant's", name);
	return refuse(cx, ERR_DOMAIN_ELSEWHERE,
		      "%s was another tenant's until lately: it is kept for that one until %s", name,
		      time_format(cx->arena, held_until));
}

/* A claim whose time is over, whether or not a round came by since. */
static bool has_ended(const struct domain_row *row)
{
	return domains_is_over(row) || row->claim_over;
}

bool domains_is_over(const struct domain_row *row)
{
	return str_eq(row->status, "expired") || str_eq(row->status, "detached") ||
	       str_eq(row->status, "released");
}

/* May there be one more, and may it be this one? */
static enum err check_room(struct ctx *cx, const char *name)
{
	const int64_t most = cx->world->settings->domains_max;
	struct domain_row held = { 0 };
	struct tally *all = ARENA_NEW(cx->arena, struct tally);

	TRY(tenant_may_grow(cx));
	q_domain_count_later(cx->db, all, cx->tenant->id);
	TRY(q_domain_held_elsewhere(cx->db, &held, cx->tenant->id, name));
	if (held.held_elsewhere)
		return refuse_held(cx, name, held.held_until);
	if (all->total >= most)
		return refuse_quota(cx, "domains", most, all->total);
	return ERR_NONE;
}

enum err domains_add(struct ctx *cx, const struct domain_new *in, struct domain_row *ret)
{
	const struct settings *s = cx->world->settings;
	const char *name = NULL, *token = NULL;
	struct domain_row row;
	bool found;

	domains_name(cx, "domain", in->domain, &name);
	TRY(ctx_faults(cx));
	TRY(lock(cx, name, &row, &found));
	if (!found)
		TRY(check_room(cx, name));
	else if (str_eq(row.status, "pending") && !row.claim_over)
		token = row.token;
	else if (!has_ended(&row))
		return refuse(cx, ERR_DOMAIN_TAKEN, "the tenant has %s already: it is %s", name, row.status);
	else if (row.held_elsewhere)
		return refuse_held(cx, name, row.held_until);
	if (found && token == NULL) {
		q_domain_quarantine_later(cx->db, cx->tenant->id, name, s->domain.quarantine_s);
		alert_resolve_all_later(cx, name);
	}
	TRY(q_domain_claim(cx->db, ret, cx->tenant->id, name, token != NULL ? token : domains_token(cx),
			   s->domain.claim_s, s->domain.check_s));
	domains_show(cx, ret);
	return ERR_NONE;
}

static bool is_routed(const struct domain_row *row)
{
	return str_eq(row->status, "verified") || str_eq(row->status, "active");
}

/* NULL: whoever is sent to this name is answered. */
static const char *unserved(const struct ctx *cx, const struct domain_row *row)
{
	if (!is_routed(row))
		return arena_printf(cx->arena, "%s is %s: only a verified domain can be the default",
				    row->domain, row->status);
	if (row->custom && cx->world->settings->ends_tls &&
	    !str_eq(row->ssl_status, domain_ssl_statuses[SSL_ACTIVE]))
		return arena_printf(cx->arena, "%s has no certificate that is valid now: nobody would reach "
				    "it", row->domain);
	return NULL;
}

enum err domains_make_default(struct ctx *cx, const char *name, struct domain_row *ret, bool *ret_changed)
{
	const char *why;

	TRY(domains_hold(cx, name, ret));
	*ret_changed = !ret->is_default;
	why = *ret_changed ? unserved(cx, ret) : NULL;
	if (why != NULL)
		return refuse(cx, ERR_DOMAIN_INACTIVE, "%s", why);
	if (*ret_changed) {
		q_domain_default_clear_later(cx->db, cx->tenant->id);
		q_tenant_custom_domain_set_later(cx->db, cx->tenant->id, name);
		TRY(q_domain_default_set(cx->db, ret, cx->tenant->id, name));
	}
	domains_show(cx, ret);
	return ERR_NONE;
}

enum err domains_remove(struct ctx *cx, const char *name, struct domain_deletion *ret)
{
	struct domain_row row;

	TRY(domains_hold(cx, name, &row));
	if (row.is_default || !row.custom)
		return refuse(cx, ERR_DOMAIN_DEFAULT, "%s", row.custom
			      ? "make another domain the default first"
			      : "the tenant's domain under the platform's stays as long as the tenant");
	q_domain_quarantine_later(cx->db, cx->tenant->id, name, cx->world->settings->domain.quarantine_s);
	q_domain_delete_later(cx->db, ret, cx->tenant->id, name);
	q_tenant_custom_domain_drop_later(cx->db, cx->tenant->id, name);
	alert_resolve_all_later(cx, name);
	return ERR_NONE;
}
