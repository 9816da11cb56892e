/* SPDX-License-Identifier: Apache-2.0 */
/* With a tenant goes what it has in the store, and nothing of anybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bouncer.h"
#include "story.h"
#include "temp.h"
#include "cc/base/bytes.h"
#include "cc/crypto/jws.h"

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
		a = client_get(c, "/tenants/%s/deletion-certificate", id);
	} while (a->status != 200 && temp_now_ms() < until);
	assert_status(200, a);
	assert_status(404, client_get(c, "/tenants/%s", id));
}

/* The certificate's payload, when a published key has signed it; to be freed. */
static json_t *certified(struct client *c, const char *id)
{
	struct arena *a = arena_create(8192);
	const struct answer *d = assert_status(200, client_get(c, "/tenants/%s/deletion-certificate", id));
	char *jws = strdup(answer_text(d, "certificate")), *dot = strrchr(jws, '.');
	const char *payload = strchr(jws, '.') + 1, *x;
	struct jwk key = { .alg = JWS_EDDSA };
	struct bytes signature, text;
	json_t *ret;

	assert_text(id, d, "tenant_id");
	d = assert_status(200, client_call(c, "GET", "/.well-known/controlcore-keys", NULL, NULL));
	x = answer_text(d, "keys[0].x");
	assert_true(base64url_decode(a, x, strlen(x), &key.x));
	assert_true(base64url_decode(a, dot + 1, strlen(dot + 1), &signature));
	assert_true(jws_verify(&key, jws, (size_t)(dot - jws), signature));
	jws[10] ^= 1;
	assert_false(jws_verify(&key, jws, (size_t)(dot - jws), signature));
	jws[10] ^= 1;
	assert_true(base64url_decode(a, payload, (size_t)(dot - payload), &text));
	ret = json_loadb((const char *)text.p, text.n, 0, NULL);
	assert_non_null(ret);
	assert_string_equal(id, json_string_value(json_object_get(ret, "tenant_id")));
	free(jws);
	arena_destroy(a);
	return ret;
}

static void removed(json_t *certificate, const char *what, int64_t n)
{
	const json_t *of = json_object_get(certificate, "removed");

	if (json_integer_value(json_object_get(of, what)) != n)
		fail_msg("%s: %s is not %lld", json_dumps(certificate, 0), what, (long long)n);
}

/* One bundle, and what was planted; each counted once, whoever died meanwhile. */
static void check_certificate(struct client *c, const char *id)
{
	json_t *all = certified(c, id);

	removed(all, "objects", PLANTED + 1);
	assert_true(json_integer_value(json_object_get(json_object_get(all, "removed"), "object_bytes")) >
		    PLANTED);
	removed(all, "schemas", 1);
	removed(all, "roles", 1);
	removed(all, "api_keys", 2);
	removed(all, "rows.users", 1);
	removed(all, "rows.objects", 1);
	json_decref(all);
}

static void objects_go_with_their_tenant(void **state)
{
	struct daemon *d = *state;
	struct client *c = client_operator(d);
	struct part gone, beside;
	char path[500];

	furnish(d, "leaving", &gone);
	furnish(d, "staying", &beside);
	assert_status(404, client_get(c, "/tenants/%s/deletion-certificate", gone.t.id));
	assert_status(202, client_delete(c, "/tenants/%s", gone.t.id));
	await_gone(gone.folder);
	await_purged(c, gone.t.id);
	check_certificate(c, gone.t.id);
	assert_status(404, client_get(c, "/tenants/%s/deletion-certificate", beside.t.id));
	for (int i = 0; i < PLANTED; i++) {
		snprintf(path, sizeof(path), "%s/bundles/sandbox/%d", beside.folder, i);
		assert_int_equal(0, access(path, F_OK));
	}
	client_close(c);
}

