/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that tenants bring, as handshakes on two nodes show them. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp.h"
#include "tls_node.h"

#define UNRECOGNIZED_NAME 112

static struct tls_node first, second;
static struct tenant_fixture acme, globex;

static int start(void **state)
{
	(void)state;
	tls_node_start(&first, NULL);
	tls_node_join(&second, &first);
	fixture_tenant(first.d, "acme", NULL, NULL, NULL, &acme);
	fixture_tenant(first.d, "globex", NULL, NULL, NULL, &globex);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	tls_node_finish(&second);
	tls_node_finish(&first);
	return 0;
}

static void add(const struct tenant_fixture *t, const char *domain)
{
	struct client *c = client_of(first.d, t);
	char path[200];

	snprintf(path, sizeof path, "/tenants/%s/domains", t->id);
	assert_status(201, client_post(c, path, "{'domain':'%s'}", domain));
	client_close(c);
}

/* Here the database is told that the proof was given. */
static void prove(const char *domain)
{
	char sql[400];

	snprintf(sql, sizeof sql,
		 "UPDATE cc.domain SET status = 'verified', verified_at = now(), reason = NULL,"
		 " claim_expires_at = NULL WHERE domain = '%s'", domain);
	fixture_control(first.d, sql);
}

/* Brings one to the first node. */
static void put(const struct tenant_fixture *t, const char *domain, const char *chain, const char *key)
{
	struct client *c = client_of(first.d, t);
	json_t *body = json_pack("{s:s,s:s,s:b}", "ssl_certificate", chain, "ssl_private_key", key,
				 "self_managed", 1);
	char *text = json_dumps(body, 0), path[300];

	snprintf(path, sizeof path, "/api/v1/tenants/%s/domains/%s/certificate", t->id, domain);
	/* A database that came back is believed in within a second. */
	for (int i = 0; i < 100; i++) {
		const struct answer *a = client_call(c, "PUT", path, NULL, text);

		if (a->status != 503) {
			assert_status(200, a);
			break;
		}
		temp_sleep_ms(100);
	}
	json_decref(body);
	free(text);
	client_close(c);
}

/* A new one; its serial number. */
static int64_t bring(const struct tenant_fixture *t, const char *domain, enum mint_key kind)
{
	const struct mint_leaf leaf = { .names = { domain }, .key = kind };
	char *chain, *key;
	const int64_t serial = mint_make(first.mint, &leaf, &chain, &key);

	put(t, domain, chain, key);
	free(chain);
	free(key);
	return serial;
}

static void a_default_domain_has_a_certificate(void **state)
{
	struct client *c = client_of(first.d, &acme);
	const char *domain = "www.default.org";
	char path[300];

	(void)state;
	snprintf(path, sizeof path, "/api/v1/tenants/%s/domains/%s/default", acme.id, domain);
	add(&acme, domain);
	assert_error(409, "not_active", client_call(c, "POST", path, NULL, NULL));
	prove(domain);
	assert_error(409, "not_active", client_call(c, "POST", path, NULL, NULL));
	(void)bring(&acme, domain, MINT_P256);
	assert_true(json_is_true(answer_at(assert_status(200, client_call(c, "POST", path, NULL, NULL)),
					   "is_default")));
	snprintf(path, sizeof path, "/api/v1/tenants/%s/domains/%s/default", acme.id, acme.domain);
	assert_status(200, client_call(c, "POST", path, NULL, NULL));
	assert_status(200, client_delete(c, "/tenants/%s/domains/%s", acme.id, domain));
	client_close(c);
}

/* A node is told, or looks within half a second; it promises one. */
#define PROMISED_MS 1000
#define SLACK_MS 1000

static void await_both(const char *domain, int64_t serial)
{
	const int64_t here = tls_node_await(&first, domain, serial);
	const int64_t there = tls_node_await(&second, domain, serial);

	print_message("%s: %ld ms on the node that took it, %ld ms more on the other\n", domain, (long)here,
		      (long)there);
	if (getenv("CC_SANITIZE") == NULL || *getenv("CC_SANITIZE") == '\0')
		assert_true(here + there <= PROMISED_MS + SLACK_MS);
}

static void a_certificate_is_live_on_every_node(void **state)
{
	struct client *c;

	(void)state;
	add(&acme, "policies.acme.com");
	prove("policies.acme.com");
	assert_int_equal(UNRECOGNIZED_NAME, tls_node_shake(&first, "policies.acme.com").alert);
	await_both("policies.acme.com", bring(&acme, "policies.acme.com", MINT_P256));
	c = tls_node_client(&second, "policies.acme.com", acme.key);
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
}

static void it_is_shown_for_its_tenant_alone(void **state)
{
	struct client *c = tls_node_client(&first, "policies.acme.com", globex.key);

	(void)state;
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	client_key(c, acme.key);
	client_host(c, "acme.controlcore.io");
	assert_error(421, "misdirected_request", client_get(c, "/policies"));
	client_host(c, "policies.acme.com");
	assert_status(200, client_get(c, "/policies"));
	client_key(c, daemon_operator_key(first.d));
	assert_error(403, "operator_key_refused", client_get(c, "/tenants/%s", acme.id));
	client_close(c);
	/* The platform's own is shown for the platform's names, whoever connects. */
	assert_int_equal(tls_node_shake(&first, "acme.controlcore.io").serial,
			 tls_node_shake(&first, "globex.controlcore.io").serial);
}

static void an_unproven_domain_shows_nothing(void **state)
{
	(void)state;
	add(&globex, "pending.globex.com");
	(void)bring(&globex, "pending.globex.com", MINT_P256);
	temp_sleep_ms(1500);
	assert_int_equal(UNRECOGNIZED_NAME, tls_node_shake(&first, "pending.globex.com").alert);
	assert_int_equal(UNRECOGNIZED_NAME, tls_node_shake(&second, "pending.globex.com").alert);
}

