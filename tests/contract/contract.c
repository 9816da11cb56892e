/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "stripe_peer.h"
#include "temp.h"

#include "cc/api/api.h"

#define TARGET_MAX 512
#define PROXY_READY_MS 60000
#define WEBHOOK_SECRET "whsec_of_the_contract"

/*
 * CC_CONTRACT_PROXY: a program like prism, which holds what goes through it against CC_CONTRACT_DOCUMENT and
 * answers itself where they differ.
 */
static void proxy_start(struct contract *k)
{
	const char *program = getenv("CC_CONTRACT_PROXY");
	char port[16], upstream[64];
	char *log;
	struct client *c;
	const int64_t until = temp_now_ms() + PROXY_READY_MS;

	if (program == NULL)
		return;
	k->proxy_port = temp_port();
	snprintf(port, sizeof(port), "%d", k->proxy_port);
	snprintf(upstream, sizeof(upstream), "http://127.0.0.1:%d", daemon_port(k->d));
	const char *const argv[] = { program, "proxy", "--errors", "--host", "127.0.0.1", "--port", port,
		getenv("CC_CONTRACT_DOCUMENT"), upstream, NULL };
	log = temp_path(daemon_folder(k->d), "proxy.log");
	k->proxy = temp_spawn(argv, NULL, log, SIGKILL);
	free(log);
	c = client_open(k->proxy_port);
	while (client_call(c, "GET", "/livez", NULL, NULL)->status != 200) {
		if (temp_now_ms() > until)
			fail_msg("%s does not answer", program);
		temp_sleep_ms(100);
	}
	client_close(c);
}

static void proxy_stop(struct contract *k)
{
	if (k->proxy <= 0)
		return;
	kill(k->proxy, SIGTERM);
	if (temp_wait(k->proxy, PROXY_READY_MS) < 0)
		kill(k->proxy, SIGKILL);
}

