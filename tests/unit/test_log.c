/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"

struct fixture {
	int in, out;            /* a pipe: the log writes to out */
};

static int setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fx->in = ends[0];
	fx->out = ends[1];
	*state = fx;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fx = *state;

	log_stop();
	close(fx->in);
	close(fx->out);
	free(fx);
	return 0;
}

/* Reads until `lines` newlines were seen; malloc'ed. */
static char *read_lines(int fd, size_t lines)
{
	size_t n = 0, cap = 1 << 16, seen = 0;
	char *text = malloc(cap + 1);

	while (seen < lines) {
		if (n == cap) {
			char *more = realloc(text, (cap *= 2) + 1);

			assert_non_null(more);
			text = more;
		}
		assert_int_equal(read(fd, text + n, 1), 1);
		seen += text[n++] == '\n';
	}
	text[n] = '\0';
	return text;
}

static void lines_are_written_in_their_order(void **state)
{
	struct fixture *fx = *state;
	char *text, *at;

	assert_true(log_start(fx->out, LOG_INFO));
	for (int i = 0; i < 200; i++)
		LOG(LOG_INFO, "m", LOG_INT("i", i));
	text = read_lines(fx->in, 200);
	at = text;
	for (int i = 0; i < 200; i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "\"i\":%d}\n", i);
		at = strstr(at, expected);
		assert_non_null(at);
	}
	free(text);
}

/* The journal takes the priority off, and the line is JSON again. */
static void the_journal_is_told_the_priority(void **state)
{
	struct fixture *fx = *state;
	struct stat st;
	char own[64], *text;

	assert_int_equal(fstat(fx->out, &st), 0);
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", own, 1), 0);
	assert_true(log_start(fx->out, LOG_DEBUG));
	LOG0(LOG_ERROR, "one");
	LOG0(LOG_WARN, "two");
	LOG0(LOG_INFO, "three");
	LOG0(LOG_DEBUG, "four");
	text = read_lines(fx->in, 4);
	assert_memory_equal("<3>{\"ts\"", text, 8);
	assert_non_null(strstr(text, "\n<4>{\"ts\""));
	assert_non_null(strstr(text, "\n<6>{\"ts\""));
	assert_non_null(strstr(text, "\n<7>{\"ts\""));
	free(text);
	log_stop();
	/* Another's, when the output was sent elsewhere. */
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + 1);
	assert_int_equal(setenv("JOURNAL_STREAM", own, 1), 0);
	assert_true(log_start(fx->out, LOG_INFO));
	LOG0(LOG_INFO, "five");
	text = read_lines(fx->in, 1);
	assert_memory_equal("{\"ts\"", text, 5);
	free(text);
	unsetenv("JOURNAL_STREAM");
}

static void stopping_writes_what_is_queued(void **state)
{
	struct fixture *fx = *state;
	char *text;

	assert_true(log_start(fx->out, LOG_INFO));
	for (int i = 0; i < 100; i++)
		LOG0(LOG_INFO, "m");
	log_stop();
	/* The writer is gone, so this ends only when the lines are in the pipe already. */
	text = read_lines(fx->in, 100);
	free(text);
}

static void lines_above_the_level_are_not_written(void **state)
{
	struct fixture *fx = *state;
	char *text;

	assert_true(log_start(fx->out, LOG_WARN));
	LOG0(LOG_DEBUG, "one");
	LOG0(LOG_INFO, "two");
	LOG0(LOG_WARN, "three");
	LOG0(LOG_ERROR, "four");
	text = read_lines(fx->in, 2);
	assert_null(strstr(text, "one"));
	assert_null(strstr(text, "two"));
	assert_non_null(strstr(text, "three"));
	assert_non_null(strstr(text, "four"));
	free(text);
}

static void it_starts_once_and_again_after_a_stop(void **state)
{
	struct fixture *fx = *state;

	assert_true(log_start(fx->out, LOG_INFO));
	assert_false(log_start(fx->out, LOG_INFO));
	log_stop();
	log_stop();
	assert_true(log_start(fx->out, LOG_INFO));
	LOG0(LOG_INFO, "again");
	free(read_lines(fx->in, 1));
}

static void before_the_start_lines_go_to_stderr(void **state)
{
	struct fixture *fx = *state;
	int saved = dup(STDERR_FILENO);
	char *text;

	dup2(fx->out, STDERR_FILENO);
	LOG(LOG_ERROR, "early", LOG_TEXT("k", "v"));
	dup2(saved, STDERR_FILENO);
	close(saved);
	text = read_lines(fx->in, 1);
	assert_non_null(strstr(text, "\"msg\":\"early\",\"k\":\"v\"}\n"));
	free(text);
}

