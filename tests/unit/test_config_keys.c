/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in files: only those are taken that nobody else can read, and every fault is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "temp.h"

#define ONE "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
#define TWO "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

struct bench {
	struct arena *arena;
	char *folder;
	struct config config;
	struct config_faults faults;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	b->arena = arena_create(8192);
	b->folder = temp_folder("keys");
	config_faults_init(&b->faults, b->arena);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_destroy(b->arena);
	temp_remove(b->folder);
	free(b);
	return 0;
}

static void write_key(struct bench *b, const char *name, const char *text, mode_t mode)
{
	char *path = temp_path(b->folder, name);

	temp_write(path, text);
	assert_int_equal(0, chmod(path, mode));
	free(path);
}

static bool load(struct bench *b, const char *const *names, size_t n)
{
	const char **v = ARENA_ARRAY(b->arena, const char *, n);

	for (size_t i = 0; i < n; i++)
		v[i] = names[i];
	b->config.secrets.kek_folder = b->folder;
	b->config.secrets.keks = (struct strv){ .v = v, .n = n };
	config_faults_init(&b->faults, b->arena);
	config_load_keks(b->arena, &b->config, &b->faults);
	return b->faults.n == 0;
}

static void expect_fault(struct bench *b, const char *name, const char *why)
{
	assert_false(load(b, &name, 1));
	if (strstr(b->faults.text.data, why) == NULL ||
	    strstr(b->faults.text.data, arena_printf(b->arena, "/%s: secrets.keks: ", name)) == NULL)
		fail_msg("expected %s, found %s", why, b->faults.text.data);
	assert_null(strstr(b->faults.text.data, "0011"));
}

static void keys_are_read_in_order(void **state)
{
	static const char *const both[] = { "second", "first" };
	struct bench *b = *state;

	write_key(b, "first", ONE "\n", 0400);
	write_key(b, "second", TWO, 0600);
	assert_true(load(b, both, 2));
	assert_int_equal(2, b->config.keks.n);
	assert_string_equal("second", b->config.keks.v[0].id);
	assert_int_equal(0xff, b->config.keks.v[0].key[0]);
	assert_int_equal(0xaa, b->config.keks.v[1].key[10]);
	assert_true(load(b, both, 0));
	assert_int_equal(0, b->config.keks.n);
}

static void others_must_not_read_them(void **state)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0601, 0700, 0440 };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_key(b, "k", ONE, bad[i]);
		expect_fault(b, "k", "and must be 0400 or 0600");
	}
}

/* systemd's copies are readable for a group of one. */
static void credentials_may_show_rights_of_the_group(void **state)
{
	static const char *const name[] = { "k" };
	struct bench *b = *state;

	write_key(b, "k", ONE, 0440);
	assert_int_equal(0, setenv("CREDENTIALS_DIRECTORY", b->folder, 1));
	assert_true(load(b, name, 1));
	write_key(b, "k", ONE, 0444);
	expect_fault(b, "k", "and must be 0400 or 0600");
	assert_int_equal(0, unsetenv("CREDENTIALS_DIRECTORY"));
}

static void what_is_no_key_is_named(void **state)
{
	static const char *const twins[] = { "k", "twin" };
	struct bench *b = *state;

	expect_fault(b, "absent", "No such file");
	expect_fault(b, ".", "it is no file");
	write_key(b, "k", "", 0600);
	expect_fault(b, "k", "64 hexadecimal digits");
	write_key(b, "k", ONE "0", 0600);
	expect_fault(b, "k", "64 hexadecimal digits");
	write_key(b, "k", "0011 " ONE, 0600);
	expect_fault(b, "k", "64 hexadecimal digits");
	write_key(b, "k", ONE, 0600);
	write_key(b, "twin", ONE "\r\n", 0600);
	assert_false(load(b, twins, 2));
	assert_non_null(strstr(b->faults.text.data, "is the same key as k"));
	b->config.secrets.kek_folder = NULL;
	config_load_keks(b->arena, &b->config, &b->faults);
	assert_non_null(strstr(b->faults.text.data, "secrets.kek_folder: is required"));
}

static bool load_list(struct bench *b, const char *text)
{
	char *path = temp_path(b->folder, "list");

	temp_write(path, text);
	b->config.domains.key_blocklist = arena_strdup(b->arena, path);
	config_faults_init(&b->faults, b->arena);
	config_load_blocklist(b->arena, &b->config, &b->faults);
	free(path);
	return b->faults.n == 0;
}

static void the_blocklist_is_read_in_order(void **state)
{
	struct bench *b = *state;

	assert_true(load_list(b, "# keys of others\n" TWO "\n\n" ONE "\r\n"));
	assert_int_equal(2, b->config.blocked_keys->n);
	assert_int_equal(0x00, b->config.blocked_keys->v[0][0]);
	assert_int_equal(0xff, b->config.blocked_keys->v[1][0]);
	assert_true(load_list(b, ""));
	assert_int_equal(0, b->config.blocked_keys->n);
	assert_false(load_list(b, ONE "\nnothing\n"));
	assert_non_null(strstr(b->faults.text.data, "list:2: domains.key_blocklist: must be 64"));
	assert_false(load_list(b, ONE TWO));
	b->config.domains.key_blocklist = "/nowhere/at/all";
	config_load_blocklist(b->arena, &b->config, &b->faults);
	assert_non_null(strstr(b->faults.text.data, "domains.key_blocklist: cannot be read: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_are_read_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(others_must_not_read_them, setup, teardown),
		cmocka_unit_test_setup_teardown(credentials_may_show_rights_of_the_group, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_key_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(the_blocklist_is_read_in_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
