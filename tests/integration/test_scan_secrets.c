/* SPDX-License-Identifier: Apache-2.0 */
/* scan-secrets: finds real keys wherever they lie, shows none of them. */
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

#include "temp.h"

#include "cc/base/arena.h"
#include "cc/crypto/apikey.h"

#define WAIT_MS 60000

struct desk {
	struct arena *arena;
	char *folder;
	const char *live, *op;
	struct apikey live_key, op_key;
	const char *live_shown, *op_shown;
	struct temp_run run;
};

static int open_desk(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));

	d->arena = arena_create(4096);
	d->folder = temp_folder("scan");
	d->live = apikey_new(d->arena, APIKEY_LIVE, &d->live_key, &d->live_shown);
	d->op = apikey_new(d->arena, APIKEY_OPERATOR, &d->op_key, &d->op_shown);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	temp_run_free(&d->run);
	temp_remove(d->folder);
	arena_destroy(d->arena);
	free(d);
	return 0;
}

static const char *put(struct desk *d, const char *name, const void *bytes, size_t n)
{
	const char *path = arena_printf(d->arena, "%s/%s", d->folder, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(n, fwrite(bytes, 1, n, f));
	assert_int_equal(0, fclose(f));
	return path;
}

static const char *put_text(struct desk *d, const char *name, const char *text)
{
	return put(d, name, text, strlen(text));
}

/* Whatever is found: no key is on the screen. */
static void scan(struct desk *d, int status, const char *path)
{
	const char *const argv[] = { getenv("CC_BIN"), "scan-secrets", path, NULL };

	if (d->run.out != NULL)
		temp_run_free(&d->run);
	d->run = temp_run(argv, NULL, WAIT_MS);
	if (d->run.status != status)
		fail_msg("expected %d, got %d: %s%s", status, d->run.status, d->run.out, d->run.err);
	assert_null(strstr(d->run.out, d->live + 20));
	assert_null(strstr(d->run.out, d->op + 18));
}

static void expect_found(struct desk *d, const char *path, int line, int column, const struct apikey *key,
			 const char *shown)
{
	const char *text = arena_printf(d->arena, "%s:%d:%d: key-%s (%s)\n", path, line, column, key->id,
					shown);

	if (strstr(d->run.out, text) == NULL)
		fail_msg("expected: %sgot: %s", text, d->run.out);
}

static size_t lines(const struct desk *d)
{
	size_t n = 0;

	for (const char *p = d->run.out; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

static void a_key_is_found_where_it_stands(void **state)
{
	struct desk *d = *state;
	const char *text = arena_printf(d->arena, "A=1\nKEY=%s\n\n\"%s\"%s", d->live, d->op, d->live);
	const char *path = put_text(d, "env", text);

	scan(d, 1, path);
	expect_found(d, path, 2, 5, &d->live_key, d->live_shown);
	expect_found(d, path, 4, 2, &d->op_key, d->op_shown);
	expect_found(d, path, 4, 57, &d->live_key, d->live_shown);
	assert_int_equal(3, lines(d));
}

static void without_a_key_there_is_nothing_to_say(void **state)
{
	struct desk *d = *state;
	char *wrong = arena_strdup(d->arena, d->live);

	wrong[30] = wrong[30] == 'a' ? 'b' : 'a';
	scan(d, 0, put_text(d, "clean", arena_printf(d->arena, "cc_live_\n%s\ncc_op_x", wrong)));
	assert_string_equal("", d->run.out);
	scan(d, 0, put_text(d, "empty", ""));
	scan(d, 0, d->folder);
}

/* Bytes that are no text, lines without end, and keys across the seams of what is read at once. */
static void bytes_and_long_lines_are_looked_through(void **state)
{
	struct desk *d = *state;
	const size_t n = 400000, seam = 65536;
	char *bytes = arena_alloc(d->arena, n);
	const char *path;

	for (size_t off = 0; off <= 60; off += 5) {
		memset(bytes, '\0', n);
		memset(bytes + 1000, 0xff, 1000);
		memcpy(bytes + seam - off, d->op, strlen(d->op));
		memcpy(bytes + 3 * seam - off, d->live, strlen(d->live));
		memcpy(bytes + n - strlen(d->live), d->live, strlen(d->live));
		path = put(d, "blob", bytes, n);
		scan(d, 1, path);
		expect_found(d, path, 1, (int)(seam - off) + 1, &d->op_key, d->op_shown);
		expect_found(d, path, 1, (int)(3 * seam - off) + 1, &d->live_key, d->live_shown);
		expect_found(d, path, 1, (int)(n - strlen(d->live)) + 1, &d->live_key, d->live_shown);
		assert_int_equal(3, lines(d));
	}
}

static void lines_are_counted_through_a_large_file(void **state)
{
	struct desk *d = *state;
	const size_t n = 30000;
	char *text = arena_alloc(d->arena, 8 * n + 200);

	for (size_t i = 0; i < n; i++)
		memcpy(text + 8 * i, "1234567\n", 8);
	(void)snprintf(text + 8 * n, 200, "  %s\n", d->live);
	put(d, "long", text, strlen(text));
	scan(d, 1, d->folder);
	expect_found(d, arena_printf(d->arena, "%s/long", d->folder), (int)n + 1, 3, &d->live_key,
		     d->live_shown);
}

static void a_folder_is_walked_and_links_are_not(void **state)
{
	struct desk *d = *state;
	const char *tree = arena_printf(d->arena, "%s/tree", d->folder);
	const char *inner = arena_printf(d->arena, "%s/tree/a/.hidden", d->folder), *secret;

	assert_int_equal(0, mkdir(tree, 0755));
	assert_int_equal(0, mkdir(arena_printf(d->arena, "%s/a", tree), 0755));
	secret = put_text(d, "outside", d->op);
	assert_int_equal(0, symlink(secret, arena_printf(d->arena, "%s/link", tree)));
	assert_int_equal(0, symlink(d->folder, arena_printf(d->arena, "%s/up", tree)));
	assert_int_equal(0, mkfifo(arena_printf(d->arena, "%s/pipe", tree), 0600));
	scan(d, 0, tree);
	assert_non_null(strstr(d->run.err, "tree/pipe: it is not a regular file"));
	scan(d, 66, arena_printf(d->arena, "%s/pipe", tree));
	assert_non_null(strstr(d->run.err, "tree/pipe: it is not a regular file"));
	put_text(d, "tree/a/.hidden", d->live);
	scan(d, 1, tree);
	assert_int_equal(1, lines(d));
	expect_found(d, inner, 1, 1, &d->live_key, d->live_shown);
	/* A link that is named is meant. */
	scan(d, 1, arena_printf(d->arena, "%s/link", tree));
	expect_found(d, secret, 1, 1, &d->op_key, d->op_shown);
}

static void a_name_is_no_command_to_the_terminal(void **state)
{
	struct desk *d = *state;

	put_text(d, "a\033[2J\nb", d->live);
	scan(d, 1, d->folder);
	assert_null(strchr(d->run.out, '\033'));
	assert_non_null(strstr(d->run.out, "a?[2J?b:1:1: key-"));
}

static void what_cannot_be_read_is_said(void **state)
{
	struct desk *d = *state;
	const char *const none[] = { getenv("CC_BIN"), "scan-secrets", NULL };
	const char *const two[] = { getenv("CC_BIN"), "scan-secrets", "/a", "/b", NULL };
	struct temp_run r;

	scan(d, 66, "/nonexistent");
	assert_non_null(strstr(d->run.err, "cannot read /nonexistent"));
	r = temp_run(none, NULL, WAIT_MS);
	assert_int_equal(64, r.status);
	assert_non_null(strstr(r.err, "usage: controlcored scan-secrets PATH"));
	temp_run_free(&r);
	r = temp_run(two, NULL, WAIT_MS);
	assert_int_equal(64, r.status);
	temp_run_free(&r);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_key_is_found_where_it_stands),
		CASE(without_a_key_there_is_nothing_to_say),
		CASE(bytes_and_long_lines_are_looked_through),
		CASE(lines_are_counted_through_a_large_file),
		CASE(a_folder_is_walked_and_links_are_not),
		CASE(a_name_is_no_command_to_the_terminal),
		CASE(what_cannot_be_read_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