struct tally {
	long lines, dropped;
};

/* Reads until lines and dropped ones together are `total`. */
static struct tally tally_until(int fd, long total)
{
	struct tally t = { 0, 0 };

	while (t.lines + t.dropped < total) {
		char *line = read_lines(fd, 1);
		const char *dropped = strstr(line, "\"dropped\":");

		if (dropped != NULL)
			t.dropped += strtol(dropped + strlen("\"dropped\":"), NULL, 10);
		else
			t.lines++;
		free(line);
	}
	return t;
}

static void a_full_pipe_costs_lines_which_are_counted(void **state)
{
	struct fixture *fx = *state;
	const long total = 20000;
	struct tally t;

	assert_true(log_start(fx->out, LOG_INFO));
	/* Nobody reads: 64 KiB go to the pipe, a MiB to the ring. This ends because no call waits. */
	for (long i = 0; i < total; i++)
		LOG(LOG_INFO, "a line of some length, as they are in practice", LOG_INT("i", i));
	t = tally_until(fx->in, total);
	assert_int_equal(t.lines + t.dropped, total);
	assert_true(t.dropped > 0);
	assert_true(t.lines > 5000);
	LOG0(LOG_INFO, "and on it goes");
	t = tally_until(fx->in, 1);
	assert_int_equal(t.lines, 1);
}

static void *log_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < 1000; i++)
		LOG(LOG_INFO, "from a thread", LOG_INT("i", i));
	return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
	struct fixture *fx = *state;
	pthread_t t[4];
	char *text, *line;
	int n = 0;

	assert_true(log_start(fx->out, LOG_INFO));
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, log_many, NULL), 0);
	text = read_lines(fx->in, 4000);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		assert_memory_equal(line, "{\"ts\":\"", 7);
		assert_int_equal(strchr(line, '\n')[-1], '}');
		n++;
	}
	assert_int_equal(n, 4000);
	free(text);
}

static void a_file_gets_every_line_whole(void **state)
{
	FILE *file = tmpfile();
	long size;
	char *text;
	int n = 0;

	(void)state;
	assert_non_null(file);
	assert_true(log_start(fileno(file), LOG_INFO));
	for (int i = 0; i < 3000; i++)
		LOG(LOG_INFO, "a line of some length, as they are in practice", LOG_INT("i", i));
	log_stop();
	size = lseek(fileno(file), 0, SEEK_END);
	assert_true(size > 200000);
	text = malloc((size_t)size + 1);
	assert_int_equal(pread(fileno(file), text, (size_t)size, 0), size);
	text[size] = '\0';
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_int_equal(n, 3000);
	free(text);
	fclose(file);
}

static void a_reader_that_is_gone_does_not_hold_up_the_stop(void **state)
{
	struct fixture *fx = *state;
	int64_t before;

	assert_true(log_start(fx->out, LOG_INFO));
	close(fx->in);
	fx->in = open("/dev/null", O_RDONLY);
	LOG0(LOG_INFO, "for nobody");
	before = clock_mono_ms();
	log_stop();
	/* Two seconds of trying; the rest is for a slow machine. It must end, and not by SIGPIPE. */
	assert_true(clock_mono_ms() - before < 30000);
}

/* More than a pipe holds: until somebody reads, it is not written. */
static void a_flush_waits_for_what_is_queued_and_not_for_ever(void **state)
{
	enum { LINES = 2000 };
	struct fixture *fx = *state;
	int64_t from;

	assert_true(log_start(fx->out, LOG_INFO));
	log_flush(10000);
	LOG0(LOG_INFO, "one");
	log_flush(10000);
	assert_int_equal(0, fcntl(fx->in, F_SETFL, O_NONBLOCK));
	assert_true(read(fx->in, (char[4096]){ 0 }, 4096) > 0);
	assert_int_equal(0, fcntl(fx->in, F_SETFL, 0));
	for (int i = 0; i < LINES; i++)
		LOG(LOG_INFO, "m", LOG_INT("i", i));
	from = clock_mono_ms();
	log_flush(50);
	assert_true(clock_mono_ms() - from >= 50);
	free(read_lines(fx->in, LINES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_flush_waits_for_what_is_queued_and_not_for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_are_written_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(the_journal_is_told_the_priority, setup, teardown),
		cmocka_unit_test_setup_teardown(stopping_writes_what_is_queued, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_above_the_level_are_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(it_starts_once_and_again_after_a_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(before_the_start_lines_go_to_stderr, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_pipe_costs_lines_which_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_do_not_mix_their_lines, setup, teardown),
		cmocka_unit_test(a_file_gets_every_line_whole),
		cmocka_unit_test_setup_teardown(
			a_reader_that_is_gone_does_not_hold_up_the_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
