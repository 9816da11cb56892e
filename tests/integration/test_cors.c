/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts of other origins: what browsers ask, at hosts and paths of tenants and elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "client.h"

#define OURS "https://console.example.com"
#define LOCAL "http://localhost:3000"
#define PLATFORM "https://ops.example.net"
#define STRANGER "https://evil.example"

#define CHANGE "{'settings':{'cors_origins':['%s']}}"

static struct tenant_fixture one, two;

static int start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_SERVER_CORS_ORIGINS=" PLATFORM, NULL };

	daemon_group_options(&(struct daemon_options){ .env = env });
	if (daemon_group_setup(state) != 0)
		return -1;
	fixture_tenant(*state, "script", NULL, NULL, "{'cors_origins':['" OURS "','" LOCAL "']}", &one);
	fixture_tenant(*state, "noscript", NULL, NULL, NULL, &two);
	return 0;
}

static const struct answer *ask(struct client *c, const char *method, const char *path, const char *origin)
{
	char headers[400];

	snprintf(headers, sizeof(headers), "Origin: %s\r\n", origin);
	return client_call(c, method, path, headers, NULL);
}

static const struct answer *preflight(
	struct client *c, const char *path, const char *origin, const char *method)
{
	char headers[400];

	snprintf(headers, sizeof(headers),
		 "Origin: %s\r\nAccess-Control-Request-Method: %s\r\n"
		 "Access-Control-Request-Headers: authorization, content-type\r\n",
		 origin, method);
	return client_call(c, "OPTIONS", path, headers, NULL);
}

/* One of a comma-separated list, in any case. */
static bool lists(const char *list, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = list; p != NULL && *p != '\0'; p += strcspn(p, ","), p += strspn(p, ", "))
		if (strncasecmp(p, name, n) == 0 && (p[n] == '\0' || p[n] == ','))
			return true;
	return false;
}

static void assert_open(const struct answer *a, const char *origin)
{
	if (answer_header(a, "Access-Control-Allow-Origin") == NULL)
		fail_msg("%s: closed to %s: %s", a->asked, origin, a->head);
	assert_string_equal(origin, answer_header(a, "Access-Control-Allow-Origin"));
	assert_true(lists(answer_header(a, "Vary"), "Origin"));
	/* Nothing that a browser adds by itself lets anybody in here. */
	assert_null(answer_header(a, "Access-Control-Allow-Credentials"));
}

static void assert_closed(const struct answer *a)
{
	if (strstr(a->head, "Access-Control") != NULL)
		fail_msg("%s: open: %s", a->asked, a->head);
	assert_true(lists(answer_header(a, "Vary"), "Origin"));
}

static void assert_preflight(const struct answer *a, const char *origin)
{
	assert_status(204, a);
	assert_open(a, origin);
	assert_true(lists(answer_header(a, "Access-Control-Allow-Headers"), "Authorization"));
	assert_true(lists(answer_header(a, "Access-Control-Allow-Headers"), "If-Match"));
	assert_true(lists(answer_header(a, "Access-Control-Allow-Headers"), "Idempotency-Key"));
	assert_true(lists(answer_header(a, "Access-Control-Allow-Headers"), "X-Tenant-ID"));
	assert_string_equal("600", answer_header(a, "Access-Control-Max-Age"));
}

static void a_tenants_host_is_open_to_its_origins(void **state)
{
	struct client *c = client_open(daemon_port(*state));
	const struct answer *a;

	client_host(c, one.domain);
	a = preflight(c, "/api/v1/policies", OURS, "POST");
	assert_preflight(a, OURS);
	assert_true(lists(answer_header(a, "Access-Control-Allow-Methods"), "POST"));
	assert_false(lists(answer_header(a, "Access-Control-Allow-Methods"), "DELETE"));
	assert_preflight(preflight(c, "/api/v1/policies/1", LOCAL, "DELETE"), LOCAL);
	client_key(c, one.key);
	a = assert_status(200, ask(c, "GET", "/api/v1/policies", OURS));
	assert_open(a, OURS);
	assert_true(lists(answer_header(a, "Access-Control-Expose-Headers"), "X-RateLimit-Remaining"));
	assert_true(lists(answer_header(a, "Access-Control-Expose-Headers"), "RateLimit"));
	assert_true(lists(answer_header(a, "Access-Control-Expose-Headers"), "X-Request-ID"));
	assert_true(lists(answer_header(a, "Access-Control-Expose-Headers"), "ETag"));
	assert_true(lists(answer_header(a, "Access-Control-Expose-Headers"), "Location"));
	assert_true(lists(answer_header(a, "Access-Control-Expose-Headers"), "Retry-After"));
	client_close(c);
}

