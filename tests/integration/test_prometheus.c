/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener for those who run the daemon: what it counts is what was asked, in the form that Prometheus
 * reads.
 */
#define _GNU_SOURCE /* asprintf */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "client.h"
#include "temp.h"

#define WAIT_MS 60000

static struct {
	struct daemon *d;
	char *folder, *port_file, *setting;
	const char *env[4];
	int admin_port;
} fx;

static int start(void **state)
{
	(void)state;
	fx.folder = temp_folder("cc-prometheus");
	fx.port_file = temp_path(fx.folder, "admin-port");
	assert_true(asprintf(&fx.setting, "CONTROLCORE_ADMIN_PORT_FILE=%s", fx.port_file) > 0);
	fx.env[0] = "CONTROLCORE_ADMIN_ADDRESS=127.0.0.1";
	fx.env[1] = "CONTROLCORE_ADMIN_PORT=0";
	fx.env[2] = fx.setting;
	fx.d = daemon_start(&(struct daemon_options){ .env = fx.env });
	char *text = temp_read(fx.port_file);
	assert_non_null(text);
	fx.admin_port = (int)strtol(text, NULL, 10);
	free(text);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	daemon_finish(fx.d);
	free(fx.setting);
	free(fx.port_file);
	temp_remove(fx.folder);
	return 0;
}

/* The value of one line of /metrics: "name{labels}"; -1: there is none. */
static double metric(const struct answer *a, const char *series)
{
	const size_t n = strlen(series);

	for (const char *p = a->body; *p != '\0'; p += strcspn(p, "\n"), p += *p != '\0')
		if (strncmp(p, series, n) == 0 && p[n] == ' ')
			return strtod(p + n, NULL);
	return -1;
}

static void ask_as_tenant(struct client *operator, const char *id, int times)
{
	struct client *c = client_open(daemon_port(fx.d));
	char *path = NULL;

	assert_true(asprintf(&path, "/tenants/%s/api-keys", id) > 0);
	client_key(c, answer_text(assert_status(201, client_post(operator, path,
		"{'name':'k','scopes':['policies:read']}")), "key"));
	for (int i = 0; i < times; i++)
		assert_status(200, client_get(c, "/policies"));
	client_close(c);
	free(path);
}

static void requests_are_counted_by_operation_class_and_tenant(void **state)
{
	struct client *admin = client_open(fx.admin_port), *c = client_open(daemon_port(fx.d));
	char *series, *id;

	(void)state;
	client_key(c, daemon_operator_key(fx.d));
	const struct answer *a = assert_status(201, client_post(c, "/tenants",
		"{'name':'M','domain':'meters.controlcore.io','region':'us-east-1','plan_type':'pro'}"));
	id = strdup(answer_text(a, "id"));
	for (int i = 0; i < 5; i++)
		assert_status(200, client_get(c, "/tenants"));
	for (int i = 0; i < 3; i++)
		assert_status(404, client_get(c, "/no-such-path"));
	a = assert_status(200, client_call(admin, "GET", "/metrics", NULL, NULL));
	assert_string_equal("text/plain; version=0.0.4; charset=utf-8", answer_header(a, "Content-Type"));
	assert_true(metric(a, "controlcored_http_requests_total{op=\"listTenants\",method=\"GET\","
		"route=\"/api/v1/tenants\",class=\"2xx\"}") == 5);
	assert_true(metric(a, "controlcored_http_requests_total{op=\"none\",method=\"\",route=\"\","
		"class=\"4xx\"}") == 3);
	assert_true(metric(a, "controlcored_http_request_duration_seconds_count{op=\"listTenants\","
		"method=\"GET\",route=\"/api/v1/tenants\"}") == 5);
	assert_true(metric(a, "controlcored_http_request_duration_seconds_bucket{op=\"listTenants\","
		"method=\"GET\",route=\"/api/v1/tenants\",le=\"+Inf\"}") == 5);
	assert_true(metric(a, "controlcored_region_up{region=\"us-east-1\"}") == 1);
	assert_true(metric(a, "controlcored_db_trips_total{database=\"control\"}") > 5);
	/* Operators' requests are no tenant's. */
	assert_true(asprintf(&series, "controlcored_tenant_requests_total{tenant=\"%s\"}", id) > 0);
	assert_true(metric(a, series) == -1);
	ask_as_tenant(c, id, 4);
	a = assert_status(200, client_call(admin, "GET", "/metrics", NULL, NULL));
	assert_true(metric(a, series) == 4);
	/* The first of them is made, the others are there. */
	assert_true(metric(a, "controlcored_answers_given_total{from=\"database\"}") >= 1);
	assert_true(metric(a, "controlcored_answers_given_total{from=\"memory\"}") >= 1);
	free(series);
	free(id);
	client_close(admin);
	client_close(c);
}

