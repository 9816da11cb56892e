/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "certs.h"

#include "cc/core/certificates.h"
#include "cc/core/domains.h"
#include "cc/core/registry.h"
#include "cc/core/tenant.h"
#include "cc/crypto/digest.h"

int keeper_start(void **state)
{
	struct plane *p = plane_start();

	p->settings.domains_max = 1000;
	p->settings.domain.claim_s = 3600;
	*state = p;
	return 0;
}

int keeper_stop(void **state)
{
	plane_stop(*state);
	return 0;
}

struct gift {
	struct domain_new in;
	const struct certificate_verdict *verdict;
};

static enum err add_and_store(struct ctx *cx, void *arg)
{
	const struct gift *g = arg;
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);

	TRY(domains_add(cx, &g->in, row));
	return certificates_store_new(cx, g->verdict, row);
}

static enum err replace(struct ctx *cx, void *arg)
{
	const struct gift *g = arg;

	return certificates_store(cx, g->verdict, ARENA_NEW(cx->arena, struct domain_row));
}

static void must(const struct ctx *cx, enum err e)
{
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		print_message("# %s: %s\n", f->field, f->message);
	if (e != ERR_NONE)
		fail_msg("%s: %s", err_info(e)->code, cx->problem.message != NULL ? cx->problem.message : "");
}

static const char *bring(struct plane *p, const char *tenant_id, const char *domain, db_work work)
{
	const char *names = arena_printf(p->arena, "DNS:%s", domain);
	struct cert *cert = cert_make(&(struct cert_spec){ .names = names });
	const struct certificate_new in = { .ssl_certificate = cert_pem(cert),
					    .ssl_private_key = cert_private(cert), .self_managed = true };
	const char *key = arena_strdup(p->arena, cert_private(cert));
	struct ctx cx = plane_ctx(p);
	struct gift g = { .in.domain = domain };
	struct db_place place;

	must(&cx, tenant_get(&cx, tenant_id, true, &cx.tenant));
	certificates_check(&cx, &certificate_supplied, domain, &in, &g.verdict);
	place_control(cx.world, tenant_id, &place);
	must(&cx, db_unit(&cx, &place, DB_WRITE, work, &g));
	tenant_put(cx.tenant);
	cert_free(cert);
	plane_done(&cx);
	return key;
}

const char *keeper_bring(struct plane *p, const char *tenant_id, const char *domain)
{
	const char *key = bring(p, tenant_id, domain, add_and_store);

	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET status = 'verified' WHERE domain = '%s'", domain);
	return key;
}

void keeper_replace(struct plane *p, const char *tenant_id, const char *domain)
{
	(void)bring(p, tenant_id, domain, replace);
}

static void note(struct ctx *cx, const struct served_certificate *c, void *arg)
{
	(void)cx;
	if (c->fault != NULL)
		return;
	assert_non_null(strstr(c->chain, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(c->key, "BEGIN PRIVATE KEY"));
	str_addf(arg, "%s %s\n", c->domain, c->tenant_id);
}

const char *keeper_served(struct plane *p, const char *tenant_id)
{
	struct ctx cx = plane_ctx(p);
	struct str all;

	str_init(&all, p->arena, 8192);
	must(&cx, certificates_each(&cx, tenant_id, note, &all));
	plane_done(&cx);
	return all.data;
}

struct wish {
	const char *domain, *key;
	struct arena *arena;
};

static void take_key(struct ctx *cx, const struct served_certificate *c, void *arg)
{
	struct wish *w = arg;

	(void)cx;
	if (c->fault == NULL && strcmp(c->domain, w->domain) == 0)
		w->key = arena_strdup(w->arena, c->key);
}

const char *keeper_key(struct plane *p, const char *domain)
{
	struct wish w = { .domain = domain, .arena = p->arena };
	struct ctx cx = plane_ctx(p);

	must(&cx, certificates_each(&cx, NULL, take_key, &w));
	plane_done(&cx);
	return w.key;
}

void keeper_keks(struct plane *p, const char *ids)
{
	struct kek *v = ARENA_ARRAY(p->arena, struct kek, 8);
	size_t n = 0;

	for (const char *at = ids; *at != '\0'; n++) {
		const size_t len = strcspn(at, " ");

		assert_true(n < 8);
		v[n].id = arena_strndup(p->arena, at, len);
		sha256_of(at, len, v[n].key);
		at += len + (at[len] == ' ');
	}
	p->settings.keks = (struct kek_set){ .v = v, .n = n };
}