static void others_learn_nothing(void **state)
{
	static const char *const strangers[] = {
		STRANGER, PLATFORM, "null", "https://console.example.com:8443", "http://console.example.com",
		"https://console.example.com.evil.example", "https://CONSOLE.example.com", "*", "https://",
	};
	struct client *c = client_open(daemon_port(*state));

	client_host(c, one.domain);
	client_key(c, one.key);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		assert_closed(assert_status(204, preflight(c, "/api/v1/policies", strangers[i], "GET")));
		assert_closed(assert_status(200, ask(c, "GET", "/api/v1/policies", strangers[i])));
	}
	/* Two of them are none; so is a method that the path does not take. */
	assert_closed(assert_status(200, client_call(c, "GET", "/api/v1/policies",
		"Origin: " OURS "\r\nOrigin: " OURS "\r\n", NULL)));
	assert_closed(assert_status(204, preflight(c, "/api/v1/policies", OURS, "DELETE")));
	/* Without an origin the answer still says that another might get another. */
	assert_closed(assert_status(200, client_get(c, "/policies")));
	client_host(c, two.domain);
	client_key(c, two.key);
	assert_closed(assert_status(204, preflight(c, "/api/v1/policies", OURS, "GET")));
	assert_closed(assert_status(200, ask(c, "GET", "/api/v1/policies", OURS)));
	/* Who is not there is like one that has no origins. */
	client_host(c, "nobody-here.controlcore.io");
	assert_closed(assert_status(204, preflight(c, "/api/v1/policies", OURS, "GET")));
	client_host(c, "nowhere.example.org");
	assert_closed(assert_status(204, preflight(c, "/api/v1/policies", OURS, "GET")));
	client_close(c);
}

static void a_path_names_the_tenant_too(void **state)
{
	struct client *c = client_open(daemon_port(*state));
	char path[200];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s", one.id);
	assert_preflight(preflight(c, path, OURS, "PUT"), OURS);
	assert_closed(preflight(c, path, PLATFORM, "PUT"));
	client_key(c, one.key);
	assert_open(assert_status(200, ask(c, "GET", path, OURS)), OURS);
	snprintf(path, sizeof(path), "/api/v1/tenants/%s", two.id);
	assert_closed(preflight(c, path, OURS, "PUT"));
	client_close(c);
}

static void elsewhere_the_platforms_origins_count(void **state)
{
	struct client *c = client_open(daemon_port(*state));

	assert_preflight(preflight(c, "/api/v1/tenants", PLATFORM, "POST"), PLATFORM);
	assert_closed(preflight(c, "/api/v1/tenants", OURS, "POST"));
	assert_open(assert_status(200, ask(c, "GET", "/openapi.json", PLATFORM)), PLATFORM);
	assert_open(assert_status(200, ask(c, "GET", "/livez", PLATFORM)), PLATFORM);
	client_key(c, daemon_operator_key(*state));
	assert_open(assert_status(200, ask(c, "GET", "/api/v1/tenants", PLATFORM)), PLATFORM);
	client_close(c);
}

