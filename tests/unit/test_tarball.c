/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "temp.h"
#include "cc/store/tarball.h"

static int set_up(void **state)
{
	*state = arena_create(4096);
	return 0;
}

static int tear_down(void **state)
{
	arena_destroy(*state);
	return 0;
}

static const unsigned char *make(struct arena *a, const char *deep, size_t *ret_n)
{
	struct tarball *t = tarball_begin(a);

	tarball_add(t, ".manifest", "{}", 2);
	tarball_add(t, deep, "package a\n", 10);
	tarball_add(t, "data.json", "", 0);
	return tarball_end(t, ret_n);
}

static void the_same_files_are_the_same_bytes(void **state)
{
	size_t n, m;
	const unsigned char *first = make(*state, "a/1.rego", &n), *second;

	temp_sleep_ms(1100); /* what has a time in it has it in seconds */
	second = make(*state, "a/1.rego", &m);
	assert_int_equal(n, m);
	assert_memory_equal(first, second, n);
	/* gzip, deflate, no name and no time */
	assert_memory_equal("\x1f\x8b\x08\x00\x00\x00\x00\x00", first, 8);
}

static void others_read_what_was_written(void **state)
{
	static const char *const names[] = { ".manifest", NULL, "data.json" };
	static const char *const texts[] = { "{}", "package a\n", "" };
	char deep[301];
	struct archive *in = archive_read_new();
	struct archive_entry *e;
	const unsigned char *p;
	size_t n;

	memset(deep, 'd', sizeof(deep) - 1);
	for (size_t i = 20; i < 300; i += 21)
		deep[i] = '/';
	deep[300] = '\0';
	p = make(*state, deep, &n);
	assert_int_equal(ARCHIVE_OK, archive_read_support_filter_gzip(in));
	assert_int_equal(ARCHIVE_OK, archive_read_support_format_tar(in));
	assert_int_equal(ARCHIVE_OK, archive_read_open_memory(in, p, n));
	for (size_t i = 0; i < 3; i++) {
		char text[32] = "";

		assert_int_equal(ARCHIVE_OK, archive_read_next_header(in, &e));
		assert_string_equal(names[i] != NULL ? names[i] : deep, archive_entry_pathname(e));
		assert_int_equal(0, archive_entry_mtime(e));
		assert_int_equal(0, archive_entry_uid(e));
		assert_int_equal(strlen(texts[i]), archive_read_data(in, text, sizeof(text) - 1));
		assert_string_equal(texts[i], text);
	}
	assert_int_equal(ARCHIVE_EOF, archive_read_next_header(in, &e));
	archive_read_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_files_are_the_same_bytes),
		cmocka_unit_test(others_read_what_was_written),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
