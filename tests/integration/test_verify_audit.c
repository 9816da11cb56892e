/* SPDX-License-Identifier: Apache-2.0 */
/* controlcored verify-audit, with what the daemon has sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"
#include "temp.h"

enum { WAIT_MS = 20000 };

static struct temp_run judge(struct story *s, const char *file, bool with_keys, bool with_macs)
{
	char *keys = temp_path(daemon_folder(s->d), "keys.json");
	const char *argv[9] = { getenv("CC_BIN"), "verify-audit", file };
	int n = 3;
	struct temp_run r;

	if (with_keys) {
		argv[n++] = "--keys";
		argv[n++] = keys;
	}
	if (with_macs) {
		argv[n++] = "--config";
		argv[n++] = daemon_config_path(s->d);
	}
	r = temp_run(argv, NULL, WAIT_MS);
	free(keys);
	return r;
}

static void expect(struct temp_run r, int status, const char *said)
{
	if (r.status != status || strstr(r.out, said) == NULL)
		fail_msg("status %d, not %d, or no \"%s\" in:\n%s%s", r.status, status, said, r.out, r.err);
	temp_run_free(&r);
}

static void save(struct story *s, const char *name, const char *text)
{
	char *path = temp_path(daemon_folder(s->d), name);

	temp_write(path, text);
	free(path);
}

static void the_program_finds_what_was_changed(void **state)
{
	struct story *s = *state;
	char *file = temp_path(daemon_folder(s->d), "audit.ndjson"), *body, *at;
	struct client *nobody = client_open(daemon_port(s->d));

	save(s, "keys.json", client_call(nobody, "GET", "/.well-known/controlcore-keys", NULL, NULL)->body);
	story_policy(s, "p");
	body = strdup(assert_status(200, client_get(s->c, "/audit/export"))->body);
	save(s, "audit.ndjson", body);
	expect(judge(s, file, false, false), 2, "signatures were not checked");
	expect(judge(s, file, true, false), 0, "macs were not computed");
	expect(judge(s, file, true, false), 0, "nothing was changed since it was sent\n");
	expect(judge(s, file, false, true), 0, "nothing was changed\n");
	expect(judge(s, file, true, true), 0, "nothing was changed\n");
	/* On its way: who has the public keys can tell. */
	at = strstr(body, "createPolicy");
	assert_non_null(at);
	memcpy(at, "deletePolicy", strlen("deletePolicy"));
	save(s, "audit.ndjson", body);
	expect(judge(s, file, true, false), 1, "(data 2) was changed: its digest does not fit");
	/* In the database: who has the key of the macs can tell. */
	story_value(s, "UPDATE audit SET action = 'deletePolicy' WHERE seq = 2");
	save(s, "audit.ndjson", assert_status(200, client_get(s->c, "/audit/export"))->body);
	expect(judge(s, file, true, true), 1, "(data 2) was changed: its mac does not fit");
	story_value(s, "UPDATE audit SET action = 'createPolicy' WHERE seq = 2");
	story_value(s, "UPDATE audit SET key_version = 2 WHERE seq = 2");
	save(s, "audit.ndjson", assert_status(200, client_get(s->c, "/audit/export"))->body);
	expect(judge(s, file, true, true), 1, "(data 2) was changed: no audit_key has its key_version yet");
	story_value(s, "UPDATE audit SET key_version = 1 WHERE seq = 2");
	save(s, "audit.ndjson", "no export\n\n");
	expect(judge(s, file, true, false), 1, "audit.ndjson:1: the line was changed or put in");
	save(s, "keys.json", "{\"keys\":[]}");
	expect(judge(s, file, true, false), 64, "");
	expect(judge(s, "/nonexistent", false, false), 66, "");
	client_close(nobody);
	free(body);
	free(file);
}

/* That nothing was found says little where nothing, or not all, could be computed. */
static void what_is_not_proved_is_not_called_unchanged(void **state)
{
	struct story *s = *state;
	char *file = temp_path(daemon_folder(s->d), "audit.ndjson");
	struct client *nobody = client_open(daemon_port(s->d));
	struct temp_run r;

	save(s, "keys.json", client_call(nobody, "GET", "/.well-known/controlcore-keys", NULL, NULL)->body);
	save(s, "audit.ndjson", assert_status(200, client_get(s->c, "/audit/export"))->body);
	r = judge(s, file, false, false);
	assert_null(strstr(r.out, "nothing was changed"));
	expect(r, 2, "consistent in itself; nothing proves who wrote it: give --keys");
	/* The key of the macs was replaced since. */
	assert_int_equal(0, setenv("CONTROLCORE_SECRETS_AUDIT_KEY_VERSION", "2", 1));
	r = judge(s, file, true, true);
	assert_null(strstr(r.out, "nothing was changed"));
	expect(r, 2, "an earlier audit_key has made them");
	expect(judge(s, file, true, true), 2, "consistent, but not proved");
	expect(judge(s, file, false, true), 2, "consistent in itself; nothing proves who wrote it");
	assert_int_equal(0, unsetenv("CONTROLCORE_SECRETS_AUDIT_KEY_VERSION"));
	expect(judge(s, file, true, true), 0, "nothing was changed\n");
	client_close(nobody);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_program_finds_what_was_changed, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			what_is_not_proved_is_not_called_unchanged, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
