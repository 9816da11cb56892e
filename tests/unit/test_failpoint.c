/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/failpoint.h"
#include "temp.h"

static void *pass_one(void *name)
{
	failpoint_pass(name);
	return NULL;
}

static void pass_all(const char *points, int told)
{
	char text[200], *rest = NULL;

	snprintf(text, sizeof(text), "%s", points);
	for (char *p = strtok_r(text, " ", &rest); p != NULL; p = strtok_r(NULL, " ", &rest)) {
		failpoint_pass(p);
		if (write(told, ".", 1) != 1)
			_exit(1);
	}
}

/* At which of these points, separated by blanks, a process that is armed so dies; 0: at none. */
static int dies_at(const char *armed, const char *points)
{
	int status = 0, told[2], passed = 0;
	char c;

	assert_int_equal(0, pipe(told));
	const pid_t pid = fork();
	if (pid == 0) {
		setenv("CC_FAILPOINT", armed, 1);
		pass_all(points, told[1]);
		_exit(0);
	}
	close(told[1]);
	while (read(told[0], &c, 1) == 1)
		passed++;
	close(told[0]);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	if (WIFEXITED(status))
		return 0;
	assert_int_equal(SIGKILL, WTERMSIG(status));
	return passed + 1;
}

static void nothing_is_armed_by_anything_else(void **state)
{
	(void)state;
	assert_int_equal(0, dies_at("", "a b"));
	assert_int_equal(0, dies_at("a", "a b"));
	assert_int_equal(0, dies_at("c:1", "a b"));
	assert_int_equal(0, dies_at("@/nowhere/at/all", "a b"));
}

static void the_nth_passage_is_the_last(void **state)
{
	(void)state;
	assert_int_equal(1, dies_at("a:1", "a b a"));
	assert_int_equal(3, dies_at("a:2", "a b a"));
	assert_int_equal(0, dies_at("a:3", "a b a"));
}

static void a_pattern_means_many(void **state)
{
	(void)state;
	assert_int_equal(2, dies_at("*:2", "a b"));
	assert_int_equal(3, dies_at("db.*:2", "db.ask x db.asked"));
	assert_int_equal(2, dies_at("[!d]*:1", "db.ask x db.asked"));
}

static void counting_begins_after_the_start(void **state)
{
	(void)state;
	assert_int_equal(4, dies_at("go+a:1", "a a go a"));
	assert_int_equal(4, dies_at("go+*:1", "a a go b"));
	assert_int_equal(0, dies_at("go+a:1", "a a b a"));
}

/* Each thread has its own start. */
static void another_thread_does_not_count(void **state)
{
	const pid_t pid = fork();
	int status = 0;
	pthread_t t;

	(void)state;
	if (pid == 0) {
		setenv("CC_FAILPOINT", "go+a:1", 1);
		failpoint_pass("go");
		if (pthread_create(&t, NULL, pass_one, (void *)(uintptr_t) "a") == 0 &&
			pthread_join(t, NULL) == 0)
			_exit(7);
		_exit(1);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void a_file_arms_while_it_is_there(void **state)
{
	char *folder = temp_folder("cc-failpoint"), *path = temp_path(folder, "armed"), armed[300];

	(void)state;
	snprintf(armed, sizeof(armed), "@%s", path);
	assert_int_equal(0, dies_at(armed, "a b"));
	temp_write(path, "b:1");
	assert_int_equal(2, dies_at(armed, "a b"));
	unlink(path);
	assert_int_equal(0, dies_at(armed, "a b"));
	free(path);
	temp_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_armed_by_anything_else),
		cmocka_unit_test(the_nth_passage_is_the_last),
		cmocka_unit_test(a_pattern_means_many),
		cmocka_unit_test(counting_begins_after_the_start),
		cmocka_unit_test(another_thread_does_not_count),
		cmocka_unit_test(a_file_arms_while_it_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
