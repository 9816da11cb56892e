/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three tenants against each other and against operators: every route, every way of naming a tenant, every
 * kind of credential. A new route is attacked without a line here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix.h"
#include "dns_peer.h"
#include "opa_peer.h"
#include "temp.h"

#define SHOWN 25        /* failures that are told in full */

static struct stage *stage;
static struct opa_peer *opa; /* so that no route lacks what it needs */
static struct dns_peer *dns;
static long asked;
static int failures;

static void complain(const struct cell *c, const struct answer *a, const char *what)
{
	failures++;
	if (failures <= SHOWN)
		print_error("%s\n\t%s %s\n\thost %s %s\n\t%s\n\tanswer %d %s\n", cell_label(c),
			    method_name(c->route->method), c->target, c->host, c->headers, what, a->status,
			    a->status == 0 ? a->error : a->body);
}

static void judge(const struct cell *c, const struct answer *a)
{
	struct verdicts v;
	char wanted[300], text[400];
	const char *leak = cell_leak(c, a);

	cell_expect(c, &v);
	if (a->status >= 500 || !verdicts_hold(&v, a)) {
		verdicts_print(&v, wanted, sizeof(wanted));
		snprintf(text, sizeof(text), "expected %s", wanted);
		complain(c, a, text);
	}
	if (leak != NULL) {
		snprintf(text, sizeof(text), "shows %s", leak);
		complain(c, a, text);
	}
}

static void attack(const struct route *r, const char *prefix, const struct credential *cred,
		   struct client *http)
{
	for (size_t i = 0; i < nsources; i++) {
		const struct answer *a;
		struct cell c;

		if (!cell_make(&c, stage, r, prefix, &sources[i], cred))
			continue;
		cell_prepare(&c);
		a = cell_send(&c, http);
		asked++;
		judge(&c, a);
		cell_repair(&c, a);
		cell_clear(&c);
	}
	client_forget(http);
	client_forget(stage->op);
}

static void attack_all(const struct credential *cred)
{
	struct client *http = client_open(daemon_port(stage->d));
	const struct route *r;
	const char *prefix;
	const int64_t start = temp_now_ms();
	const long before = asked;

	failures = 0;
	for (size_t i = 0; (r = route_at(i, &prefix)) != NULL; i++)
		attack(r, prefix, cred, http);
	client_close(http);
	print_message("# %ld requests by %s in %lld ms\n", asked - before, cred->label,
		      (long long)(temp_now_ms() - start));
	if (failures > 0)
		fail_msg("%d of the answers to %s were wrong", failures, cred->label);
}

static void a_tenants_key_reaches_its_own_tenant_only(void **state)
{
	(void)state;
	attack_all(&(struct credential){
		"key of the first tenant", HOLDER_TENANT, 0, stage->party[0].t.key, false });
}

static void a_tenants_key_in_the_other_header_reaches_its_own_tenant_only(void **state)
{
	(void)state;
	attack_all(&(struct credential){
		"X-API-Key of the second", HOLDER_TENANT, 1, stage->party[1].t.key, true });
}

static void a_key_of_another_region_reaches_its_own_tenant_only(void **state)
{
	(void)state;
	attack_all(&(struct credential){
		"key of the far tenant", HOLDER_TENANT, 2, stage->party[2].t.key, false });
}

static void a_key_with_one_scope_reaches_its_own_tenants_policies_only(void **state)
{
	(void)state;
	attack_all(&(struct credential){
		"key with policies:read", HOLDER_LIMITED, 0, stage->party[0].limited_key, false });
}

static void an_operators_key_reaches_the_tenant_it_names(void **state)
{
	(void)state;
	attack_all(&(struct credential){
		"operator", HOLDER_OPERATOR, 0, daemon_operator_key(stage->d), false });
}

static void an_operators_key_for_reading_reads_the_platform_only(void **state)
{
	(void)state;
	attack_all(&(struct credential){
		"operator with platform:read", HOLDER_READER, 0, stage->reader, false });
}

