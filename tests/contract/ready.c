/* SPDX-License-Identifier: Apache-2.0 */
/* A request to every route that succeeds: what it names exists, and is in the state that it needs. */
#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "certs.h"

/* What a tenant or an object must have gone through before an operation makes sense. */
static const struct {
	const char *op;
	enum method method;
	const char *path, *body; /* NULL: the least */
} before[] = {
	{ "restoreTenant", M_DELETE, "/tenants/{tenant_id}", NULL },
	{ "resumeTenant", M_POST, "/tenants/{tenant_id}/suspend", NULL },
	{ "restorePolicy", M_DELETE, "/policies/{id}", NULL },
	{ "enablePolicy", M_POST, "/policies/{id}/disable", NULL },
	{ "rollbackPolicy", M_PATCH, "/policies/{id}", "{\"description\":\"second\"}" },
};

/* Bodies whose fields must fit each other. */
static const struct {
	const char *op, *body;
} bodies[] = {
	{"deployTenant", "{\"region\":\"eu-west-1\",\"migrate_data\":true,\"discard_data\":false}"},
	{"changePlan", "{\"plan_type\":\"enterprise\",\"at\":\"now\"}"},
	{"updateBilling",
         "{\"payment_method\":\"pm_1\",\"billing_address\":{\"line1\":\"1 Main St\",\"city\":\"Kiel\","
         "\"country\":\"DE\"}}"},
	{"registerPep",
         "{\"bouncer_id\":\"contract-2\",\"bouncer_name\":\"two\",\"bouncer_type\":\"sidecar\",\"resource\":"
         "{\"name\":\"Two\",\"type\":\"api\"},\"deployment_info\":{\"environment\":\"sandbox\"}}"},
	{"reportStatus",
         "{\"labels\":{\"bouncer_id\":\"contract-1\"},\"bundles\":{}}"},
	{"reportStatusOf", "{\"bundles\":{}}"},
	{"setQuota",
         "{\"policies\":{\"limit\":900,\"enforcement\":\"grace\",\"grace_percent\":10,"
         "\"thresholds\":[50,100]}}"},
	{"setAlertRules",
         "{\"policies\":{\"enabled\":false,\"thresholds\":[70,95]},\"api_calls\":{\"limit\":5000}}"},
	{"setIssuers",
         "{\"issuers\":[{\"issuer\":\"https://id.example/\",\"audience\":\"a\",\"algorithms\":[\"ES256\"],"
         "\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"use\":\"sig\","
         "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
         "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}}]}"},
};

static char *domain_with_certificate(void)
{
	static int n;
	char name[64], *text;
	json_t *body;

	snprintf(name, sizeof(name), "certified-%d.example.com", ++n);
	text = cert_body_for(name);
	body = json_loads(text, 0, NULL);
	json_object_set_new(body, "domain", json_string(name));
	free(text);
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

/* id: of the object that is meant; may be NULL. */
static char *body_for(const struct route *r, const char *id, bool all)
{
	json_t *o;
	char *text;

	if (strcmp(r->op, "setCertificate") == 0)
		return cert_body_for(id);
	if (strcmp(r->op, "addDomain") == 0 && all)
		return domain_with_certificate();
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (strcmp(bodies[i].op, r->op) == 0)
			return strdup(bodies[i].body);
	o = sample_object(r->body, route_read_mode(r), all);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* What no request alone can bring about. */
static void prove(struct contract *k, const struct route *r)
{
	if (strcmp(r->op, "makeDefaultDomain") == 0)
		fixture_control(k->d, "UPDATE cc.domain SET status = 'verified' WHERE status = 'pending'");
	if (strcmp(r->op, "reportStatus") == 0)
		contract_bouncer(k, k->t.id);
	if (strcmp(r->op, "verifyDomain") == 0)
		fixture_control(k->d, "UPDATE cc.domain SET token = 'proof' WHERE custom");
}

static void prepare(struct contract *k, const struct route *r, const char *tenant, const char *id)
{
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		struct ask ask = {
			.prefix = "/api/v1", .method = before[i].method, .tenant = tenant, .id = id
		};

		if (strcmp(before[i].op, r->op) != 0)
			continue;
		ask.r = route_find(before[i].method, before[i].path);
		assert_non_null(ask.r);
		ask.body = before[i].body != NULL ? before[i].body : ask.r->body != NULL ? "{}" : NULL;
		assert_status(ask.r->status, contract_ask(k, k->c, &ask));
	}
}

/* Writes to the tenant itself get one of their own. */
static const char *tenant_for(struct contract *k, const struct route *r)
{
	const char *brace = strrchr(r->path, '{');

	if (r->mode == DB_WRITE && brace != NULL &&
		(strncmp(brace, "{tenant_id}", 11) == 0 || strncmp(brace, "{deployment_id}", 15) == 0 ||
			strncmp(brace, "{operation_id}", 14) == 0))
		return contract_tenant(k);
	return k->t.id;
}

static char *kept(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	assert_true(text == NULL || copy != NULL);
	return copy;
}

void contract_ready(
	struct contract *k, const struct route *r, const char *prefix, bool all, struct ready *ret)
{
	*ret = (struct ready){
		.ask = {.r = r, .prefix = prefix, .method = r->method}
	};
	ret->ask.tenant = kept(tenant_for(k, r));
	ret->ask.id = kept(contract_object(k, r, ret->ask.tenant));
	prove(k, r);
	prepare(k, r, ret->ask.tenant, ret->ask.id);
	if (r->body != NULL)
		ret->ask.body = body_for(r, ret->ask.id, all);
}

void ready_clear(struct ready *ready)
{
	free((void *)(uintptr_t)ready->ask.tenant);
	free((void *)(uintptr_t)ready->ask.id);
	free((void *)(uintptr_t)ready->ask.body);
	*ready = (struct ready){ 0 };
}
