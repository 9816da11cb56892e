/* SPDX-License-Identifier: Apache-2.0 */
/* A request whose body comes late: what changed meanwhile binds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define RESOURCE "{\"name\":\"late\",\"type\":\"api\"}"
#define KEY "{\"name\":\"late\",\"scopes\":[\"api_keys:write\"]}"

/* A tenant whose key the daemon has in memory: the gate decides before the body comes. */
static struct client *warm(struct daemon *d, const char *slug, struct tenant_fixture *t)
{
	struct client *c;

	fixture_tenant(d, slug, NULL, NULL, NULL, t);
	c = client_of(d, t);
	/* The feed's note of the new key makes the daemon forget it once more. */
	for (int i = 0; i < 8; i++) {
		assert_status(200, client_get(c, "/resources"));
		temp_sleep_ms(200);
	}
	return c;
}

/* Long enough for the daemon to have read the head, on a slow machine too. */
static void begin(struct client *c, const char *path, const char *body)
{
	char target[200];

	(void)snprintf(target, sizeof(target), "/api/v1%s", path);
	client_begin(c, "POST", target, body);
	temp_sleep_ms(500);
}

static void a_revoked_key_makes_no_new_key(void **state)
{
	struct client *op = client_operator(*state), *c, *other;
	struct tenant_fixture t;
	char path[160], *key;

	c = warm(*state, "latekey", &t);
	key = fixture_key(*state, t.id, "api_keys:read", NULL);
	other = client_open(daemon_port(*state));
	client_key(other, key);
	(void)snprintf(path, sizeof(path), "/tenants/%s/api-keys", t.id);
	begin(c, path, KEY);
	assert_status(200, client_delete(op, "%s/%s", path, t.key_id));
	assert_error(401, "key_revoked", client_end(c));
	assert_int(2, client_get(other, "%s", path), "total");
	free(key);
	client_close(op);
	client_close(other);
	client_close(c);
}

static void a_revoked_key_writes_nothing(void **state)
{
	struct client *op = client_operator(*state), *c;
	struct tenant_fixture t;

	c = warm(*state, "laterevoke", &t);
	begin(c, "/resources", RESOURCE);
	assert_status(200, client_delete(op, "/tenants/%s/api-keys/%s", t.id, t.key_id));
	assert_error(401, "key_revoked", client_end(c));
	client_tenant(op, t.id);
	assert_int(0, client_get(op, "/resources"), "total");
	client_close(op);
	client_close(c);
}

static void a_suspended_tenant_writes_nothing(void **state)
{
	struct client *op = client_operator(*state), *c;
	struct tenant_fixture t;
	char path[160];

	c = warm(*state, "latesuspend", &t);
	begin(c, "/resources", RESOURCE);
	(void)snprintf(path, sizeof(path), "/tenants/%s/suspend", t.id);
	assert_status(200, client_post(op, path, "{'mode':'blocked'}"));
	assert_error(403, "tenant_suspended", client_end(c));
	client_close(op);
	client_close(c);
}

static void a_deleted_tenant_writes_nothing(void **state)
{
	struct client *op = client_operator(*state), *c;
	struct tenant_fixture t;

	c = warm(*state, "latedelete", &t);
	begin(c, "/resources", RESOURCE);
	assert_status(202, client_delete(op, "/tenants/%s", t.id));
	assert_error(410, "tenant_deleted", client_end(c));
	client_close(op);
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_revoked_key_makes_no_new_key),
		cmocka_unit_test(a_revoked_key_writes_nothing),
		cmocka_unit_test(a_suspended_tenant_writes_nothing),
		cmocka_unit_test(a_deleted_tenant_writes_nothing),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
