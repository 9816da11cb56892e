/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's TLS listener with certificates of the platform: settings, files, tenants by host. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"
#include "tls_node.h"

static struct tls_node node;
static struct tenant_fixture acme, globex;

static int start(void **state)
{
	(void)state;
	tls_node_start(&node, NULL);
	fixture_tenant(node.d, "acme", NULL, NULL, NULL, &acme);
	fixture_tenant(node.d, "globex", NULL, NULL, NULL, &globex);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	tls_node_finish(&node);
	return 0;
}

static void a_tenant_is_served_on_its_subdomain(void **state)
{
	struct client *c = tls_node_client(&node, "acme.controlcore.io", acme.key);
	const struct answer *a;

	(void)state;
	a = assert_status(200, client_get(c, "/policies"));
	assert_string_equal("max-age=31536000", answer_header(a, "Strict-Transport-Security"));
	assert_string_equal("TLSv1.3", client_told(c)->protocol);
	assert_status(201, client_post(c, "/policies", "{'name':'over-tls','rego_code':'package p'}"));
	/* Who connects to another tenant's host is told what it always was. */
	client_tls(c, "globex.controlcore.io", mint_root(node.mint));
	client_host(c, "globex.controlcore.io");
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	client_close(c);
}

static void the_host_must_be_the_one_of_the_handshake(void **state)
{
	struct client *c = tls_node_client(&node, "globex.controlcore.io", acme.key);
	const struct answer *a;

	(void)state;
	client_host(c, "acme.controlcore.io");
	a = assert_error(421, "misdirected_request", client_get(c, "/policies"));
	assert_true(answer_at(a, "tenant_id") == NULL);
	assert_error(421, "misdirected_request", client_call(c, "GET", "/readyz", NULL, NULL));
	client_host(c, "globex.controlcore.io");
	assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL));
	client_close(c);
}

static void strange_names_are_refused_in_the_handshake(void **state)
{
	static const char *const names[] = { "example.org", "a.b.controlcore.io", "localhost" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct tls_told told = tls_node_shake(&node, names[i]);

		assert_false(told.good);
		assert_int_equal(112, told.alert);
	}
}

/* A proven domain that nobody has brought a certificate for: no other is shown instead. */
static void a_domain_without_a_certificate_is_refused(void **state)
{
	struct client *c = client_of(node.d, &acme);
	char path[200], sql[300];

	(void)state;
	snprintf(path, sizeof path, "/tenants/%s/domains", acme.id);
	assert_status(201, client_post(c, path, "{'domain':'bare.acme.com'}"));
	snprintf(sql, sizeof sql,
		 "UPDATE cc.domain SET status = 'verified', verified_at = now(), claim_expires_at = NULL"
		 " WHERE domain = 'bare.acme.com'");
	fixture_control(node.d, sql);
	client_host(c, "bare.acme.com");
	assert_status(200, client_get(c, "/policies"));
	assert_int_equal(112, tls_node_shake(&node, "bare.acme.com").alert);
	client_close(c);
}

static const struct mint_leaf next = {
	.names = { "*.controlcore.io", "controlcore.io" }, .key = MINT_RSA_2048,
};

static void a_file_that_changes_is_read_again(void **state)
{
	const int64_t serial = mint_files(node.mint, &next, node.folder, "platform");

	(void)state;
	tls_node_await(&node, "acme.controlcore.io", serial);
	assert_int_equal(serial, tls_node_shake(&node, "controlcore.io").serial);
}

static void a_file_that_is_broken_changes_nothing(void **state)
{
	char *key = temp_path(node.folder, "platform.key");
	const int64_t before = tls_node_shake(&node, "controlcore.io").serial;
	int64_t serial;

	(void)state;
	temp_write(key, "-----BEGIN PRIVATE KEY-----\nbm90aGluZyBhdCBhbGw=\n-----END PRIVATE KEY-----\n");
	temp_sleep_ms(1200);
	assert_int_equal(before, tls_node_shake(&node, "controlcore.io").serial);
	unlink(key);
	temp_sleep_ms(700);
	assert_int_equal(before, tls_node_shake(&node, "controlcore.io").serial);
	serial = mint_files(node.mint, &next, node.folder, "platform");
	tls_node_await(&node, "controlcore.io", serial);
	assert_true(daemon_log_lines(node.d, "a certificate cannot be read") > 0);
	assert_int_equal(0, daemon_log_lines(node.d, "bm90aGluZyBhdCBhbGw"));
	assert_int_equal(0, daemon_log_lines(node.d, "PRIVATE KEY"));
	free(key);
}

static void expect_end(const char *status, const char *component)
{
	struct client *c = client_open(daemon_port(node.d));
	const int64_t until = temp_now_ms() + 10000;
	const struct answer *a;

	/* What health says is a second old at most. */
	while ((a = client_call(c, "GET", "/api/v1/health", NULL, NULL))->status == 200 &&
	       strcmp(component, answer_text(a, "components.certificate.status")) != 0 &&
	       temp_now_ms() < until)
		temp_sleep_ms(50);
	assert_text(component, a, "components.certificate.status");
	assert_text(status, a, "status");
	if (strcmp(status, "degraded") == 0)
		assert_non_null(strstr(answer_text(a, "components.certificate.detail"),
				       "the one for *.controlcore.io"));
	client_close(c);
}