static void without_a_good_key_nothing_is_reached(void **state)
{
	const struct credential none[] = {
		{ "no key", HOLDER_NONE, 0, NULL, false },
		{ "garbage", HOLDER_NONE, 0, "cc_live_nosuchkey", false },
		{ "revoked key", HOLDER_NONE, 0, stage->revoked, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		attack_all(&none[i]);
}

/* Foreign and unknown ------------------------------------------------------------------------------- */

/* The answer to one way of naming, with the name masked. The object's id, if any, is the same for all. */
static char *masked_answer(const struct route *r, const char *prefix, const struct credential *cred,
			   const struct source *source, struct client *http)
{
	const struct answer *a;
	struct cell c;
	char *text;

	if (!cell_make(&c, stage, r, prefix, source, cred))
		return NULL;
	a = cell_send(&c, http);
	asked++;
	text = answer_masked(&c, a);
	cell_clear(&c);
	return text;
}

static void compare(const struct route *r, const char *prefix, const struct credential *cred,
		    enum place place, enum form form, struct client *http)
{
	static const char *const places[] = { "host", "header", "query", "path" };
	static const int others[] = { 1, 2, ASLEEP, GONE };
	struct source source = { .label = "unknown" };
	char *expected, *got;

	source.at[place] = (struct naming){ .who = NOWHERE, .form = form };
	expected = masked_answer(r, prefix, cred, &source, http);
	for (size_t i = 0; expected != NULL && i < sizeof(others) / sizeof(others[0]); i++) {
		source.label = "foreign";
		source.at[place] = (struct naming){ .who = PARTY, .form = form, .party = others[i] };
		got = masked_answer(r, prefix, cred, &source, http);
		if (strcmp(expected, got) != 0 && ++failures <= SHOWN)
			print_error("%s %s by %s: %s of %s differs from one that does not exist:\n%s\n%s\n",
				    method_name(r->method), r->path, cred->label, places[place],
				    stage->party[others[i]].t.slug, got, expected);
		free(got);
	}
	free(expected);
}

static void foreign_and_unknown_tenants_cannot_be_told_apart(void **state)
{
	const struct credential creds[] = {
		{ "key of the first tenant", HOLDER_TENANT, 0, stage->party[0].t.key, false },
		{ "key with policies:read", HOLDER_LIMITED, 0, stage->party[0].limited_key, false },
		{ "no key", HOLDER_NONE, 0, NULL, false },
		{ "revoked key", HOLDER_NONE, 0, stage->revoked, false },
	};
	struct client *http = client_open(daemon_port(stage->d));
	const struct route *r;
	const char *prefix;

	(void)state;
	failures = 0;
	for (size_t i = 0; (r = route_at(i, &prefix)) != NULL; i++) {
		for (size_t k = 0; k < sizeof(creds) / sizeof(creds[0]); k++)
			for (int place = 0; place < PLACES; place++)
				for (int form = BY_ID; form <= BY_SLUG; form++)
					compare(r, prefix, &creds[k], (enum place)place, (enum form)form,
						http);
		client_forget(http);
	}
	client_close(http);
	assert_int_equal(0, failures);
}

/* Objects ------------------------------------------------------------------------------------------- */

/* What the asker wrote himself is no secret to him: the id in his path. */
static bool shows(const char *body, const char *own, const char *marker)
{
	const size_t skip = strlen(own);

	for (const char *p = body; *p != '\0'; p++) {
		if (strncmp(p, own, skip) == 0 && skip > 0)
			p += skip - 1;
		else if (str_starts(p, marker))
			return true;
	}
	return false;
}

/* More of everything than the first tenant has, so that there are ids it does not have. */
static void foreign_ids_lead_to_ones_own_object_or_to_none(void **state)
{
	struct client *mine = client_of(stage->d, &stage->party[0].t);
	const struct route *r;
	const char *prefix;

	(void)state;
	for (size_t i = 0; (r = route_at(i, &prefix)) != NULL; i++) {
		char made_at[128], id[64];
		const struct answer *a;

		if (r->auth != AUTH_TENANT || r->method != M_GET || !path_maker(r, made_at, sizeof(made_at)))
			continue;
		for (int k = 0; k < 3; k++)
			stage_fresh_object(stage, &stage->party[1], made_at, id, sizeof(id));
		if (path_names_tenant(r))
			a = client_get(mine, "/tenants/%s%s/%s", stage->party[0].t.id,
				       strstr(made_at, "}") + 1, id);
		else
			a = client_get(mine, "%s/%s", made_at, id);
		if (a->status != 200)
			assert_error(404, "resource_not_found", a);
		if (shows(a->body, a->status == 200 ? "" : id, stage->party[1].marker))
			fail_msg("%s shows another tenant's object: %s", r->path, a->body);
	}
	client_close(mine);
}

static void a_body_cannot_name_another_tenants_object(void **state)
{
	struct client *mine = client_of(stage->d, &stage->party[0].t);
	char id[64];

	(void)state;
	for (int k = 0; k < 20; k++)
		stage_fresh_object(stage, &stage->party[1], "/resources", id, sizeof(id));
	assert_fault("resource_id", NULL,
		     client_post(mine, "/policies",
				 "{'name':'thief','rego_code':'package p','resource_id':%s}", id));
	for (int k = 0; k < 20; k++)
		stage_fresh_object(stage, &stage->party[1], "/bouncers", id, sizeof(id));
	assert_fault("bouncer_id", NULL,
		     client_post(mine, "/policies",
				 "{'name':'thief','rego_code':'package p','bouncer_id':%s}", id));
	client_close(mine);
}

/* What is there --------------------------------------------------------------------------------------- */

static char *region_value(int party, const char *sql)
{
	char *db = daemon_region_db(party == 2 ? "eu-west-1" : "us-east-1");
	char *value = stage_value(stage->d, db, sql);

	free(db);
	return value;
}

static void every_object_of_a_tenant_is_its_own(void **state)
{
	static const char *const tables[] = { "policies", "resources", "bouncers" };

	(void)state;
	for (int i = 0; i < PARTIES; i++) {
		const struct party *p = &stage->party[i];

		for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++) {
			char sql[400], *strangers;

			snprintf(sql, sizeof(sql),
				 "SELECT count(*) FROM %s.%s WHERE position('%s' in name) = 0 AND"
				 " position('%s' in name) = 0", p->schema, tables[k], p->marker, p->title);
			strangers = region_value(i, sql);
			if (strcmp(strangers, "0") != 0)
				fail_msg("%s holds %s %s that are not its own", p->t.id, strangers,
					 tables[k]);
			free(strangers);
		}
	}
}

static void only_its_own_keys_and_operators_wrote_to_a_tenant(void **state)
{
	(void)state;
	for (int i = 0; i < PARTIES; i++) {
		const struct party *p = &stage->party[i];
		char sql[300], *keys, *query, *strangers;
		size_t size;

		snprintf(sql, sizeof(sql), "SELECT string_agg(quote_literal(id), ',') FROM cc.api_key "
			 "WHERE tenant_id = '%s'", p->t.id);
		keys = stage_value(stage->d, DAEMON_CONTROL_DB, sql);
		size = strlen(keys) + 300;
		query = calloc(1, size);
		assert_non_null(query);
		snprintf(query, size, "SELECT count(*) FROM %s.audit WHERE actor_kind = 'api_key' AND "
			 "actor NOT IN (%s)", p->schema, keys);
		strangers = region_value(i, query);
		if (strcmp(strangers, "0") != 0)
			fail_msg("%s was written to %s times by strangers", p->t.id, strangers);
		free(strangers);
		free(query);
		free(keys);
	}
}

static int build(void **state)
{
	static char engine[160], resolvers[100];
	static const char *const env[] = { engine, resolvers, NULL };
	struct daemon *d;

	(void)state;
	opa = opa_start(NULL);
	snprintf(engine, sizeof(engine), "CONTROLCORE_ENGINE_URL=%s", opa_url(opa));
	dns = dns_peer_start();
	dns_peer_txt(dns, "_control-core-verification.*", "control-core-verification=proof");
	snprintf(resolvers, sizeof(resolvers), "CONTROLCORE_DOMAINS_RESOLVERS=%s", dns_peer_address(dns));
	d = daemon_start(&(struct daemon_options){ .env = env });
	stage = stage_build(d);
	return 0;
}

static int clear(void **state)
{
	struct daemon *d = stage->d;

	(void)state;
	print_message("# %ld requests in all\n", asked);
	stage_clear(stage);
	daemon_finish(d);
	opa_stop(opa);
	dns_peer_stop(dns);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenants_key_reaches_its_own_tenant_only),
		cmocka_unit_test(a_tenants_key_in_the_other_header_reaches_its_own_tenant_only),
		cmocka_unit_test(a_key_of_another_region_reaches_its_own_tenant_only),
		cmocka_unit_test(a_key_with_one_scope_reaches_its_own_tenants_policies_only),
		cmocka_unit_test(an_operators_key_reaches_the_tenant_it_names),
		cmocka_unit_test(an_operators_key_for_reading_reads_the_platform_only),
		cmocka_unit_test(without_a_good_key_nothing_is_reached),
		cmocka_unit_test(foreign_and_unknown_tenants_cannot_be_told_apart),
		cmocka_unit_test(foreign_ids_lead_to_ones_own_object_or_to_none),
		cmocka_unit_test(a_body_cannot_name_another_tenants_object),
		cmocka_unit_test(every_object_of_a_tenant_is_its_own),
		cmocka_unit_test(only_its_own_keys_and_operators_wrote_to_a_tenant),
	};

	return cmocka_run_group_tests(tests, build, clear);
}