/* What there is to be watched, and what is not there is not made up. */
static void what_runs_behind_is_told(void **state)
{
	static const char *const there[] = {
		"controlcored_job_runs_total{task=\"provisioning\"}",
		"controlcored_job_failures_total{task=\"change feed\"}",
		"controlcored_job_good_age_seconds{task=\"look at the control database\"}",
		"controlcored_outbox_waiting", "controlcored_outbox_oldest_age_seconds",
		"controlcored_outbox_dead", "controlcored_usage_lost_total",
		"controlcored_operations", "controlcored_moves",
		"controlcored_control_look_age_seconds",
		"controlcored_db_replicas{database=\"control\"}",
		"controlcored_db_replicas{database=\"us-east-1\"}",
		"controlcored_db_standby{database=\"control\"}",
		"controlcored_db_look_age_seconds{database=\"control\"}",
		"controlcored_db_connections{database=\"control\"}", "controlcored_http_queued",
		"controlcored_http_queue_max", "controlcored_http_workers",
		"controlcored_http_connections", "controlcored_http_connections_max",
		"controlcored_http_overload_total", "controlcored_rate_limited_total",
		"controlcored_cache_entries{cache=\"tenants\"}",
		"controlcored_cache_entries_max{cache=\"tenants\"}", "controlcored_answers",
		"controlcored_answers_given_total{from=\"memory\"}",
		"controlcored_tenant_requests_total{tenant=\"other\"}",
		"controlcored_tls_handshakes_total{outcome=\"refused\"}",
		"controlcored_limiter_shared", "controlcored_limiter_nodes",
		"controlcored_limiter_meters{of=\"requests\"}", "controlcored_feed_age_seconds",
		"controlcored_log_dropped_total", "controlcored_start_time_seconds",
	};
	struct client *admin = client_open(fx.admin_port);
	const struct answer *a = NULL;

	(void)state;
	for (int i = 0; i < 500; i++) {
		a = assert_status(200, client_call(admin, "GET", "/metrics", NULL, NULL));
		if (metric(a, "controlcored_control_look_age_seconds") >= 0 &&
		    metric(a, "controlcored_job_runs_total{task=\"look at the control database\"}") > 0)
			break;
		clock_nap(20);
	}
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (metric(a, there[i]) < 0)
			fail_msg("%s is not there:\n%s", there[i], a->body);
	assert_true(metric(a, "controlcored_job_runs_total{task=\"provisioning\"}") > 0);
	assert_true(metric(a, "controlcored_db_replicas{database=\"control\"}") == 0);
	assert_true(metric(a, "controlcored_db_standby{database=\"control\"}") == 0);
	assert_true(metric(a, "controlcored_db_replication_lag_seconds{database=\"control\"}") == -1);
	assert_true(metric(a, "controlcored_tenant_certificate_end_seconds") == -1);
	assert_true(metric(a, "controlcored_log_dropped_total") == 0);
	client_close(admin);
}

static int64_t ledger_total(struct client *operator, const char *id)
{
	const struct answer *a = assert_status(200, client_get(operator, "/tenants/%s/usage", id));
	int64_t n = 0;

	for (size_t i = 0; i < answer_count(a, "usage"); i++) {
		json_t *item = json_array_get(answer_at(a, "usage"), i);
		const char *metric = json_string_value(json_object_get(item, "metric"));

		if (strcmp(metric, "api_calls") == 0 || strcmp(metric, "api_failures") == 0)
			n += json_integer_value(json_object_get(item, "quantity"));
	}
	client_forget(operator);
	return n;
}

#define LOAD_CLIENTS 4
#define LOAD_EACH 250

struct load {
	const char *key;
	pthread_t thread;
	int answered;
};

/* Answers and refusals of each kind: all of them are the tenant's. */
static void *ask_much(void *arg)
{
	struct load *l = arg;
	struct client *c = client_open(daemon_port(fx.d));

	client_key(c, l->key);
	for (int i = 0; i < LOAD_EACH; i++) {
		const struct answer *a = i % 5 == 0   ? client_get(c, "/policies/999999")
					 : i % 7 == 0 ? client_get(c, "/users")
						      : client_get(c, "/policies");

		l->answered += a->status == 200 || a->status == 403 || a->status == 404;
		client_forget(c);
	}
	client_close(c);
	return NULL;
}