/* Each nearness of a certificate's end is said once, however often it is looked at. */
static void an_end_that_comes_near_is_said_once(void **state)
{
	static const struct {
		int64_t from_s, until_s;
		const char *left, *status, *component;
	} cases[] = {
		{ -80 * 86400, 20 * 86400, "a quarter of its time", "healthy", "healthy" },
		{ 0, 6 * 86400, "a week", "degraded", "degraded" },
		{ 0, 86400, "two days", "degraded", "degraded" },
		{ -86400, -60, "nothing", "degraded", "unhealthy" },
	};
	char said[100];

	(void)state;
	expect_end("healthy", "healthy");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mint_leaf leaf = { .names = { "*.controlcore.io", "controlcore.io" },
						.from_s = cases[i].from_s, .until_s = cases[i].until_s };
		const int64_t until = temp_now_ms() + 10000;

		(void)mint_files(node.mint, &leaf, node.folder, "platform");
		snprintf(said, sizeof said, "\"left\":\"%s\"", cases[i].left);
		while (daemon_log_lines(node.d, said) == 0 && temp_now_ms() < until)
			temp_sleep_ms(50);
		temp_sleep_ms(1200);
		assert_int_equal(1, daemon_log_lines(node.d, said));
		expect_end(cases[i].status, cases[i].component);
	}
	(void)mint_files(node.mint, &next, node.folder, "platform");
	expect_end("healthy", "healthy");
}

/* --- Under load ----------------------------------------------------------------------------------- */

struct load {
	atomic_bool stop;
	atomic_int requests, failures, changes;
};

static void *keep_asking(void *arg)
{
	struct load *l = arg;
	int64_t seen = 0;

	while (!atomic_load(&l->stop)) {
		struct client *c = tls_node_client(&node, "acme.controlcore.io", acme.key);

		for (int i = 0; i < 10; i++) {
			const bool good = client_get(c, "/policies")->status == 200;

			atomic_fetch_add(good ? &l->requests : &l->failures, 1);
		}
		if (client_told(c)->serial != seen)
			atomic_fetch_add(&l->changes, 1);
		seen = client_told(c)->serial;
		client_close(c);
	}
	return NULL;
}

static void no_request_fails_while_files_change(void **state)
{
	struct load l = { 0 };
	pthread_t thread[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, keep_asking, &l));
	for (int i = 0; i < 3; i++) {
		const int64_t serial = mint_files(node.mint, &next, node.folder, "platform");

		tls_node_await(&node, "acme.controlcore.io", serial);
	}
	atomic_store(&l.stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(0, atomic_load(&l.failures));
	assert_true(atomic_load(&l.requests) > 30);
	assert_true(atomic_load(&l.changes) >= 6);
}

/* --- Settings ------------------------------------------------------------------------------------- */

/* What `config check` says of these certificates and keys. */
static void expect_fault(const char *certificates, const char *keys, const char *wanted)
{
	const char *const argv[] = { getenv("CC_BIN"), "config", "check", "--config",
				     daemon_config_path(node.d), NULL };
	char first[400], second[400];
	const char *const env[] = { "CONTROLCORE_TLS_ADDRESS=127.0.0.1", first, second, NULL };
	struct temp_run r;

	snprintf(first, sizeof first, "CONTROLCORE_TLS_CERTIFICATES=%s", certificates);
	snprintf(second, sizeof second, "CONTROLCORE_TLS_KEYS=%s", keys);
	r = temp_run(argv, env, 20000);
	if (r.status != (wanted != NULL ? 78 : 0) || (wanted != NULL && strstr(r.err, wanted) == NULL))
		fail_msg("status %d, wanted %s:\n%s", r.status, wanted, r.err);
	assert_null(strstr(r.err, "PRIVATE"));
	temp_run_free(&r);
}

static void config_check_finds_what_is_wrong_with_files(void **state)
{
	char *pem = temp_path(node.folder, "platform.pem"), *key = temp_path(node.folder, "platform.key");
	char *other, *other_key;

	(void)state;
	mint_files(node.mint, &next, node.folder, "other");
	other = temp_path(node.folder, "other.pem");
	other_key = temp_path(node.folder, "other.key");
	expect_fault(pem, key, NULL);
	expect_fault(pem, other_key, "the key is not that of the first certificate");
	expect_fault(key, key, "the chain cannot be read");
	expect_fault(pem, pem, "the key cannot be read");
	expect_fault(pem, "/nowhere/at.all", "cannot read /nowhere/at.all");
	expect_fault(pem, "", "tls.keys: must name as many files as tls.certificates");
	free(pem);
	free(key);
	free(other);
	free(other_key);
}

static void it_serves_again_after_a_restart(void **state)
{
	(void)state;
	assert_int_equal(0, daemon_stop(node.d));
	daemon_restart(node.d);
	tls_node_find(&node);
	assert_true(tls_node_shake(&node, "controlcore.io").good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenant_is_served_on_its_subdomain),
		cmocka_unit_test(the_host_must_be_the_one_of_the_handshake),
		cmocka_unit_test(strange_names_are_refused_in_the_handshake),
		cmocka_unit_test(a_domain_without_a_certificate_is_refused),
		cmocka_unit_test(a_file_that_changes_is_read_again),
		cmocka_unit_test(a_file_that_is_broken_changes_nothing),
		cmocka_unit_test(an_end_that_comes_near_is_said_once),
		cmocka_unit_test(no_request_fails_while_files_change),
		cmocka_unit_test(config_check_finds_what_is_wrong_with_files),
		cmocka_unit_test(it_serves_again_after_a_restart),
	};

	return cmocka_run_group_tests_name("tls_platform", tests, start, finish);
}
