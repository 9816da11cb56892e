/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that nobody else has, sent through every input there is; then everything that is written anywhere
 * is searched for them: the log at its most talkative, numbers, audit, objects, whatever lies in the daemon's
 * folder, dumps of all databases, and what the daemon leaves when it dies of a fault.
 */
#define _GNU_SOURCE /* asprintf, memmem */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "certs.h"
#include "client.h"
#include "memory.h"
#include "slips.h"
#include "temp.h"

#define WAIT_MS 60000
#define FILE_MOST (256L << 20)

#define STRIPE "sk_test_canaryStripeKey00aQ8"
#define WEBHOOK "whsec_canaryWebhook00bR7"
#define ENGINE "canary-engine-token-cS6"
#define ROLE "canary-role-secret-dT5-32-bytes-or-more"
#define DSN "canary-dsn-password-eU4"
#define API_KEY "cc_live_canary01_fV3fV3fV3fV3fV3fV3fV3fV3fV3fV3"
#define BEARER "canary-bearer-token-gW2"
#define BASIC "Y2FuYXJ5OmJhc2ljLXBhc3N3b3JkLWhYMQ=="
#define COOKIE "canary-cookie-iY0"
#define PROXY "canary-proxy-authorization-jZ9"
#define QUERY_KEY "canary-query-key-kA8"
#define QUERY_TOKEN "canary-query-token-lB7"
#define PATH_KEY "cc_live_canary02_mC6mC6mC6mC6mC6mC6mC6mC6mC6mC6"
#define PATH_ESCAPED "cc_op_canary03_nD5nD5nD5nD5nD5nD5nD5nD5nD5nD5"
#define ID_KEY "cc_test_canary04_oE4oE4oE4oE4oE4oE4oE4oE4oE4oE4"
#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJwRjMifQ.cEZmcEZmcEZmcEZm"
#define SHORT_JWT "eyJhbGciOiJIUzI1NiJ9.eyJjIjoxfQ.cEZmcEZm"
#define UNKNOWN_FIELD "canary-unknown-field-qG2"
#define BROKEN "canary-broken-json-rH1"
#define USERINFO "canary-userinfo-sI0"
#define SIGNATURE "canary-stripe-signature-tJ9"
#define EVENT "canary-stripe-event-uK8"
#define CARD "pm_canaryMethod00vL7"

/* Text of one secret; what stands here besides is made while the suite runs. */
enum { CANARIES_MAX = 40 };
static struct {
	const char *what, *text;
	size_t n;
} canary[CANARIES_MAX] = {
#define IS(name, value) { name, value, sizeof(value) - 1 }
	IS("key of Stripe's (settings)", STRIPE), IS("secret of webhooks (settings)", WEBHOOK),
	IS("token of the engine (settings)", ENGINE), IS("secret of roles (settings)", ROLE),
	IS("password in a conninfo (settings)", DSN), IS("KEK (file)", DAEMON_KEK),
	IS("API key (X-API-Key)", API_KEY), IS("token (Authorization)", BEARER),
	IS("password (Authorization: Basic)", BASIC), IS("session (Cookie)", COOKIE),
	IS("password (Proxy-Authorization)", PROXY), IS("API key (query)", QUERY_KEY),
	IS("token (query)", QUERY_TOKEN), IS("API key (path)", PATH_KEY),
	IS("API key, escaped (path)", PATH_ESCAPED), IS("API key (X-Request-ID)", ID_KEY),
	IS("JWT (Authorization)", JWT), IS("JWT (X-Request-ID)", SHORT_JWT),
	IS("password (unknown field)", UNKNOWN_FIELD),
	IS("password (broken JSON)", BROKEN), IS("password in a URL (body)", USERINFO),
	IS("signature of Stripe's", SIGNATURE), IS("event that Stripe did not sign", EVENT),
#undef IS
};
static size_t ncanaries = 23;
static struct cert *cert;
static struct daemon *d;
static struct tenant_fixture t;
static char *admin_socket, *admin_setting, *admin_conninfo;
static const char *env[16];

static void add(const char *what, const char *text, size_t n)
{
	assert_true(ncanaries < CANARIES_MAX);
	canary[ncanaries].what = what;
	canary[ncanaries].text = text;
	canary[ncanaries++].n = n;
}

/* What of a key is random: the rest is shown in lists. */
static void add_key(const char *what, const char *key)
{
	const char *secret = strrchr(key, '_') + 1;

	add(what, strdup(secret), strlen(secret));
}