/* All that a route may need is there: also what few installations have. */
int contract_setup(void **state)
{
	struct opa_peer *opa = opa_start(NULL);
	struct dns_peer *dns;
	struct contract *k;

	setenv("CONTROLCORE_ENGINE_URL", opa_url(opa), 1);
	setenv("CONTROLCORE_STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET, 1);
	dns = dns_peer_start();
	dns_peer_txt(dns, "_control-core-verification.*", "control-core-verification=proof");
	setenv("CONTROLCORE_DOMAINS_RESOLVERS", dns_peer_address(dns), 1);
	/* No check by itself while a suite compares what is there before and after. */
	setenv("CONTROLCORE_DOMAINS_CHECK_S", "31536000", 1);
	setenv("CONTROLCORE_DOMAINS_CHECK_MOST_S", "31536000", 1);
	if (daemon_group_setup(state) != 0)
		return -1;
	k = calloc(1, sizeof(*k));
	assert_non_null(k);
	k->opa = opa;
	k->dns = dns;
	k->d = *state;
	fixture_tenant(k->d, "contract", "enterprise", NULL, NULL, &k->t);
	k->c = client_operator(k->d);
	proxy_start(k);
	if (k->proxy_port != 0)
		client_port(k->c, k->proxy_port);
	*state = k;
	return 0;
}

int contract_teardown(void **state)
{
	struct contract *k = *state;

	if (k == NULL)
		return 0; /* the set-up failed */
	proxy_stop(k);
	client_close(k->c);
	opa_stop(k->opa);
	dns_peer_stop(k->dns);
	*state = k->d;
	free(k);
	return daemon_group_teardown(state);
}

const struct route *route_at(size_t i, const char **ret_prefix)
{
	for (const struct route_group *const *g = api_groups; *g != NULL; g++) {
		if (i < (*g)->n) {
			*ret_prefix = (*g)->prefix;
			return &(*g)->routes[i];
		}
		i -= (*g)->n;
	}
	return NULL;
}

const struct route *route_find(enum method m, const char *path)
{
	FOR_EACH_ROUTE(r, prefix)
	if (r->method == m && strcmp(r->path, path) == 0)
		return r;
	return NULL;
}

enum read_mode route_read_mode(const struct route *r)
{
	if (r->method == M_PATCH || (r->method == M_PUT && (r->flags & ROUTE_PUT_KEEPS) != 0))
		return READ_MERGE;
	return r->method == M_PUT ? READ_REPLACE : READ_CREATE;
}

/* Appends the path with its {…} filled in. */
static void fill_path(const struct contract *k, const struct ask *ask, char ret[TARGET_MAX])
{
	size_t n = (size_t)snprintf(ret, TARGET_MAX, "%s", ask->prefix);

	for (const char *p = ask->r->path; *p != '\0';) {
		const char *text = p;
		size_t len = 1;

		if (*p == '{') {
			text = ask->id != NULL ? ask->id : "999999";
			if (strncmp(p, "{tenant_id}", 11) == 0)
				text = ask->tenant != NULL ? ask->tenant : k->t.id;
			else if (strncmp(p, "{n}", 3) == 0)
				text = "1"; /* of a series: every object has the first */
			len = strlen(text);
			p = strchr(p, '}');
		}
		p++;
		assert_true(n + len + 1 < TARGET_MAX);
		memcpy(ret + n, text, len);
		n += len;
	}
	ret[n] = '\0';
}

/* What Stripe sends: no table describes it, its signature does. */
static const struct answer *send_event(struct client *c, const char *target)
{
	static const char body[] =
		"{\"id\":\"evt_1\",\"type\":\"customer.updated\",\"created\":1,\"livemode\":false}";
	char headers[300];

	snprintf(headers, sizeof(headers), "Stripe-Signature: %s\r\n",
		stripe_signature(WEBHOOK_SECRET, body, (int64_t)time(NULL)));
	return client_call(c, "POST", target, headers, body);
}

const struct answer *contract_ask(struct contract *k, struct client *c, const struct ask *ask)
{
	const bool names_tenant = strstr(ask->r->path, "{tenant_id}") != NULL;
	char target[TARGET_MAX], full[TARGET_MAX + 256], headers[1000];

	if (k->proxy_port != 0)
		client_port(c, ask->beside || ask->method != ask->r->method ? daemon_port(k->d)
									    : k->proxy_port);
	fill_path(k, ask, target);
	snprintf(full, sizeof(full), "%s%s%s", target, ask->query != NULL ? "?" : "",
		ask->query != NULL ? ask->query : "");
	client_tenant(c, ask->r->auth != AUTH_TENANT || names_tenant ? NULL
			 : ask->tenant != NULL                       ? ask->tenant
								     : k->t.id);
	if ((ask->r->flags & ROUTE_RAW_BODY) != 0 && ask->method == ask->r->method)
		return send_event(c, full);
	/* What stands between may ask for another coding in its own name: its tags are others. */
	snprintf(headers, sizeof(headers), "Accept-Encoding: identity\r\n%s",
		ask->headers != NULL ? ask->headers : "");
	return client_call(c, method_name(ask->method), full, headers, ask->body);
}

const struct answer *contract_call(
	struct contract *k, struct client *c, const struct route *r, const char *prefix)
{
	struct ask ask = { .r = r, .prefix = prefix, .method = r->method };
	const struct answer *a;
	char *body = NULL;

	if (r->body != NULL) {
		json_t *o = sample_object(r->body, route_read_mode(r), false);

		body = json_dumps(o, JSON_COMPACT);
		json_decref(o);
	}
	ask.body = body;
	a = contract_ask(k, c, &ask);
	free(body);
	return a;
}

const char *contract_tenant(struct contract *k)
{
	static struct tenant_fixture t;
	static int n;
	char slug[32];

	snprintf(slug, sizeof(slug), "spare%d", ++n);
	fixture_tenant(k->d, slug, NULL, NULL, NULL, &t);
	return t.id;
}

/* "/policies/{id}/enable" → "/policies"; false when nothing but the tenant and a {n} is in braces. */
static bool path_of_maker(const char *path, char ret[TARGET_MAX])
{
	const char *brace = strrchr(path, '{');

	if (brace != NULL && strncmp(brace, "{n}", 3) == 0)
		while (--brace > path && *brace != '{')
			;
	if (brace == NULL || *brace != '{' || strncmp(brace, "{tenant_id}", 11) == 0)
		return false;
	snprintf(ret, TARGET_MAX, "%.*s", (int)(brace - path - 1), path);
	return true;
}

/* An operation on the tenant: its deletion, which runs on only for those who are to cancel it. */
static const char *make_operation(struct contract *k, const struct route *r, const char *tenant)
{
	static char id[64];
	const struct answer *a = assert_status(202, client_delete(k->c, "/tenants/%s", tenant));
	const char *where = answer_header(a, "Location");

	assert_non_null(where);
	snprintf(id, sizeof(id), "%s", strrchr(where, '/') + 1);
	if (r->method == M_GET) {
		char path[128];

		snprintf(path, sizeof(path), "/api/v1/tenants/%s/restore", tenant);
		assert_status(200, client_call(k->c, "POST", path, NULL, NULL));
	}
	return id;
}

const char *contract_alert(struct contract *k, const char *tenant)
{
	static char id[64];
	static int n;
	char sql[300];

	snprintf(id, sizeof(id), "alert-%012d", ++n);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.alert (id, tenant_id, type, severity, subject, message)"
		 " VALUES ('%s', '%s', 'domain_stale', 'warning', '%d.example.com', 'It is stale.')",
		 id, tenant, n);
	fixture_control(k->d, sql);
	return id;
}

const char *contract_held_name(struct contract *k)
{
	static char name[64];
	static int n;
	char sql[400];

	snprintf(name, sizeof(name), "held-%d", ++n);
	snprintf(sql, sizeof(sql), "INSERT INTO cc.tenant_tombstone (id, region, created_at, deleted_at)"
		 " VALUES ('tenant-gone-aaaaaa', 'us-east-1', now(), now()) ON CONFLICT DO NOTHING;"
		 "INSERT INTO cc.name (name, tenant_id, kind, until) VALUES"
		 " ('%s', 'tenant-gone-aaaaaa', 'retired', now() + interval '1 day')", name);
	fixture_control(k->d, sql);
	return name;
}

