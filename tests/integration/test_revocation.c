/* SPDX-License-Identifier: Apache-2.0 */
/* Three nodes on one control database: what ends a key ends it on each within a second, told or not. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

enum { NODES = 3, ROUNDS = 4 };
#define BOUND_MS 1000

static struct daemon *node[NODES];

static int start(void **state)
{
	node[0] = daemon_start(NULL);
	for (int i = 1; i < NODES; i++)
		node[i] = daemon_join(node[0], NULL);
	*state = node[0];
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (int i = NODES - 1; i >= 0; i--)
		daemon_finish(node[i]);
	return 0;
}

/* A key that every node has seen, and what to ask with it. */
struct known {
	struct client *at[NODES];
	char path[200];
	const char *ask;
};

static void make_known(struct known *k, struct client *maker, const char *base, const char *scopes,
		       const char *ask)
{
	const struct answer *a =
		assert_status(201, client_post(maker, base, "{'name':'n','scopes':[%s]}", scopes));

	k->ask = ask;
	(void)snprintf(k->path, sizeof(k->path), "%s/%s", base, answer_text(a, "id"));
	for (int i = 0; i < NODES; i++) {
		k->at[i] = client_open(daemon_port(node[i]));
		client_key(k->at[i], answer_text(a, "key"));
		assert_status(200, client_get(k->at[i], "%s", ask));
	}
}

/* Whoever asks later than that after the answer to the change is refused, however long its own takes. */
static void expect_end(struct known *k, int status, const char *code)
{
	const int64_t ended = temp_now_ms();
	int64_t slowest = 0;

	for (int i = 0; i < NODES; i++) {
		const struct answer *a;
		int64_t asked;

		do {
			asked = temp_now_ms();
			a = client_get(k->at[i], "%s", k->ask);
		} while (a->status == 200 && asked - ended <= BOUND_MS);
		assert_error(status, code, a);
		if (asked - ended > slowest)
			slowest = asked - ended;
		client_close(k->at[i]);
	}
	print_message("# refused everywhere after %lld ms\n", (long long)slowest);
}

static void end_one(struct client *maker, const char *base, const char *scopes, const char *ask, int how)
{
	char path[240];
	struct known k;

	make_known(&k, maker, base, scopes, ask);
	switch (how % 3) {
	case 0:
		assert_status(200, client_delete(maker, "%s", k.path));
		expect_end(&k, 401, "key_revoked");
		break;
	case 1:
		(void)snprintf(path, sizeof(path), "%s/rotate", k.path);
		assert_status(201, client_post(maker, path, "{'overlap_seconds':0}"));
		expect_end(&k, 401, "key_expired");
		break;
	default:
		assert_status(200, client_patch(maker, k.path, "{'allowed_cidrs':['192.0.2.0/24']}"));
		expect_end(&k, 403, "address_not_allowed");
		break;
	}
}

static void end_some(const char *slug)
{
	struct client *c, *op = client_operator(node[0]);
	struct tenant_fixture t;
	char base[160];

	fixture_tenant(node[0], slug, NULL, NULL, NULL, &t);
	c = client_of(node[0], &t);
	(void)snprintf(base, sizeof(base), "/tenants/%s/api-keys", t.id);
	for (int i = 0; i < ROUNDS; i++) {
		/* Changed on another node each time. */
		client_port(c, daemon_port(node[i % NODES]));
		client_port(op, daemon_port(node[(i + 1) % NODES]));
		end_one(c, base, "'policies:read'", "/policies", i);
		end_one(op, "/operator-keys", "'platform:read'", "/tenants?limit=1", i);
	}
	client_close(c);
	client_close(op);
}

static void a_key_ends_everywhere_within_a_second(void **state)
{
	(void)state;
	end_some("endspushed");
}

/* A bouncer is deleted on one node: its key ends on all of them, told or not. */
static void a_bouncer_goes(const char *slug)
{
	char base[160];
	struct tenant_fixture t;
	struct client *c, *op = client_operator(node[0]);
	struct known k;

	fixture_tenant(node[0], slug, NULL, NULL, NULL, &t);
	c = client_of(node[0], &t);
	(void)snprintf(base, sizeof(base), "/tenants/%s/api-keys", t.id);
	make_known(&k, op, base, "'bouncers:connect'", "/bundles/production");
	assert_status(200, client_post(k.at[1], "/peps/register",
				       "{'bouncer_id':'b-1','resource':{'name':'r'}}"));
	client_port(c, daemon_port(node[2]));
	assert_status(200, client_delete(c, "/bouncers/1"));
	expect_end(&k, 401, "key_revoked");
	client_close(c);
	client_close(op);
}

static void with_a_bouncer_its_key_ends_everywhere(void **state)
{
	(void)state;
	a_bouncer_goes("bouncergone");
}

/* Redis takes every push, and none arrives. */
static void also_when_every_push_is_lost(void **state)
{
	(void)state;
	assert_int_equal(0, kill(daemon_redis_pid(node[0]), SIGSTOP));
	end_some("endslost");
	a_bouncer_goes("bouncerlost");
	assert_int_equal(0, kill(daemon_redis_pid(node[0]), SIGCONT));
}

static void also_without_anybody_to_push_to(void **state)
{
	(void)state;
	daemon_redis_kill(node[0]);
	end_some("endsalone");
	daemon_redis_restart(node[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_ends_everywhere_within_a_second),
		cmocka_unit_test(with_a_bouncer_its_key_ends_everywhere),
		cmocka_unit_test(also_when_every_push_is_lost),
		cmocka_unit_test(also_without_anybody_to_push_to),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