/* What a script cannot read it cannot mend. */
static void refusals_are_readable(void **state)
{
	struct client *c = client_open(daemon_port(*state));

	client_host(c, one.domain);
	assert_open(assert_status(401, ask(c, "GET", "/api/v1/policies", OURS)), OURS);
	client_key(c, one.key);
	assert_open(assert_status(404, ask(c, "GET", "/api/v1/policies/999", OURS)), OURS);
	assert_open(assert_status(404, ask(c, "GET", "/api/v1/no-such", OURS)), OURS);
	assert_open(assert_status(405, ask(c, "PATCH", "/api/v1/policies", OURS)), OURS);
	assert_open(assert_status(422, client_call(c, "POST", "/api/v1/policies",
		"Origin: " OURS "\r\n", "{}")), OURS);
	client_close(c);
}

static void the_list_is_the_tenants_to_change(void **state)
{
	struct client *c = client_of(*state, &two);
	const struct answer *a;

	a = client_call(c, "PATCH", "/api/v1/tenants/noscript", "Origin: " STRANGER "\r\n",
			"{\"settings\":{\"cors_origins\":[\"" STRANGER "\"]}}");
	assert_text(STRANGER, assert_status(200, a), "settings.cors_origins[0]");
	client_host(c, two.domain);
	assert_preflight(preflight(c, "/api/v1/policies", STRANGER, "GET"), STRANGER);
	assert_open(assert_status(200, ask(c, "GET", "/api/v1/policies", STRANGER)), STRANGER);
	client_host(c, NULL);
	assert_status(200, client_patch(c, "/tenants/noscript", "{'settings':{'cors_origins':[]}}"));
	client_host(c, two.domain);
	assert_closed(preflight(c, "/api/v1/policies", STRANGER, "GET"));
	assert_closed(assert_status(200, ask(c, "GET", "/api/v1/policies", STRANGER)));
	client_close(c);
}

static void what_is_no_origin_is_refused(void **state)
{
	static const char *const bad[] = {
		"*", "null", "https://a.example/", "https://a.example/x", "http://a.example",
		"https://A.example", "HTTPS://a.example", "https://a.example:443", "http://localhost:80",
		"https://", "https://a b", "https://a.example:0", "https://a.example:65536",
		"https://u@a.example", "ftp://a.example", "http://localhost.example", "https://*.example", "",
	};
	struct client *c = client_of(*state, &two);
	char many[1000];
	int n = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(422, "validation_error",
			     client_patch(c, "/tenants/noscript", CHANGE, bad[i]));
	assert_status(200, client_patch(c, "/tenants/noscript", CHANGE,
		"https://[2001:db8::1]:8443','http://[::1]:3000','http://127.0.0.1"));
	for (int i = 0; i < 17; i++)
		n += snprintf(many + n, sizeof(many) - (size_t)n, "%shttps://%d.example",
			      i > 0 ? "','" : "", i);
	assert_error(422, "validation_error", client_patch(c, "/tenants/noscript", CHANGE, many));
	client_close(c);
}

/* Nobody without a credential makes the database search for as many tenants as he can think of. */
static void preflights_for_strangers_are_rationed(void **state)
{
	struct client *c = client_open(daemon_port(*state));
	int refused = 0;

	for (int i = 0; i < 400; i++) {
		char host[80];

		snprintf(host, sizeof(host), "guess-%d.controlcore.io", i);
		client_host(c, host);
		refused += preflight(c, "/api/v1/policies", OURS, "GET")->status == 429;
	}
	assert_true(refused > 0);
	/* Whom memory knows is answered all the same. */
	client_host(c, one.domain);
	assert_preflight(preflight(c, "/api/v1/policies", OURS, "GET"), OURS);
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenants_host_is_open_to_its_origins),
		cmocka_unit_test(others_learn_nothing),
		cmocka_unit_test(a_path_names_the_tenant_too),
		cmocka_unit_test(elsewhere_the_platforms_origins_count),
		cmocka_unit_test(refusals_are_readable),
		cmocka_unit_test(the_list_is_the_tenants_to_change),
		cmocka_unit_test(what_is_no_origin_is_refused),
		cmocka_unit_test(preflights_for_strangers_are_rationed),
	};

	return cmocka_run_group_tests_name("cors", tests, start, daemon_group_teardown);
}
