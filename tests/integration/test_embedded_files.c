/* SPDX-License-Identifier: Apache-2.0 */
/* serve --embedded: the files it makes are whole or not there, and what is in its way is named. */
#define _GNU_SOURCE /* asprintf */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "instance.h"
#include "temp.h"

#define SECRET_LEN 65 /* 64 hexadecimal digits and a newline */

static struct temp_run serve(const char *dir, const char *entry)
{
	const char *const argv[] = { getenv("CC_BIN"), "serve", "--embedded", dir, "--listen", "127.0.0.1:0",
		NULL };
	const char *const env[] = { entry, NULL };

	return temp_run(argv, env, WAIT_MS);
}

/* It ends with this status and says this. */
static void expect(const char *dir, int status, const char *text)
{
	struct temp_run r = serve(dir, NULL);

	if (r.status != status || strstr(r.err, text) == NULL) {
		print_error("expected %d, \"%s\"\ngot %d, %s\n", status, text, r.status, r.err);
		fail();
	}
	temp_run_free(&r);
}

/* How many files of a folder have their name; none of these is shorter than it shall be. */
static int whole_in(const struct instance *in, const char *folder, int *ret_unfinished)
{
	char *path = temp_path(in->dir, folder);
	DIR *d = opendir(path);
	int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		struct stat st;

		if (e->d_name[0] == '.')
			continue;
		if (strstr(e->d_name, ".new") != NULL) {
			++*ret_unfinished;
			continue;
		}
		assert_int_equal(0, fstatat(dirfd(d), e->d_name, &st, 0));
		if (S_ISDIR(st.st_mode))
			continue;
		assert_int_equal(SECRET_LEN, st.st_size);
		assert_int_equal(0600, st.st_mode & 07777);
		n++;
	}
	closedir(d);
	free(path);
	return n;
}

static int whole_secrets(const struct instance *in, int *ret_unfinished)
{
	*ret_unfinished = 0;
	return whole_in(in, "secrets", ret_unfinished) + whole_in(in, "secrets/keks", ret_unfinished);
}

static void die_at(const struct instance *in, const char *failpoint)
{
	char *entry = NULL;

	assert_true(asprintf(&entry, "CC_FAILPOINT=%s", failpoint) > 0);
	struct temp_run r = serve(in->dir, entry);
	if (r.status != 128 + SIGKILL)
		print_error("%s: status %d\n%s\n", failpoint, r.status, r.err);
	assert_int_equal(128 + SIGKILL, r.status);
	temp_run_free(&r);
	free(entry);
}

/* Each start dies one file later, before or after it is written; the next one takes up what is there. */
static void killed_start_leaves_no_half_file(void **state)
{
	static const struct {
		const char *failpoint;
		int whole;
	} deaths[] = {
		{ "private.opened:1", 0 },
		{ "private.written:1", 0 },
		{ "private.opened:2", 1 },
		{ "private.written:2", 2 },
		{ "private.opened:2", 3 },
		{ "private.written:2", 4 },
	};
	struct instance *in = *state;
	int unfinished;

	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		die_at(in, deaths[i].failpoint);
		assert_int_equal(deaths[i].whole, whole_secrets(in, &unfinished));
		assert_int_equal(1, unfinished);
	}
	/* The last secret, and then the operator's key. */
	die_at(in, "private.written:2");
	assert_int_equal(5, whole_secrets(in, &unfinished));
	assert_int_equal(0, unfinished);
	char *key = temp_path(in->dir, "operator.key");
	assert_int_equal(-1, access(key, F_OK));
	instance_launch(in);
	assert_int_equal(0600, instance_mode(in, "operator.key"));
	instance_tenant(in, "whole", "us-east-1");
	instance_stop(in);
	free(key);
}

static void make_folder(const struct instance *in, const char *name)
{
	char *path = temp_path(in->dir, name);

	assert_int_equal(0, mkdir(path, 0700));
	free(path);
}

static void damaged_secret_is_named_with_the_way_out(void **state)
{
	struct instance *in = *state;
	char *fault = NULL, *pepper = temp_path(in->dir, "secrets/pepper");

	assert_int_equal(0, mkdir(in->dir, 0711));
	make_folder(in, "secrets");
	assert_true(asprintf(&fault, "\n%s: secrets.pepper: expected text of 32 to", pepper) > 0);
	temp_write(pepper, "half\n");
	expect(in->dir, 78, fault);
	expect(in->dir, 78, "nothing is stored yet, remove the file and the next start makes it anew\n");
	temp_write(pepper, "");
	expect(in->dir, 78, fault);
	make_folder(in, "postgres");
	expect(in->dir, 78, "put the file back as it was, what is stored was made with it\n");
	free(fault);
	free(pepper);
}

/* Only who finds another instance at work is told to come back later. */
static void place_that_cannot_be_made_ends_with_73(void **state)
{
	struct instance *in = *state;
	char *fault = NULL, *below = temp_path(in->dir, "deeper/down");

	temp_write(in->dir, "a file\n");
	assert_true(asprintf(&fault, "cannot open %s/lock: Not a directory", in->dir) > 0);
	expect(in->dir, 73, fault);
	free(fault);
	assert_true(asprintf(&fault, "cannot make %s: Not a directory", below) > 0);
	expect(below, 73, fault);
	free(fault);
	free(below);
	assert_int_equal(0, unlink(in->dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			killed_start_leaves_no_half_file, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			damaged_secret_is_named_with_the_way_out, instance_setup, instance_teardown),
		cmocka_unit_test_setup_teardown(
			place_that_cannot_be_made_ends_with_73, instance_setup, instance_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