static int start(void **state)
{
	static char *folder;
	size_t n = 0;

	(void)state;
	folder = temp_folder("cc-canaries");
	admin_socket = temp_path(folder, "admin.sock");
	assert_true(asprintf(&admin_setting, "CONTROLCORE_ADMIN_SOCKET=%s", admin_socket) > 0);
	env[n++] = admin_setting;
	env[n++] = "CONTROLCORE_LOG_LEVEL=debug";
	env[n++] = "CONTROLCORE_STRIPE_KEY=" STRIPE;
	env[n++] = "CONTROLCORE_STRIPE_URL=http://127.0.0.1:1";
	env[n++] = "CONTROLCORE_STRIPE_WEBHOOK_SECRET=" WEBHOOK;
	env[n++] = "CONTROLCORE_ENGINE_URL=http://127.0.0.1:1";
	env[n++] = "CONTROLCORE_ENGINE_TOKEN=" ENGINE;
	env[n++] = "CONTROLCORE_SECRETS_ROLE_SECRET=" ROLE;
	d = daemon_start(&(struct daemon_options){ .env = env, .ulimit = "-c unlimited" });
	{
		char *postgres = daemon_conninfo(d, "postgres");

		assert_true(asprintf(&admin_conninfo, "CONTROLCORE_CONTROL_ADMIN_CONNINFO=%s password=" DSN,
				     postgres) > 0);
		free(postgres);
	}
	env[n++] = admin_conninfo;
	assert_int_equal(0, daemon_stop(d));
	daemon_restart(d);
	fixture_tenant(d, "canaries", NULL, NULL, NULL, &t);
	add_key("the tenant's key", t.key);
	add_key("the operator's key", daemon_operator_key(d));
	return 0;
}

static int finish(void **state)
{
	(void)state;
	daemon_finish(d);
	cert_free(cert);
	return 0;
}

static void with_headers(struct client *c, const char *name, const char *value)
{
	char line[400];

	snprintf(line, sizeof(line), "%s: %s\r\n", name, value);
	(void)client_call(c, "GET", "/api/v1/policies", line, NULL);
	(void)client_call(c, "POST", "/api/v1/policies", line, "{}");
}

static void send_headers(void)
{
	struct client *stranger = client_open(daemon_port(d)), *own = client_of(d, &t);

	with_headers(stranger, "X-API-Key", API_KEY);
	with_headers(stranger, "Authorization", "Bearer " BEARER);
	with_headers(stranger, "Authorization", "Bearer " JWT);
	with_headers(stranger, "Authorization", "Basic " BASIC);
	with_headers(stranger, "X-Request-ID", ID_KEY);
	with_headers(own, "Cookie", "session=" COOKIE);
	with_headers(own, "Proxy-Authorization", "Basic " PROXY);
	with_headers(own, "X-Tenant-ID", API_KEY);
	with_headers(own, "X-Request-ID", ID_KEY);
	client_close(stranger);
	client_close(own);
}

static void send_targets(void)
{
	struct client *c = client_of(d, &t);

	(void)client_get(c, "/policies?api_key=" QUERY_KEY);
	(void)client_get(c, "/policies?access_token=" QUERY_TOKEN "&limit=x");
	(void)client_get(c, "/policies/" PATH_KEY);
	(void)client_get(c, "/" PATH_KEY "/policies");
	(void)client_get(c, "/policies/cc%%5Fop_canary03_nD5nD5nD5nD5nD5nD5nD5nD5nD5nD5");
	(void)client_get(c, "/policies/" JWT);
	(void)client_delete(c, "/tenants/canaries/api-keys/" PATH_KEY);
	client_close(c);
}

static void send_slips(void)
{
	slips_send(daemon_port(d), t.key);
	slip_send(daemon_port(d), t.key, "GET /api/v1/access_token:%s HTTP/1.1", JWT);
	slip_send(daemon_port(d), t.key, "GET /api/v1/policies/x-%s-x HTTP/1.1", JWT);
	slip_send(daemon_port(d), t.key, "POST /api/v1/policies HTTP/1.1\r\nX-Request-ID: x.%s", SHORT_JWT);
	slip_send(daemon_port(d), t.key, "GET /api/v1/Bearer%20%s HTTP/1.1", BEARER);
	slip_send(daemon_port(d), t.key, "GET http://user:%s@x/api/v1/policies HTTP/1.1", USERINFO);
}

