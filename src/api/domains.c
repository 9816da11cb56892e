/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/certificates.h"
#include "cc/core/domains.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

struct domain_query {
	PAGE_MEMBERS;
};

#define T struct domain_query
static const struct field domain_query_fields[] = {
	PAGE_SKIP_FIELD(T, PAGE_SKIP_MAX, "How many domains to pass over."),
	PAGE_LIMIT_FIELD(T),
	PAGE_CURSOR_FIELD(T),
};
#undef T
static SCHEMA(domain_query_schema, struct domain_query, "DomainQuery", domain_query_fields);

static enum err domain_list(struct ctx *cx, struct req *rq)
{
	const struct domain_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "is_default,domain", &page));
	q_domain_count_later(cx->db, tally_at(&rq->total), cx->tenant->id);
	TRY(q_domain_list(cx->db, &rq->list, &page->order, cx->tenant->id, page->skip, page->rows));
	for (size_t i = 0; i < rq->list.n; i++)
		domains_show(cx, DB_ROW(&rq->list, struct domain_row, i));
	return certificates_show(cx, rq->list.v, rq->list.n);
}

static enum err domain_get(struct ctx *cx, struct req *rq)
{
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);
	const char *name;
	bool found;

	TRY(domains_named(cx, rq->param[1], &name));
	TRY(q_domain_get(cx->db, row, &found, cx->tenant->id, name));
	if (!found)
		return refuse_missing(cx, "domain", name);
	domains_show(cx, row);
	TRY(certificates_show(cx, row, 1));
	return reply(rq, row);
}

/* With the one goes the other. */
static void check_pair(struct ctx *cx, const struct domain_new *in)
{
	if (in->ssl_certificate != NULL && in->ssl_private_key == NULL)
		(void)refuse_field(cx, "ssl_private_key", "required",
				   "`ssl_private_key` is required with ssl_certificate");
	if (in->ssl_certificate == NULL && (in->ssl_private_key != NULL || in->ssl_chain != NULL))
		(void)refuse_field(cx, "ssl_certificate", "required",
				   "`ssl_certificate` is required with ssl_private_key and ssl_chain");
}

/* A domain may bring its certificate. */
static enum err domain_prepare(struct ctx *cx, struct req *rq)
{
	const struct domain_new *in = rq->body;
	const struct certificate_new brought = {
		.ssl_certificate = in->ssl_certificate, .ssl_private_key = in->ssl_private_key,
		.ssl_chain = in->ssl_chain, .self_managed = in->self_managed,
	};
	const struct certificate_verdict *v = NULL;

	check_pair(cx, in);
	TRY(ctx_faults(cx));
	if (in->ssl_certificate != NULL)
		certificates_check(cx, &certificate_supplied, in->domain, &brought, &v);
	rq->prepared = v;
	return ERR_NONE;
}

static enum err domain_add(struct ctx *cx, struct req *rq)
{
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);

	TRY(domains_add(cx, rq->body, row));
	if (rq->prepared != NULL)
		TRY(certificates_store_new(cx, rq->prepared, row));
	else
		TRY(certificates_show(cx, row, 1));
	rq->object_id = row->domain;
	return reply_created(cx, rq, row, "/tenants/%s/domains/%s", cx->tenant->id, row->domain);
}

static enum err domain_look(struct ctx *cx, struct req *rq)
{
	const struct domain_check *check = NULL;
	const char *name;

	/* What is no name the handler refuses: an earlier request with the same key comes first. */
	if (domains_named(cx, rq->param[1], &name) != ERR_NONE) {
		ctx_clear_problem(cx);
		return ERR_NONE;
	}
	TRY(domains_look(cx, name, rq->dry_run, &check));
	rq->prepared = check;
	return ERR_NONE;
}

static enum err domain_verify(struct ctx *cx, struct req *rq)
{
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);
	bool changed;

	TRY(domains_named(cx, rq->param[1], &rq->object_id));
	TRY(domains_verify(cx, rq->object_id, rq->prepared, row, &changed));
	if (!changed)
		gate_unchanged(rq);
	TRY(certificates_show(cx, row, 1));
	return reply(rq, row);
}

static enum err domain_make_default(struct ctx *cx, struct req *rq)
{
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);
	bool changed;

	TRY(domains_named(cx, rq->param[1], &rq->object_id));
	TRY(domains_make_default(cx, rq->object_id, row, &changed));
	if (!changed)
		gate_unchanged(rq);
	TRY(certificates_show(cx, row, 1));
	return reply(rq, row);
}

static enum err domain_check_certificate(struct ctx *cx, struct req *rq)
{
	const struct certificate_verdict *v;

	certificates_check(cx, &certificate_supplied, rq->param[1], rq->body, &v);
	rq->prepared = v;
	return ERR_NONE;
}

static enum err domain_set_certificate(struct ctx *cx, struct req *rq)
{
	static const char *const changed[] = { "certificate" };
	struct domain_row *row = ARENA_NEW(cx->arena, struct domain_row);

