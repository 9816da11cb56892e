/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles while their tenant moves to a region with a PostgreSQL and a store of its own, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stage.h"
#include "temp.h"

#define MOVE_MS 60000
#define VERSIONS 4

static char *west;
static char setting[600];
static const char *const env[] = { setting, NULL };

static int start(void **state)
{
	static struct daemon_options options = { .own_servers = true, .env = env };

	west = temp_folder("west");
	snprintf(setting, sizeof(setting), "CONTROLCORE_REGIONS_EU_WEST_1_STORE_FOLDER=%s", west);
	daemon_group_options(&options);
	return daemon_group_setup(state);
}

static int stop(void **state)
{
	const int e = daemon_group_teardown(state);

	temp_remove(west);
	return e;
}

static void write_policy(struct story *s, int n)
{
	const int64_t until = temp_now_ms() + MOVE_MS;
	const struct answer *a;

	do {
		a = client_post(s->c, "/policies",
			"{'name':'p%d','environment':'sandbox',"
			"'rego_code':'package p%d\\n\\nallow := true\\n'}",
			n, n);
	} while (a->status == 503 && temp_now_ms() < until);
	assert_status(201, a);
}

/* Whole and signed, by the key that is published at the time; returns its ETag. */
static const char *pull(struct story *s, struct client *bouncer, const char *etag)
{
	static char kept[100];
	struct bouncer_bundle b;
	const struct answer *a = bouncer_pull(bouncer, "sandbox", etag);

	snprintf(kept, sizeof(kept), "%s", answer_header(a, "ETag"));
	bundle_open(s, a, &b);
	bouncer_close(&b);
	return kept;
}

static const char *published(struct story *s)
{
	static char kept[2000];

	snprintf(kept, sizeof(kept), "%s", bundle_keys(s)->body);
	return kept;
}

/* Bundles are asked for at every moment of it; a change in between is a bundle, too. */
static void move(struct story *s, struct client *bouncer, const char *region, int changes)
{
	const int64_t until = temp_now_ms() + MOVE_MS;
	const struct answer *a;
	char path[200], id[64], etag[100];
	int n = 0;

	snprintf(etag, sizeof(etag), "%s", pull(s, bouncer, NULL));
	snprintf(path, sizeof(path), "/tenants/%s/deploy", s->t.id);
	a = assert_status(202, client_post(s->c, path, "{'region':'%s'}", region));
	snprintf(id, sizeof(id), "%s", answer_text(a, "deployment_id"));
	do {
		if (n < changes) {
			write_policy(s, 100 * changes + n++);
			snprintf(etag, sizeof(etag), "%s", pull(s, bouncer, etag));
		}
		assert_string_equal(etag, pull(s, bouncer, NULL));
		a = assert_status(200, client_get(s->c, "/tenants/%s/deployments/%s", s->t.id, id));
	} while (strcmp(answer_text(a, "status"), "in_progress") == 0 && temp_now_ms() < until);
	assert_text("completed", a, "status");
	assert_string_equal(etag, pull(s, bouncer, NULL));
}

static void a_bundle_is_right_before_during_and_after_a_move(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), jwks[2000], first[100], etag[100], path[200];
	struct client *bouncer = client_open(daemon_port(s->d));

	client_key(bouncer, key);
	for (int i = 0; i < VERSIONS; i++) {
		write_policy(s, i);
		snprintf(etag, sizeof(etag), "%s", pull(s, bouncer, i > 0 ? etag : NULL));
		if (i == 0)
			snprintf(first, sizeof(first), "%s", etag);
	}
	snprintf(jwks, sizeof(jwks), "%s", published(s));
	move(s, bouncer, "eu-west-1", 0);
	assert_string_equal(jwks, published(s));
	assert_int_equal(VERSIONS, bundles_stored(west, s->t.id));
	/* What was before it is known there, too. */
	snprintf(path, sizeof(path), "/rollouts/%.32s", first + 1);
	assert_status(200, client_get(s->c, "%s", path));
	snprintf(etag, sizeof(etag), "%s", pull(s, bouncer, NULL));
	write_policy(s, VERSIONS);
	(void)pull(s, bouncer, etag);
	assert_int_equal(VERSIONS + 1, bundles_stored(west, s->t.id));
	assert_int_equal(VERSIONS, bundles_stored(daemon_objects(s->d), s->t.id));
	move(s, bouncer, "us-east-1", 2);
	assert_string_equal(jwks, published(s));
	assert_int_equal(VERSIONS + 3, bundles_stored(daemon_objects(s->d), s->t.id));
	assert_status(200, client_get(s->c, "%s", path));
	client_close(bouncer);
	free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_bundle_is_right_before_during_and_after_a_move, story_open_unlimited, story_close),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