static void send_bodies(void)
{
	struct client *c = client_of(d, &t), *op = client_operator(d);
	const struct answer *a;
	char path[200];

	(void)client_post(c, "/policies",
			  "{'name':'p','rego_code':'package p','password':'" UNKNOWN_FIELD "'}");
	(void)client_call(c, "POST", "/api/v1/policies", NULL, "{\"name\": \"p\", \"x\": \"" BROKEN);
	snprintf(path, sizeof(path), "/tenants/%s/auth/issuers", t.id);
	(void)client_put(op, path, "{'issuers':[{'issuer':'https://a.example','audience':'x',"
			 "'jwks_url':'https://user:" USERINFO "@a.example/keys'}]}");
	snprintf(path, sizeof(path), "/tenants/%s/api-keys", t.id);
	a = assert_status(201, client_post(c, path, "{'name':'made','scopes':['policies:read']}"));
	add_key("a key that was made", answer_text(a, "key"));
	snprintf(path, sizeof(path), "/tenants/%s/billing", t.id);
	(void)client_put(op, path, "{'payment_method_id':'" CARD "'}");
	a = client_call(c, "POST", "/api/v1/integrations/stripe/webhook",
			"Stripe-Signature: t=1,v1=" SIGNATURE "\r\n", "{\"id\":\"" EVENT "\"}");
	assert_status(400, a);
	client_close(c);
	client_close(op);
}

/* Something of the tenant's that becomes an object. */
static void make_object(void)
{
	struct client *c = client_of(d, &t);
	char path[200];

	assert_status(201, client_post(c, "/policies", "{'name':'kept','rego_code':'package kept'}"));
	snprintf(path, sizeof(path), "/tenants/%s/api-keys", t.id);
	client_key(c, answer_text(assert_status(201, client_post(c, path,
		"{'name':'b','environment':'test','scopes':['bouncers:connect']}")), "key"));
	assert_status(200, client_get(c, "/bundles/sandbox"));
	client_close(c);
}

/* Private keys: one that is taken, as text and as a number; and one whose certificate does not fit. */
static void send_private_keys(void)
{
	static unsigned char number[CERT_SECRET_LEN];
	struct client *c = client_of(d, &t);
	const char *pem;
	char path[200], *body;

	cert = cert_make(&(struct cert_spec){ .names = "DNS:www.canaries.org" });
	pem = cert_private(cert);
	cert_secret(cert, number);
	/* The line in the middle of the PEM, as JSON has it too. */
	add("a private key (PEM)", strchr(pem, '\n') + 1, 48);
	add("a private key (number)", (const char *)number, sizeof(number));
	snprintf(path, sizeof(path), "/tenants/%s/domains", t.id);
	(void)client_post(c, path, "{'domain':'www.canaries.org'}");
	fixture_control(d, "UPDATE cc.domain SET status = 'verified' WHERE domain = 'www.canaries.org'");
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/www.canaries.org/certificate", t.id);
	body = cert_body(cert, NULL, true);
	assert_status(200, client_call(c, "PUT", path, NULL, body));
	free(body);
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/other.canaries.org/certificate", t.id);
	body = cert_body(cert, NULL, true);
	(void)client_call(c, "PUT", path, NULL, body);
	free(body);
	client_close(c);
}

/* Searching ---------------------------------------------------------------------------------------- */

static void search(const char *where, const char *text, size_t n)
{
	for (size_t i = 0; i < ncanaries; i++)
		if (memmem(text, n, canary[i].text, canary[i].n) != NULL)
			fail_msg("%s: %s", where, canary[i].what);
}

static void search_file(const char *path)
{
	struct stat st;
	FILE *f;
	char *text;
	size_t n;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MOST)
		return;
	f = fopen(path, "r");
	if (f == NULL)
		return;
	text = malloc((size_t)st.st_size + 1);
	n = fread(text, 1, (size_t)st.st_size, f);
	fclose(f);
	search(path, text, n);
	free(text);
}

/* Where the settings and the KEKs lie they lie by right. */
static bool is_source(const char *path)
{
	return strcmp(path, daemon_config_path(d)) == 0 || strstr(path, "/kek") != NULL;
}

static void search_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		char *path = temp_path(folder, e->d_name);
		struct stat st;

		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !is_source(path) &&
		    lstat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				search_folder(path);
			else
				search_file(path);
		}
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
}