/* --- Under load ----------------------------------------------------------------------------------- */

struct load {
	const struct tls_node *node;
	atomic_bool stop;
	atomic_int requests, failures;
};

static void *keep_asking(void *arg)
{
	struct load *l = arg;

	while (!atomic_load(&l->stop)) {
		struct client *c = tls_node_client(l->node, "policies.acme.com", acme.key);

		for (int i = 0; i < 10; i++) {
			const bool good = client_get(c, "/policies")->status == 200;

			atomic_fetch_add(good ? &l->requests : &l->failures, 1);
		}
		client_close(c);
	}
	return NULL;
}

static void a_certificate_is_replaced_under_load(void **state)
{
	struct load l[2] = { { .node = &first }, { .node = &second } };
	struct client *kept = tls_node_client(&second, "policies.acme.com", acme.key);
	pthread_t thread[4];

	(void)state;
	assert_status(200, client_get(kept, "/policies"));
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&thread[i], NULL, keep_asking, &l[i % 2]));
	for (int i = 0; i < 4; i++) {
		const enum mint_key kind = i % 2 == 0 ? MINT_P384 : MINT_RSA_2048;

		await_both("policies.acme.com", bring(&acme, "policies.acme.com", kind));
	}
	for (int i = 0; i < 2; i++)
		atomic_store(&l[i].stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(0, atomic_load(&l[i].failures));
		assert_true(atomic_load(&l[i].requests) > 20);
	}
	/* A connection from before is still the one that it was. */
	const int64_t serial = client_told(kept)->serial;
	assert_status(200, client_get(kept, "/policies"));
	assert_int_equal(serial, client_told(kept)->serial);
	client_close(kept);
}

static bool is_whole(struct tls_node *n)
{
	return tls_node_shake(n, "policies.acme.com").verified == 0;
}

/* The leaf came without what signed it, then with it. */
static void the_same_leaf_gets_the_rest_of_its_chain(void **state)
{
	const struct mint_leaf leaf = { .names = { "policies.acme.com" }, .key = MINT_P256 };
	const int64_t end = temp_now_ms() + 10000;
	char *chain, *key, *alone;
	int64_t serial;

	(void)state;
	serial = mint_make(first.mint, &leaf, &chain, &key);
	alone = strdup(chain);
	*(strstr(alone, "-----END CERTIFICATE-----\n") + strlen("-----END CERTIFICATE-----\n")) = '\0';
	put(&acme, "policies.acme.com", alone, key);
	await_both("policies.acme.com", serial);
	assert_int_not_equal(0, tls_node_shake(&second, "policies.acme.com").verified);
	put(&acme, "policies.acme.com", chain, key);
	while ((!is_whole(&first) || !is_whole(&second)) && temp_now_ms() < end)
		temp_sleep_ms(20);
	assert_true(is_whole(&first));
	assert_true(is_whole(&second));
	free(alone);
	free(chain);
	free(key);
}

static void it_is_there_after_a_restart_and_without_the_database(void **state)
{
	const int64_t serial = tls_node_shake(&first, "policies.acme.com").serial;

	(void)state;
	assert_int_equal(0, daemon_stop(second.d));
	daemon_restart(second.d);
	tls_node_find(&second);
	assert_int_equal(serial, tls_node_shake(&second, "policies.acme.com").serial);
	daemon_database_kill(first.d);
	temp_sleep_ms(1500);
	assert_int_equal(serial, tls_node_shake(&second, "policies.acme.com").serial);
	daemon_database_restart(first.d);
	assert_true(daemon_await_ready(first.d, 60000));
	assert_true(daemon_await_ready(second.d, 60000));
	/* What changes afterwards is seen again. */
	await_both("policies.acme.com", bring(&acme, "policies.acme.com", MINT_P256));
}

static void a_domain_that_goes_takes_its_certificate_along(void **state)
{
	struct client *kept = tls_node_client(&second, "policies.acme.com", acme.key);
	struct client *c = client_of(first.d, &acme);
	int64_t end;

	(void)state;
	/* A region is tried again a while after its database is back. */
	end = temp_now_ms() + 10000;
	while (client_get(kept, "/policies")->status == 503 && temp_now_ms() < end)
		temp_sleep_ms(50);
	assert_status(200, client_get(kept, "/policies"));
	assert_status(200, client_delete(c, "/tenants/%s/domains/policies.acme.com", acme.id));
	await_both("policies.acme.com", 0);
	assert_int_equal(UNRECOGNIZED_NAME, tls_node_shake(&first, "policies.acme.com").alert);
	assert_int_equal(UNRECOGNIZED_NAME, tls_node_shake(&second, "policies.acme.com").alert);
	/* Who is still connected learns no more of anybody. */
	end = temp_now_ms() + 10000;
	while (client_get(kept, "/policies")->status == 200 && temp_now_ms() < end)
		temp_sleep_ms(20);
	assert_error(421, "misdirected_request", client_get(kept, "/policies"));
	client_close(kept);
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_default_domain_has_a_certificate),
		cmocka_unit_test(a_certificate_is_live_on_every_node),
		cmocka_unit_test(it_is_shown_for_its_tenant_alone),
		cmocka_unit_test(an_unproven_domain_shows_nothing),
		cmocka_unit_test(a_certificate_is_replaced_under_load),
		cmocka_unit_test(the_same_leaf_gets_the_rest_of_its_chain),
		cmocka_unit_test(it_is_there_after_a_restart_and_without_the_database),
		cmocka_unit_test(a_domain_that_goes_takes_its_certificate_along),
	};

	return cmocka_run_group_tests_name("tls_tenants", tests, start, finish);
}
