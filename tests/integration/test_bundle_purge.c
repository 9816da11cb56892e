/* SPDX-License-Identifier: Apache-2.0 */
/* With a tenant goes what it has in the store, and nothing of anybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bouncer.h"
#include "temp.h"

#define PLANTED 900 /* several batches */
#define PATIENCE_MS 60000

struct part {
	struct tenant_fixture t;
	char folder[400];
};

/* With a bundle, and many objects that no catalogue knows. */
static void furnish(struct daemon *d, const char *slug, struct part *p)
{
	struct client *c;
	char *key, path[500];

	fixture_tenant(d, slug, NULL, NULL, NULL, &p->t);
	key = bouncer_key(d, p->t.id, "sandbox");
	c = client_open(daemon_port(d));
	client_key(c, key);
	bouncer_pull(c, "sandbox", NULL);
	client_close(c);
	free(key);
	snprintf(p->folder, sizeof(p->folder), "%s/tenants/%s", daemon_objects(d), p->t.id);
	for (int i = 0; i < PLANTED; i++) {
		snprintf(path, sizeof(path), "%s/bundles/sandbox/%d", p->folder, i);
		temp_write(path, "x");
	}
}

static void await_gone(const char *path)
{
	const int64_t until = temp_now_ms() + PATIENCE_MS;

	while (access(path, F_OK) == 0 && temp_now_ms() < until)
		temp_sleep_ms(50);
	assert_int_not_equal(0, access(path, F_OK));
}

static void await_purged(struct client *c, const char *id)
{
	const int64_t until = temp_now_ms() + PATIENCE_MS;
	const struct answer *a;

	do {
		temp_sleep_ms(100);
		a = client_get(c, "/tenants/%s", id);
	} while (a->status != 404 && temp_now_ms() < until);
	assert_status(404, a);
}

static void objects_go_with_their_tenant(void **state)
{
	struct daemon *d = *state;
	struct client *c = client_operator(d);
	struct part gone, beside;
	char path[500];

	furnish(d, "leaving", &gone);
	furnish(d, "staying", &beside);
	assert_status(202, client_delete(c, "/tenants/%s", gone.t.id));
	await_gone(gone.folder);
	await_purged(c, gone.t.id);
	for (int i = 0; i < PLANTED; i++) {
		snprintf(path, sizeof(path), "%s/bundles/sandbox/%d", beside.folder, i);
		assert_int_equal(0, access(path, F_OK));
	}
	client_close(c);
}

static const char *const dying[] = { "CC_FAILPOINT=tenant.purge.objects:2", NULL };

/* Killed between two batches; the next one goes on. */
static void a_purge_that_dies_is_finished(void **state)
{
	struct daemon *d = *state;
	struct client *c = client_operator(d);
	struct part gone;

	furnish(d, "dying", &gone);
	client_close(c);
	assert_int_equal(0, daemon_stop(d));
	daemon_env(d, dying);
	daemon_restart(d);
	c = client_operator(d);
	assert_status(202, client_delete(c, "/tenants/%s", gone.t.id));
	assert_int_equal(128 + 9, daemon_await_end(d, PATIENCE_MS));
	daemon_env(d, NULL);
	daemon_restart(d);
	client_port(c, daemon_port(d));
	await_gone(gone.folder);
	await_purged(c, gone.t.id);
	client_close(c);
}

static int set_up(void **state)
{
	static const struct daemon_options options = { .undo_window_s = 1, .provision_lease_s = 3 };

	daemon_group_options(&options);
	return daemon_group_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_go_with_their_tenant),
		cmocka_unit_test(a_purge_that_dies_is_finished),
	};

	return cmocka_run_group_tests(tests, set_up, daemon_group_teardown);
}