/* Killed before and behind each kind of step; the next one goes on. */
static void a_purge_that_dies_is_finished(void **state)
{
	static const char *const points[] = { "tenant.purge.claimed:1", "tenant.purge.redis:1",
		"tenant.purge.batch:2", "tenant.purge.objects:2", "tenant.purge.counted:1",
		"tenant.purge.released:1", "schema.drop.schema:1", "tenant.purge.schema:1",
		"tenant.purge.keys:1", "tenant.purge.audit:1" };
	struct daemon *d = *state;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct client *c;
		struct part gone;
		char slug[24], point[80];
		const char *const dying[] = { point, NULL };

		snprintf(slug, sizeof(slug), "dying%zu", i);
		snprintf(point, sizeof(point), "CC_FAILPOINT=tenant.purge.claim+%s", points[i]);
		furnish(d, slug, &gone);
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
		check_certificate(c, gone.t.id);
		client_close(c);
	}
}

#define LATE_MS 8000

/* Somebody may still be storing: what arrives last is gone, too, before anybody says that nothing is left. */
static void what_arrives_last_goes_too(void **state)
{
	struct daemon *d = *state;
	struct client *c = client_operator(d);
	static const char *const below[] = { "", "/bundles", "/bundles/sandbox" };
	const int64_t until = temp_now_ms() + LATE_MS;
	struct part late;
	char path[500], sql[200];

	furnish(d, "late", &late);
	snprintf(sql, sizeof(sql),
		"INSERT INTO storing VALUES ('bundles/sandbox/late', now() + interval '%d ms')", LATE_MS);
	story_value(&(struct story){ .d = d, .t = late.t }, sql);
	assert_status(202, client_delete(c, "/tenants/%s", late.t.id));
	await_gone(late.folder);
	while (temp_now_ms() < until - LATE_MS / 4)
		temp_sleep_ms(50);
	assert_status(404, client_get(c, "/tenants/%s/deletion-certificate", late.t.id));
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", late.folder, below[i]);
		assert_int_equal(0, mkdir(path, 0700));
	}
	snprintf(path, sizeof(path), "%s/bundles/sandbox/late", late.folder);
	temp_write(path, "x");
	await_purged(c, late.t.id);
	assert_int_not_equal(0, access(path, F_OK));
	snprintf(path, sizeof(path), "/.well-known/controlcore-keys/%s", late.t.id);
	assert_status(404, client_call(c, "GET", path, NULL, NULL));
	client_close(c);
}

#define MANY_ROWS 12000 /* of a kilobyte: several parts of a table */

/* Counted in parts: who dies in between leaves the next one to whoever goes on, and none is counted twice. */
static void many_rows_are_counted_in_parts(void **state)
{
	static const char *const dying[] = { "CC_FAILPOINT=tenant.purge.counted:2", NULL };
	struct daemon *d = *state;
	struct client *c = client_operator(d);
	struct tenant_fixture t;
	char sql[200];
	json_t *all;

	fixture_tenant(d, "manyrows", NULL, NULL, NULL, &t);
	snprintf(sql, sizeof(sql),
		"INSERT INTO tombstones SELECT repeat('x', 1000) || g, g, g FROM generate_series(1, %d) g",
		MANY_ROWS);
	story_value(&(struct story){ .d = d, .t = t }, sql);
	assert_int_equal(0, daemon_stop(d));
	daemon_env(d, dying);
	daemon_restart(d);
	client_port(c, daemon_port(d));
	assert_status(202, client_delete(c, "/tenants/%s", t.id));
	assert_int_equal(128 + 9, daemon_await_end(d, PATIENCE_MS));
	daemon_env(d, NULL);
	daemon_restart(d);
	client_port(c, daemon_port(d));
	await_purged(c, t.id);
	all = certified(c, t.id);
	removed(all, "rows.tombstones", MANY_ROWS);
	removed(all, "rows.users", 1);
	removed(all, "rows.policies", 0);
	json_decref(all);
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
		cmocka_unit_test(what_arrives_last_goes_too),
		cmocka_unit_test(many_rows_are_counted_in_parts),
		cmocka_unit_test(a_purge_that_dies_is_finished),
	};

	return cmocka_run_group_tests(tests, set_up, daemon_group_teardown);
}