/* To a region that no node serves: nobody goes on with it. */
void contract_invoice(struct contract *k, const char *tenant)
{
	static int n;
	char sql[500];

	n++;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.invoice (id, tenant_id, period, period_start, period_end, plan, status,"
		 " base_minor, usage_minor, total_minor, currency, lines) VALUES ('inv_contract%d', '%s', %d,"
		 " now() - interval '%d days', now(), 'pro', 'open', 9900, 0, 9900, 'USD', '[]')",
		 n, tenant, n, n);
	fixture_control(k->d, sql);
}

const char *contract_deployment(struct contract *k, const char *tenant, bool over)
{
	static char id[64];
	static int n;
	char sql[600];

	snprintf(id, sizeof(id), "deploy-%010d", ++n);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.deployment (id, tenant_id, from_region, from_schema, from_shard, epoch,"
		 " to_region, bare, window_at, estimated_at, started_by, step, completed_at)"
		 " SELECT '%s', id, region, schema_id, shard, epoch, 'nowhere', false, now(), now(), 'key',"
		 " '%s', %s FROM cc.tenant WHERE id = '%s'",
		 id, over ? "aborted" : "scheduled", over ? "now()" : "NULL",
		 tenant);
	fixture_control(k->d, sql);
	return id;
}

/* One that is there, by the way bouncers get it. */
static const char *bundle_revision(struct contract *k, const char *tenant)
{
	static char id[64];
	const struct answer *a;

	client_tenant(k->c, tenant);
	a = assert_status(200, client_call(k->c, "GET", "/api/v1/bundles/sandbox", NULL, NULL));
	snprintf(id, sizeof(id), "%.32s", answer_header(a, "ETag") + 1);
	return id;
}

/* A bouncer that calls itself so. */
const char *contract_bouncer(struct contract *k, const char *tenant)
{
	client_tenant(k->c, tenant);
	assert_status(200, client_post(k->c, "/peps/register",
				   "{'bouncer_id':'contract-1','resource':{'name':'of the contract'},"
				   "'deployment_info':{'environment':'sandbox'}}"));
	return "contract-1";
}

/* What no POST makes; NULL: one does. */
static const char *special_object(struct contract *k, const char *path, const char *tenant)
{
	if (strcmp(path, "/rollouts") == 0)
		return bundle_revision(k, tenant);
	if (strcmp(path, "/bundles") == 0)
		return "sandbox";
	if (strcmp(path, "/status") == 0)
		return contract_bouncer(k, tenant);
	return strcmp(path, "/.well-known/controlcore-keys") == 0 ? k->t.id : NULL;
}

static const char *make_certificate(struct contract *k)
{
	fixture_control(k->d,
		"INSERT INTO cc.tenant_tombstone (id, region, created_at, deleted_at, removed, certificate)"
		" VALUES ('tenant-purged-aaaaaa', 'us-east-1', now(), now(), '{\"schemas\":1}', 'a.b.c')"
		" ON CONFLICT DO NOTHING");
	return "tenant-purged-aaaaaa";
}

const char *contract_object(struct contract *k, const struct route *r, const char *tenant)
{
	static char id[64];
	char path[TARGET_MAX];
	const struct route *maker;
	const struct answer *a;
	struct ask ask = { .prefix = "/api/v1", .method = M_POST, .tenant = tenant };
	json_t *body, *got;

	if (!path_of_maker(r->path, path))
		return NULL;
	if (strcmp(r->op, "getDeletionCertificate") == 0)
		return make_certificate(k);
	if (strstr(path, "/operations") != NULL)
		return make_operation(k, r, tenant);
	if (strstr(path, "/deployments") != NULL)
		return contract_deployment(k, tenant, r->method == M_GET);
	if (strstr(path, "/alerts") != NULL)
		return contract_alert(k, tenant);
	if (strstr(path, "/held-names") != NULL)
		return contract_held_name(k);
	if (special_object(k, path, tenant) != NULL)
		return special_object(k, path, tenant);
	maker = route_find(M_POST, strcmp(path, "/peps") == 0 ? "/bouncers" : path);
	if (maker == NULL)
		fail_msg("nothing makes what %s names", r->path);
	body = sample_object(maker->body, READ_CREATE, false);
	ask.r = maker;
	ask.body = json_dumps(body, JSON_COMPACT);
	a = assert_status(maker->status, contract_ask(k, k->c, &ask));
	got = answer_at(a, "id");
	if (json_is_integer(got))
		snprintf(id, sizeof(id), "%lld", (long long)json_integer_value(got));
	else
		snprintf(id, sizeof(id), "%s", answer_text(a, got != NULL ? "id" : "domain"));
	json_decref(body);
	free((void *)(uintptr_t)ask.body);
	return id;
}