	TRY(domains_named(cx, rq->param[1], &rq->object_id));
	TRY(certificates_store(cx, rq->prepared, row));
	rq->changed = (struct strv){ .v = changed, .n = 1 };
	return reply(rq, row);
}

static enum err domain_delete(struct ctx *cx, struct req *rq)
{
	struct domain_deletion *gone = ARENA_NEW(cx->arena, struct domain_deletion);

	TRY(domains_named(cx, rq->param[1], &rq->object_id));
	TRY(domains_remove(cx, rq->object_id, gone));
	return reply(rq, gone);
}

#define BASE "/tenants/{tenant_id}/domains"
#define ONE BASE "/{domain}"
/* Certificate and chain of 64 KiB, a key of 16 KiB, and what JSON makes of their lines. */
#define CERTIFICATE_BODY_MAX 262144
#define READ .object = "domain", .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_READ, .status = 200
#define WRITE .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_WRITE, .object = "domain"

static const struct route routes[] = {
	{ M_POST, BASE, "addDomain", "domains:write", "platform:tenants", WRITE, .flags = ROUTE_VOLATILE,
	  .status = 201, .before = domain_prepare, .handler = domain_add, .body = &domain_new_schema,
	  .reply = &domain_row_schema, .body_max = CERTIFICATE_BODY_MAX,
	  .errors = { ERR_QUOTA, ERR_DOMAIN_TAKEN, ERR_DOMAIN_ELSEWHERE, ERR_KEK_MISSING },
	  .summary = "Add a domain of the tenant's own",
	  .doc = "The answer says which DNS records prove it. One that is pending already goes on with its "
		 "records, and ends when it would have." },
	{ M_GET, BASE, "listDomains", "domains:read", "platform:read", READ,
	  .flags = ROUTE_VOLATILE | ROUTE_BARE_ARRAY, .handler = domain_list, .query = &domain_query_schema,
	  .reply = &domain_row_schema, .list = "domains",
	  .summary = "List a tenant's domains",
	  .doc = "The default one last. A bare array; further pages are named by the header Link." },
	{ M_GET, ONE, "getDomain", "domains:read", "platform:read", READ, .flags = ROUTE_VOLATILE,
	  .handler = domain_get, .reply = &domain_row_schema,
	  .summary = "Get a domain",
	  .doc = "With the records that it needs, what was seen of them, and why it is not verified." },
	{ M_POST, ONE "/verify", "verifyDomain", "domains:write", "platform:tenants", WRITE,
	  .flags = ROUTE_VOLATILE | ROUTE_ON_OBJECT, .status = 200, .before = domain_look,
	  .handler = domain_verify, .reply = &domain_row_schema,
	  .errors = { ERR_NOT_VERIFIED, ERR_DOMAIN_ELSEWHERE, ERR_CONFLICT },
	  .summary = "Look at a domain's records now",
	  .doc = "Proven when every resolver sees the TXT record: from then on requests to the domain are "
		 "the tenant's. Else the details say of each record what was seen instead, and by whom." },
	{ M_POST, ONE "/default", "makeDefaultDomain", "domains:write", "platform:tenants", WRITE,
	  .flags = ROUTE_VOLATILE | ROUTE_ON_OBJECT, .status = 200, .handler = domain_make_default,
	  .reply = &domain_row_schema, .errors = { ERR_DOMAIN_INACTIVE },
	  .summary = "Make a domain the tenant's default",
	  .doc = "The name that the tenant is shown by. It must be verified and, where the service itself "
		 "ends TLS, have a certificate that is valid." },
	{ M_PUT, ONE "/certificate", "setCertificate", "domains:write", "platform:tenants", WRITE,
	  .flags = ROUTE_VOLATILE, .status = 200, .before = domain_check_certificate,
	  .handler = domain_set_certificate, .body = &certificate_new_schema, .reply = &domain_row_schema,
	  .body_max = CERTIFICATE_BODY_MAX, .errors = { ERR_CONFLICT, ERR_KEK_MISSING },
	  .summary = "Bring a certificate for a domain",
	  .doc = "It takes the place of the one before, on every node within a second. It must be for the "
		 "domain, by a CA that is trusted here unless self_managed, valid for a week yet, for "
		 "servers, with a key of RSA 2048 to 4096, P-256 or P-384 that nobody else knows; the "
		 "details say what it lacks. The private key is sealed, and never shown." },
	{ M_DELETE, ONE, "deleteDomain", "domains:write", "platform:tenants", WRITE, .status = 200,
	  .handler = domain_delete, .reply = &domain_deletion_schema, .errors = { ERR_DOMAIN_DEFAULT },
	  .summary = "Delete a domain",
	  .doc = "Requests to it are not answered any more: here at once, on every other node within a "
		 "second. Whoever wants it back begins with new records." },
};
ROUTE_GROUP(domain_routes, "Domains", "/api/v1", routes);