/* Bundles are packed: what is in them is searched, and that there is something in them. */
static void search_objects(void)
{
	char *to = temp_path(daemon_folder(d), "unpacked");
	const char *const argv[] = { "sh", "-c",
		"find \"$1\" -type f | while read -r f; do gzip -dcf \"$f\"; done >\"$2\"", "sh",
		daemon_objects(d), to, NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	const char *const look[] = { "grep", "-a", "package kept", to, NULL };

	assert_int_equal(0, r.status);
	temp_run_free(&r);
	r = temp_run(look, NULL, WAIT_MS);
	assert_int_equal(0, r.status);
	temp_run_free(&r);
	search_file(to);
	free(to);
}

static void search_database(const char *database)
{
	char *conninfo = daemon_conninfo(d, database), *to = temp_path(daemon_folder(d), "dump.sql");
	const char *const argv[] = { "sh", "-c", "pg_dump \"$1\" >\"$2\"", "sh", conninfo, to, NULL };
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);

	if (r.status != 0)
		fail_msg("pg_dump: %s", r.err);
	temp_run_free(&r);
	search_file(to);
	free(conninfo);
	free(to);
}

static void search_answers(void)
{
	const char *const argv[] = { "curl", "-sS", "--unix-socket", admin_socket, "http://localhost/metrics",
		NULL };
	struct client *c = client_of(d, &t);
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	const struct answer *a;

	assert_int_equal(0, r.status);
	assert_non_null(strstr(r.out, "controlcored_info"));
	search("metrics", r.out, strlen(r.out));
	temp_run_free(&r);
	a = assert_status(200, client_get(c, "/audit?limit=1000"));
	assert_non_null(strstr(a->body, "createApiKey"));
	search("audit", a->body, a->body_len);
	a = assert_status(200, client_get(c, "/audit/export"));
	search("export of the audit", a->body, a->body_len);
	client_close(c);
}

static void no_secret_is_written_anywhere(void **state)
{
	char *log;

	(void)state;
	send_headers();
	send_targets();
	send_slips();
	send_bodies();
	send_private_keys();
	make_object();
	clock_nap(3000); /* what waits to be written: marks, usage, calls, the log */
	assert_true(ncanaries >= 20);
	log = temp_read(daemon_log_path(d));
	/* All of it went by there. */
	assert_non_null(strstr(log, "\"path\":\"(a credential)\""));
	search("the log", log, strlen(log));
	free(log);
	search_answers();
	search_folder(daemon_objects(d));
	search_objects();
	search_database(DAEMON_CONTROL_DB);
	for (int i = 0; i < 3; i++) {
		static const char *const regions[] = { "us-east-1", "eu-west-1", "ap-southeast-1" };
		char *name = daemon_region_db(regions[i]);

		search_database(name);
		free(name);
	}
	search_folder(daemon_folder(d));
}

/* What is in memory is in no file when it dies, also where whoever starts it allows that. */
static void no_core_is_written(void **state)
{
	char path[64], *limits, *at, *here = getcwd(NULL, 0);

	(void)state;
	assert_non_null(here);
	assert_int_equal(0, chdir(daemon_folder(d)));
	assert_int_equal(0, daemon_stop(d));
	daemon_restart(d);
	send_headers();
	send_targets();
	if (!memory_cores_come_here(daemon_folder(d)))
		print_message("# no core comes here on this system: only the limit is looked at\n");
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)daemon_pid(d));
	limits = temp_read(path);
	assert_non_null(limits);
	at = strstr(limits, "Max core file size");
	assert_non_null(at);
	if (!memory_is_instrumented())
		assert_int_equal('0', at[strcspn(at, "0123456789")]);
	free(limits);
	assert_int_equal(0, kill(daemon_pid(d), SIGABRT));
	assert_int_equal(128 + SIGABRT, daemon_await_end(d, WAIT_MS));
	if (!memory_is_instrumented())
		assert_false(memory_has_core(daemon_folder(d)));
	search_folder(daemon_folder(d));
	assert_int_equal(0, chdir(here));
	free(here);
	daemon_restart(d);
}

static void keks_lie_in_locked_pages(void **state)
{
	unsigned char kek[sizeof(DAEMON_KEK) / 2];
	int found, locked = 0;

	(void)state;
	assert_true(hex_decode(DAEMON_KEK, kek, sizeof(kek)));
	found = memory_times_unlocked(daemon_pid(d), kek, sizeof(kek), &locked);
	if (found < 0) {
		print_message("# skip: the memory of another process cannot be read here\n");
		skip();
	}
	assert_true(locked > 0);
	assert_int_equal(0, found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_is_written_anywhere),
		cmocka_unit_test(keks_lie_in_locked_pages),
		cmocka_unit_test(no_core_is_written),
	};

	return cmocka_run_group_tests_name("canaries", tests, start, finish);
}
