/* SPDX-License-Identifier: Apache-2.0 */
/* Long work on a tenant: watched, cancelled, in the way of others, kept beyond restarts and the tenant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "daemon.h"
#include "temp.h"

#define END_MS 60000

struct scene {
	struct daemon *d;
	struct tenant_fixture t;
	struct client *c, *operator; /* the tenant's key, which holds every scope of a tenant */
	char id[64];                 /* of the operation */
};

static int open_scene(void **state)
{
	static int n;
	struct scene *s = calloc(1, sizeof(*s));
	char slug[32];

	snprintf(slug, sizeof(slug), "scene%d", ++n);
	s->d = *state;
	fixture_tenant(s->d, slug, NULL, NULL, NULL, &s->t);
	s->c = client_of(s->d, &s->t);
	s->operator= client_operator(s->d);
	*state = s;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *s = *state;

	client_close(s->c);
	client_close(s->operator);
	free(s);
	return 0;
}

/* Asks for the tenant's deletion; what Location names is the operation. */
static const struct answer *delete_tenant(struct scene *s)
{
	const struct answer *a = assert_status(202, client_delete(s->c, "/tenants/%s", s->t.id));
	const char *where = answer_header(a, "Location");

	assert_non_null(where);
	assert_int_equal(0, strncmp(where, "/api/v1/operations/op-", 22));
	snprintf(s->id, sizeof(s->id), "%s", strrchr(where, '/') + 1);
	return a;
}

static const struct answer *look(struct client *c, const struct scene *s)
{
	return client_get(c, "/operations/%s", s->id);
}

static const struct answer *cancel(struct client *c, const struct scene *s)
{
	char path[100];

	snprintf(path, sizeof(path), "/operations/%s/cancel", s->id);
	return client_post(c, path, "{}");
}

static void a_deletion_is_an_operation(void **state)
{
	struct scene *s = *state;
	char link[160];
	const struct answer *a;

	delete_tenant(s);
	a = assert_status(200, look(s->c, s));
	assert_text(s->id, a, "id");
	assert_text(s->t.id, a, "tenant_id");
	assert_text("tenant_deletion", a, "kind");
	assert_text("running", a, "status");
	assert_text("scheduled", a, "progress.step");
	assert_int(0, a, "progress.percent");
	assert_text(s->t.key_id, a, "started_by");
	assert_true(answer_null(a, "error"));
	assert_true(answer_null(a, "finished_at"));
	snprintf(link, sizeof(link), "/api/v1/operations/%s", s->id);
	assert_text(link, a, "links.self");
	snprintf(link, sizeof(link), "/api/v1/operations/%s/cancel", s->id);
	assert_text(link, a, "links.cancel");
	snprintf(link, sizeof(link), "/api/v1/tenants/%s", s->t.id);
	assert_text(link, a, "links.tenant");
	/* The same by the tenant's path, for operators with and without naming it, and in the list. */
	assert_text(s->id, assert_status(200, client_get(s->c, "/tenants/%s/operations/%s", s->t.id, s->id)),
		"id");
	assert_text(s->id, assert_status(200, look(s->operator, s)), "id");
	client_tenant(s->operator, s->t.slug);
	assert_text(s->id, assert_status(200, look(s->operator, s)), "id");
	a = assert_status(200, client_get(s->c, "/tenants/%s/operations", s->t.id));
	assert_int(1, a, "total");
	assert_text(s->id, a, "operations[0].id");
	assert_text(link, a, "operations[0].links.tenant");
}

static void to_cancel_it_restores_the_tenant(void **state)
{
	struct scene *s = *state;
	const struct answer *a;

	delete_tenant(s);
	assert_error(410, "tenant_deleted", client_get(s->c, "/policies"));
	a = assert_status(202, cancel(s->c, s));
	assert_text("cancelled", a, "status");
	assert_true(answer_null(a, "links.cancel"));
	assert_false(answer_null(a, "finished_at"));
	assert_status(200, client_get(s->c, "/policies"));
	assert_text("active", client_get(s->c, "/tenants/%s", s->t.id), "status");
	assert_error(409, "not_cancellable", cancel(s->c, s));
}

static void to_restore_the_tenant_cancels_it(void **state)
{
	struct scene *s = *state;
	char path[120];

	delete_tenant(s);
	snprintf(path, sizeof(path), "/tenants/%s/restore", s->t.id);
	assert_status(200, client_post(s->operator, path, "{}"));
	assert_text("cancelled", look(s->c, s), "status");
	assert_error(409, "not_cancellable", cancel(s->operator, s));
}

static void an_operator_cancels_without_naming_the_tenant(void **state)
{
	struct scene *s = *state;

	delete_tenant(s);
	assert_text("cancelled", assert_status(202, cancel(s->operator, s)), "status");
	assert_text("active", client_get(s->c, "/tenants/%s", s->t.id), "status");
	assert_error(404, "resource_not_found", client_get(s->operator, "/operations/op-nosuchoperat"));
	snprintf(s->id, sizeof(s->id), "op-nosuchoperat");
	assert_error(404, "resource_not_found", cancel(s->operator, s));
	assert_error(404, "resource_not_found", cancel(s->c, s));
}

static void a_second_one_is_told_which_is_in_the_way(void **state)
{
	struct scene *s = *state;
	const struct answer *a;

	delete_tenant(s);
	a = assert_error(423, "operation_in_progress", client_delete(s->c, "/tenants/%s", s->t.id));
	assert_text(s->id, a, "operation_id");
	a = assert_error(423, "operation_in_progress",
		client_delete(s->operator, "/tenants/%s?dry_run=true", s->t.id));
	assert_text(s->id, a, "operation_id");
	assert_status(202, cancel(s->c, s));
	delete_tenant(s);
	assert_int(2, client_get(s->c, "/tenants/%s/operations", s->t.id), "total");
	a = client_get(s->c, "/tenants/%s/operations?status=running", s->t.id);
	assert_int(1, a, "total");
	assert_text(s->id, a, "operations[0].id");
	a = client_get(s->c, "/tenants/%s/operations?status=cancelled", s->t.id);
	assert_int(1, a, "total");
	assert_fault("kind", NULL,
		assert_status(422, client_get(s->c, "/tenants/%s/operations?kind=nosuch", s->t.id)));
}

