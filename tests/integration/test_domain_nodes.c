/* SPDX-License-Identifier: Apache-2.0 */
/* A node dies while it checks a domain: another goes on, and what happened happened once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "claim.h"
#include "client.h"
#include "daemon.h"
#include "dns_peer.h"

#define STEP_US 100000
#define STEPS 600
#define DEATH_MS 30000

static const char *const quick[] = {
	"CONTROLCORE_DOMAINS_DNS_MS=1500", "CONTROLCORE_DOMAINS_CHECK_S=1",
	"CONTROLCORE_DOMAINS_CHECK_MOST_S=1",
	NULL
};

static int setup(void **state)
{
	*state = claim_daemon(quick);
	return 0;
}

static void await_verified(const struct claim *k)
{
	for (int i = 0; i < STEPS && strcmp("verified", answer_text(claim_look(k), "status")) != 0; i++) {
		client_forget(k->c);
		usleep(STEP_US);
	}
	assert_text("verified", claim_look(k), "status");
}

/* The other node cannot move until the first is dead: so that is the one that has the check in hand. */
static void die_at(struct daemon *first, struct daemon *other, const char *point, const char *slug)
{
	const char *env[24];
	char failpoint[100], domain[100];
	struct claim k;

	snprintf(failpoint, sizeof(failpoint), "CC_FAILPOINT=%s", point);
	snprintf(domain, sizeof(domain), "www.%s.org", slug);
	daemon_stop(first);
	daemon_env(first, claim_env(failpoint, env, sizeof(env) / sizeof(env[0])));
	daemon_restart(first);
	claim_clear();
	assert_int_equal(0, kill(daemon_pid(other), SIGSTOP));
	claim_make(first, slug, domain, &k);
	claim_publish(&k);
	assert_int_not_equal(-1, daemon_await_end(first, DEATH_MS));
	assert_int_equal(0, kill(daemon_pid(other), SIGCONT));
	client_port(k.c, daemon_port(other));
	await_verified(&k);
	assert_int_equal(1, answer_count(assert_status(200, client_get(
		k.c, "/audit/logs?object=domain&action=verifyDomain")), "logs"));
	client_host(k.c, domain);
	assert_status(200, client_get(k.c, "/policies"));
	client_close(k.c);
	daemon_env(first, claim_env(NULL, env, sizeof(env) / sizeof(env[0])));
	daemon_restart(first);
}

static void another_node_goes_on(void **state)
{
	struct daemon *other;
	const char *env[24];

	other = daemon_join(*state, &(struct daemon_options){
		.env = claim_env(NULL, env, sizeof(env) / sizeof(env[0])) });
	die_at(*state, other, "domain.check.claimed:1", "claimed");
	die_at(*state, other, "domain.check.looked+*:5", "deciding");
	die_at(*state, other, "domain.check.decided:1", "decided");
	daemon_finish(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_node_goes_on),
	};

	return cmocka_run_group_tests(tests, setup, claim_teardown);
}
