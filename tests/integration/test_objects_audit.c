/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controlcored check-objects finds what only one side knows, in each direction, and mends it when it is
 * told to.
 */
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

#define RUN_MS 60000

static struct temp_run check(struct story *s, const char *option)
{
	const char *bin = getenv("CC_BIN");

	const char *config = daemon_config_path(s->d);
	const char *const argv[] = { bin, "check-objects", "--config", config, option, NULL };

	return temp_run(argv, NULL, RUN_MS);
}

static void plant(struct story *s, const char *key)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/%s", daemon_objects(s->d), key);
	for (char *p = path + strlen(daemon_objects(s->d)) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		(void)mkdir(path, 0700);
	}
	temp_write(path, "x");
}

static void is(struct story *s, const char *option, int status, const char *line)
{
	struct temp_run r = check(s, option);

	if (r.status != status || strstr(r.out, line) == NULL)
		fail_msg("status %d, not %d; %s\n%s%s", r.status, status, line, r.out, r.err);
	temp_run_free(&r);
}

static void what_only_one_side_knows_is_found_and_mended(void **state)
{
	struct story *s = *state;
	char *key = bouncer_key(s->d, s->t.id, "sandbox"), path[500], line[300], tag[100];
	struct client *c = client_open(daemon_port(s->d));

	client_key(c, key);
	snprintf(tag, sizeof(tag), "%s", answer_header(bouncer_pull(c, "sandbox", NULL), "ETag"));
	is(s, NULL, 0, "objects: 0 findings");
	snprintf(path, sizeof(path), "%s/tenants/%s/bundles/sandbox/stray", daemon_objects(s->d), s->t.id);
	temp_write(path, "x");
	snprintf(line, sizeof(line), "unknown: tenants/%s/bundles/sandbox/stray\n", s->t.id);
	is(s, NULL, 1, line);
	assert_int_equal(0, access(path, F_OK));
	is(s, "--remove", 0, line);
	assert_int_not_equal(0, access(path, F_OK));
	is(s, NULL, 0, "objects: 0 findings");
	snprintf(path, sizeof(path), "%s/tenants/%s/bundles/sandbox/%.32s.tar.gz", daemon_objects(s->d),
		s->t.id, tag + 1);
	assert_int_equal(0, truncate(path, 10));
	is(s, NULL, 1, "different: ");
	assert_int_equal(0, unlink(path));
	is(s, NULL, 1, "missing: ");
	is(s, "--remove", 0, "1 findings, mended");
	assert_int_equal(0, story_number(s, "SELECT count(*) FROM objects"));
	assert_string_equal(tag, answer_header(bouncer_pull(c, "sandbox", NULL), "ETag"));
	assert_int_equal(0, access(path, F_OK));
	client_close(c);
	free(key);
}

/* Of nobody, or in a store where nobody looks for it; what is just being stored is neither. */
static void what_belongs_to_no_tenant_is_found(void **state)
{
	struct story *s = *state;
	char path[500], sql[300];

	snprintf(path, sizeof(path), "%s/tenants/tenant-gone-234567/bundles/sandbox/a", daemon_objects(s->d));
	plant(s, "tenants/tenant-gone-234567/bundles/sandbox/a");
	is(s, NULL, 1, "stranger: tenants/tenant-gone-234567/bundles/sandbox/a\n");
	is(s, "--remove", 1, "1 of them stay");
	snprintf(sql, sizeof(sql),
		"INSERT INTO cc.tenant_tombstone (id, region, created_at, deleted_at)"
		" VALUES ('tenant-gone-234567', 'eu-west-1', now(), now())");
	story_control_value(s, sql);
	is(s, NULL, 1, "purged: tenants/tenant-gone-234567/bundles/sandbox/a\n");
	is(s, "--remove", 0, "1 findings, mended");
	assert_int_not_equal(0, access(path, F_OK));
	snprintf(sql, sizeof(sql), "tenants/%s/bundles/sandbox/now", s->t.id);
	plant(s, sql);
	story_value(s, "INSERT INTO storing VALUES ('bundles/sandbox/now', now() + interval '1 hour')");
	is(s, "--remove", 0, "objects: 0 findings");
	story_value(s, "DELETE FROM storing");
	is(s, "--remove", 0, "unknown: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_only_one_side_knows_is_found_and_mended, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			what_belongs_to_no_tenant_is_found, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
