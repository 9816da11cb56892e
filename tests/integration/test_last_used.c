/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials show when they were last used: soon, in batches, without being changed by it. */
#define _GNU_SOURCE /* strptime, timegm */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "minter.h"
#include "story.h"
#include "temp.h"

#define PATIENCE_MS 60000

/* Waits until the member is there. */
static const struct answer *await(struct client *c, const char *path, const char *member)
{
	for (int64_t end = temp_now_ms() + PATIENCE_MS;; temp_sleep_ms(100)) {
		const struct answer *a = assert_status(200, client_get(c, "%s", path));

		if (!answer_null(a, member))
			return a;
		if (temp_now_ms() > end)
			fail_msg("%s of %s does not come", member, path);
		client_forget(c);
	}
}

static void expect_now(const struct answer *a, const char *member)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };

	assert_non_null(strptime(answer_text(a, member), "%Y-%m-%dT%H:%M:%SZ", &tm));
	assert_in_range(timegm(&tm), now - 60, now);
}

/* Its tag and its audit stay: nobody changed it. */
static void check_key(struct daemon *d, struct client *c, const char *base, const char *scope)
{
	struct client *used;
	char path[200], idle[200], line[100], target[240];
	const struct answer *a;

	a = assert_status(201, client_post(c, base, "{'name':'idle','scopes':['%s']}", scope));
	(void)snprintf(idle, sizeof(idle), "%s/%s", base, answer_text(a, "id"));
	a = assert_status(201, client_post(c, base, "{'name':'used','scopes':['%s']}", scope));
	used = client_open(daemon_port(d));
	client_key(used, answer_text(a, "key"));
	(void)snprintf(path, sizeof(path), "%s/%s", base, answer_text(a, "id"));
	(void)snprintf(target, sizeof(target), "/api/v1%s", path);
	a = assert_status(200, client_get(c, "%s", path));
	assert_true(answer_null(a, "last_used_at"));
	assert_true(answer_null(a, "last_ip"));
	(void)snprintf(line, sizeof(line), "If-Match: %s\r\n", answer_header(a, "ETag"));
	assert_status(200, client_get(used, "%s", strstr(base, "tenants") ? "/policies" : "/tenants"));
	a = await(c, path, "last_used_at");
	expect_now(a, "last_used_at");
	assert_text("127.0.0.1", a, "last_ip");
	a = assert_status(200, client_call(c, "PATCH", target, line, "{\"name\":\"seen\"}"));
	assert_text("127.0.0.1", a, "last_ip");
	assert_true(answer_null(client_get(c, "%s", idle), "last_used_at"));
	client_close(used);
}

static void a_key_shows_its_last_use(void **state)
{
	struct story *s = *state;
	char base[160];

	(void)snprintf(base, sizeof(base), "/tenants/%s/api-keys", s->t.id);
	check_key(s->d, s->c, base, "policies:read");
}

static void an_operators_key_does_too(void **state)
{
	struct story *s = *state;

	check_key(s->d, s->operator, "/operator-keys", "platform:read");
}

static void a_user_is_seen_by_a_token(void **state)
{
	struct story *s = *state;
	const int64_t version = story_number(s, "SELECT version FROM head");
	struct client *c;
	char path[40];
	int64_t id;

	trust(s);
	id = answer_int(assert_status(201, client_post(s->c, "/users",
						       "{'email':'Ann@acme.com','username':'Ann',"
						       "'roles':['Viewer']}")),
			"id");
	(void)snprintf(path, sizeof(path), "/users/%lld", (long long)id);
	assert_true(answer_null(client_get(s->c, "%s", path), "last_seen_at"));
	/* Somebody without a user of the tenant's is nobody to be seen. */
	c = bearer(s, good_token(s, EC, ",\"email\":\"bob@acme.com\",\"roles\":[\"Viewer\"]"));
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
	c = bearer(s, good_token(s, EC, ",\"email\":\"ann@acme.com\",\"roles\":[\"Viewer\"]"));
	assert_status(200, client_get(c, "/policies"));
	expect_now(await(s->c, path, "last_seen_at"), "last_seen_at");
	assert_int_equal(1, story_number(s, "SELECT count(*) FROM user_live"));
	/* One write, that of the user itself. */
	assert_int_equal(version + 1, story_number(s, "SELECT version FROM head"));
	client_close(c);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_key_shows_its_last_use),
		CASE(an_operators_key_does_too),
		CASE(a_user_is_seen_by_a_token),
	};

	return cmocka_run_group_tests(tests, minter_start, minter_stop);
}