/* What is shown to those who run the service, and what is billed, are counted apart: they must agree. */
static void totals_agree_with_the_ledger(void **state)
{
	struct client *admin = client_open(fx.admin_port), *c = client_open(daemon_port(fx.d));
	struct load loads[LOAD_CLIENTS];
	char *series, *id, *key, path[120];
	int64_t shown = -1, billed = 0;

	(void)state;
	client_key(c, daemon_operator_key(fx.d));
	id = strdup(answer_text(assert_status(201, client_post(c, "/tenants",
		"{'name':'L','domain':'ledger.controlcore.io','region':'us-east-1',"
		"'plan_type':'pro'}")), "id"));
	snprintf(path, sizeof(path), "/tenants/%s/api-keys", id);
	key = strdup(answer_text(assert_status(201, client_post(c, path,
		"{'name':'k','scopes':['policies:read']}")), "key"));
	for (int i = 0; i < LOAD_CLIENTS; i++) {
		loads[i] = (struct load){ .key = key };
		assert_int_equal(0, pthread_create(&loads[i].thread, NULL, ask_much, &loads[i]));
	}
	for (int i = 0; i < LOAD_CLIENTS; i++) {
		pthread_join(loads[i].thread, NULL);
		assert_int_equal(LOAD_EACH, loads[i].answered);
	}
	assert_true(asprintf(&series, "controlcored_tenant_requests_total{tenant=\"%s\"}", id) > 0);
	shown = (int64_t)metric(assert_status(200, client_call(admin, "GET", "/metrics", NULL, NULL)),
		series);
	for (int ms = 0; ms < WAIT_MS && (billed = ledger_total(c, id)) != shown; ms += 100)
		temp_sleep_ms(100);
	assert_int_equal(LOAD_CLIENTS * LOAD_EACH, shown);
	assert_int_equal(shown, billed);
	free(series);
	free(key);
	free(id);
	client_close(admin);
	client_close(c);
}

static void prometheus_reads_it(void **state)
{
	struct client *admin = client_open(fx.admin_port);
	char *path = temp_path(fx.folder, "metrics.txt");
	const char *const argv[] = { "sh", "-c", "promtool check metrics <\"$1\"", "sh", path, NULL };

	(void)state;
	temp_write(path, assert_status(200, client_call(admin, "GET", "/metrics", NULL, NULL))->body);
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	print_message("%s%s", r.out, r.err);
	assert_string_equal("", r.out);
	assert_string_equal("", r.err);
	assert_int_equal(0, r.status);
	temp_run_free(&r);
	free(path);
	client_close(admin);
}

static void clients_do_not_reach_it(void **state)
{
	struct client *admin = client_open(fx.admin_port), *c = client_open(daemon_port(fx.d));

	(void)state;
	client_key(c, daemon_operator_key(fx.d));
	assert_status(404, client_call(c, "GET", "/metrics", NULL, NULL));
	assert_status(404, client_call(c, "GET", "/api/v1/metrics", NULL, NULL));
	/* Nor is the API there where no credential is asked for. */
	client_key(admin, daemon_operator_key(fx.d));
	assert_status(404, client_get(admin, "/tenants"));
	assert_status(405, client_call(admin, "POST", "/metrics", NULL, "{}"));
	assert_status(200, client_call(admin, "GET", "/livez", NULL, NULL));
	assert_status(200, client_call(admin, "GET", "/readyz", NULL, NULL));
	assert_status(200, client_call(c, "GET", "/startupz", NULL, NULL));
	client_close(admin);
	client_close(c);
}

static void unix_socket_is_its_owners(void **state)
{
	char *path = temp_path(fx.folder, "admin.sock"), *setting = NULL;
	const char *const argv[] = { "curl", "-sS", "--unix-socket", path, "http://localhost/metrics", NULL };
	const char *env[] = { NULL, NULL };
	struct stat st;

	(void)state;
	assert_true(asprintf(&setting, "CONTROLCORE_ADMIN_SOCKET=%s", path) > 0);
	env[0] = setting;
	struct daemon *second = daemon_join(fx.d, &(struct daemon_options){ .env = env });
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0, st.st_mode & 077);
	/* Killed, it leaves the file behind, and that keeps nobody from starting. */
	daemon_kill(second);
	daemon_restart(second);
	struct temp_run r = temp_run(argv, NULL, WAIT_MS);
	assert_int_equal(0, r.status);
	assert_non_null(strstr(r.out, "controlcored_info{version="));
	temp_run_free(&r);
	daemon_finish(second);
	assert_int_equal(-1, stat(path, &st));
	free(setting);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_counted_by_operation_class_and_tenant),
		cmocka_unit_test(what_runs_behind_is_told),
		cmocka_unit_test(totals_agree_with_the_ledger),
		cmocka_unit_test(prometheus_reads_it),
		cmocka_unit_test(clients_do_not_reach_it),
		cmocka_unit_test(unix_socket_is_its_owners),
	};

	return cmocka_run_group_tests_name("prometheus", tests, start, finish);
}