/* Changing a tenant is one thing, bringing it back another. */
static void to_cancel_wants_the_scope_of_what_is_undone(void **state)
{
	struct scene *s = *state;
	char *text = fixture_key(s->d, s->t.id, "tenant:read,tenant:write", NULL);
	struct client *writer = client_open(daemon_port(s->d));

	client_key(writer, text);
	delete_tenant(s);
	assert_status(200, look(writer, s));
	assert_error(403, "insufficient_scope", cancel(writer, s));
	assert_text("running", look(writer, s), "status");
	client_close(writer);
	free(text);
}

static void others_do_not_see_it(void **state)
{
	struct scene *s = *state;
	struct tenant_fixture other;
	struct client *stranger;
	char slug[80], *text = daemon_make_operator_key(s->d, "metrics:read");

	snprintf(slug, sizeof(slug), "%s-other", s->t.slug);
	fixture_tenant(s->d, slug, NULL, NULL, NULL, &other);
	stranger = client_of(s->d, &other);
	delete_tenant(s);
	assert_error(404, "resource_not_found", look(stranger, s));
	assert_error(404, "resource_not_found", cancel(stranger, s));
	assert_error(404, "resource_not_found",
		client_get(stranger, "/tenants/%s/operations/%s", other.id, s->id));
	assert_error(403, "tenant_access_denied",
		client_get(stranger, "/tenants/%s/operations/%s", s->t.id, s->id));
	assert_int(0, client_get(stranger, "/tenants/%s/operations", other.id), "total");
	client_tenant(s->operator, other.id);
	assert_error(404, "resource_not_found", look(s->operator, s));
	client_key(stranger, text);
	assert_error(403, "insufficient_scope", look(stranger, s));
	assert_text("running", look(s->c, s), "status");
	client_close(stranger);
	free(text);
}

static void it_outlives_a_restart(void **state)
{
	struct scene *s = *state;

	delete_tenant(s);
	daemon_kill(s->d);
	daemon_restart(s->d);
	client_port(s->c, daemon_port(s->d));
	client_port(s->operator, daemon_port(s->d));
	assert_text("running", assert_status(200, look(s->c, s)), "status");
	assert_text("cancelled", assert_status(202, cancel(s->c, s)), "status");
}

/* The undo window is short here; no step of it goes back. */
static void it_ends_with_the_tenant_and_stays_for_operators(void **state)
{
	struct scene *s = *state;
	const int64_t end = temp_now_ms() + END_MS;
	const struct answer *a;
	int64_t percent = 0;

	delete_tenant(s);
	do {
		temp_sleep_ms(20);
		client_forget(s->operator);
		a = assert_status(200, look(s->operator, s));
		assert_true(answer_int(a, "progress.percent") >= percent);
		percent = answer_int(a, "progress.percent");
	} while (strcmp(answer_text(a, "status"), "completed") != 0 && temp_now_ms() < end);
	assert_text("completed", a, "status");
	assert_int(100, a, "progress.percent");
	assert_text("completed", a, "progress.step");
	assert_false(answer_null(a, "finished_at"));
	assert_true(answer_null(a, "links.cancel"));
	assert_error(404, "tenant_not_found", client_get(s->operator, "/tenants/%s", s->t.id));
	assert_error(401, "unauthorized", look(s->c, s));
	assert_error(409, "not_cancellable", cancel(s->operator, s));
}

static void deleting_once_more_with_the_same_key_is_a_replay(void **state)
{
	struct scene *s = *state;
	char target[120];
	const struct answer *a;

	delete_tenant(s);
	assert_status(202, cancel(s->c, s));
	snprintf(target, sizeof(target), "/api/v1/tenants/%s", s->t.id);
	a = assert_status(202, client_call(s->c, "DELETE", target, "Idempotency-Key: again\r\n", NULL));
	snprintf(s->id, sizeof(s->id), "%s", strrchr(answer_header(a, "Location"), '/') + 1);
	a = assert_status(202, client_call(s->c, "DELETE", target, "Idempotency-Key: again\r\n", NULL));
	assert_string_equal(s->id, strrchr(answer_header(a, "Location"), '/') + 1);
	snprintf(target, sizeof(target), "/api/v1/operations/%s/cancel", s->id);
	for (int i = 0; i < 2; i++) {
		a = assert_status(
			202, client_call(s->operator, "POST", target, "Idempotency-Key: back\r\n", "{}"));
		assert_text("cancelled", a, "status");
		assert_true(i == 0 || answer_header(a, "Idempotent-Replayed") != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_deletion_is_an_operation, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(to_cancel_it_restores_the_tenant, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(to_restore_the_tenant_cancels_it, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			an_operator_cancels_without_naming_the_tenant, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			a_second_one_is_told_which_is_in_the_way, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			to_cancel_wants_the_scope_of_what_is_undone, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(others_do_not_see_it, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(it_outlives_a_restart, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			it_ends_with_the_tenant_and_stays_for_operators, open_scene, close_scene),
		cmocka_unit_test_setup_teardown(
			deleting_once_more_with_the_same_key_is_a_replay, open_scene, close_scene),
	};

	daemon_group_options(&(struct daemon_options){ .undo_window_s = 10 });
	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
