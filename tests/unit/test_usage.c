/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of usage: every count is in exactly one batch, whatever dies when, and has one number. */
#include <dirent.h>
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

#include "cc/base/bytes.h"
#include "cc/base/map.h"
#include "cc/core/usage.h"
#include "temp.h"

/* What a database would have: the last number of each boot, and the sum. */
struct books {
	struct map *seen;
	int64_t sum, lines, batches, repeated;
};

struct bench {
	struct arena *arena;
	char *folder;
	struct books books;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->arena = arena_create(65536);
	b->folder = temp_folder("usage");
	b->books.seen = map_create();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	map_destroy(b->books.seen, free);
	arena_destroy(b->arena);
	temp_remove(b->folder);
	free(b);
	return 0;
}

static struct usage *open_in(struct bench *b)
{
	const char *error = NULL;
	struct usage *u = usage_open(b->arena, b->folder, &error);

	if (u == NULL)
		fail_msg("%s", error);
	return u;
}

/* As the query does: a number that is not greater than the last adds nothing. */
static void apply(struct books *k, const struct usage_batch *b)
{
	const int64_t *last = map_get(k->seen, b->boot);
	int64_t *now;

	if (last != NULL && *last >= b->seq) {
		k->repeated++;
		return;
	}
	now = malloc(sizeof(*now));
	*now = b->seq;
	free(map_set(k->seen, b->boot, now));
	k->batches++;
	for (size_t i = 0; i < b->n; i++)
		k->sum += b->lines[i]->quantity;
	k->lines += (int64_t)b->n;
}

static void send_all(struct bench *b, struct usage *u)
{
	struct usage_batch batch;

	while (usage_next(u, b->arena, &batch)) {
		apply(&b->books, &batch);
		usage_settle(u, &batch);
	}
}

static int files_in(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;

	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void counts_of_one_key_are_one_line(void **state)
{
	struct bench *b = *state;
	struct usage *u = open_in(b);
	struct usage_batch batch;

	assert_false(usage_next(u, b->arena, &batch));
	for (int i = 0; i < 10; i++)
		assert_true(usage_count(u, "tenant-a", USAGE_API_CALLS, "/policies 2xx", 1));
	usage_count(u, "tenant-a", USAGE_API_CALLS, "/policies 4xx", 1);
	usage_count(u, "tenant-a", USAGE_BOUNCER_REQUESTS, "production", 700);
	usage_count(u, "tenant-b", USAGE_API_CALLS, "/policies 2xx", 5);
	assert_true(usage_next(u, b->arena, &batch));
	assert_int_equal(4, batch.n);
	assert_string_equal("tenant-a", batch.lines[0]->tenant);
	assert_string_equal("/policies 2xx", batch.lines[0]->detail);
	assert_int_equal(10, batch.lines[0]->quantity);
	assert_int_equal(0, batch.lines[0]->hour % 3600);
	usage_settle(u, &batch);
	assert_false(usage_next(u, b->arena, &batch));
	usage_close(u);
	assert_int_equal(0, files_in(b->folder));
}

static void what_is_not_settled_is_sent_again_as_it_was(void **state)
{
	struct bench *b = *state;
	struct usage *u = open_in(b);
	struct usage_batch first, again;

	usage_count(u, "tenant-a", USAGE_API_CALLS, "/users 2xx", 3);
	assert_true(usage_next(u, b->arena, &first));
	usage_count(u, "tenant-a", USAGE_API_CALLS, "/users 2xx", 4);
	assert_true(usage_next(u, b->arena, &again));
	assert_int_equal(first.seq, again.seq);
	assert_int_equal(3, again.lines[0]->quantity);
	usage_settle(u, &again);
	assert_true(usage_next(u, b->arena, &again));
	assert_true(again.seq > first.seq);
	assert_int_equal(4, again.lines[0]->quantity);
	usage_close(u);
	assert_int_equal(1, files_in(b->folder));
}

/* 20,000 keys where 6,144 have a place of their own. */
static void nothing_is_lost_when_room_is_scarce(void **state)
{
	struct bench *b = *state;
	struct usage *u = open_in(b);
	bool room = true;
	char tenant[32], detail[32];

	for (int t = 0; t < 200; t++)
		for (int i = 0; i < 100; i++) {
			snprintf(tenant, sizeof(tenant), "tenant-%d", t);
			snprintf(detail, sizeof(detail), "/family-%d 2xx", i);
			room = usage_count(u, tenant, USAGE_API_CALLS, detail, 1) && room;
		}
	assert_false(room);
	assert_int_equal(0, usage_lost(u));
	send_all(b, u);
	assert_int_equal(200 * 100, b->books.sum);
	assert_true(b->books.lines < 200 * 100);
	usage_close(u);
}

static void by_tenant_it_is_right_also_then(void **state)
{
	struct bench *b = *state;
	struct usage *u = open_in(b);
	int64_t of[50] = { 0 };
	struct usage_batch batch;
	char tenant[32], detail[32];

	for (int i = 0; i < 400; i++)
		for (int t = 0; t < 50; t++) {
			snprintf(tenant, sizeof(tenant), "tenant-%d", t);
			snprintf(detail, sizeof(detail), "/family-%d 2xx", i);
			usage_count(u, tenant, USAGE_API_CALLS, detail, t + 1);
		}
	assert_true(usage_next(u, b->arena, &batch));
	for (size_t i = 0; i < batch.n; i++)
		of[strtol(batch.lines[i]->tenant + strlen("tenant-"), NULL, 10)] += batch.lines[i]->quantity;
	for (int t = 0; t < 50; t++)
		assert_int_equal(400 * (t + 1), of[t]);
	usage_close(u);
}

enum { THREADS = 8, EACH = 20000 };

static void *count_many(void *arg)
{
	for (int i = 0; i < EACH; i++)
		usage_count(arg, i % 2 ? "tenant-a" : "tenant-b", USAGE_API_CALLS, "/policies 2xx", 1);
	return NULL;
}

static void threads_count_while_batches_go(void **state)
{
	struct bench *b = *state;
	struct usage *u = open_in(b);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, count_many, u));
	for (int i = 0; i < 200; i++)
		send_all(b, u);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	send_all(b, u);
	assert_int_equal(THREADS * EACH, b->books.sum);
	usage_close(u);
}

/* In a process that ends without a word. */
static void die_counting(struct bench *b, int n)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct usage *u = open_in(b);

		for (int i = 0; i < n; i++)
			usage_count(u, "tenant-a", USAGE_API_CALLS, "/policies 2xx", 1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFSIGNALED(status));
}

static void the_next_start_takes_over_what_the_dead_have_counted(void **state)
{
	struct bench *b = *state;

	die_counting(b, 5);
	die_counting(b, 3);
	assert_int_equal(2, files_in(b->folder));
	struct usage *u = open_in(b);
	send_all(b, u);
	assert_int_equal(8, b->books.sum);
	usage_close(u);
	assert_int_equal(0, files_in(b->folder));
}

static void the_living_are_left_alone(void **state)
{
	struct bench *b = *state;
	struct usage *one = open_in(b), *two = open_in(b);

	usage_count(one, "tenant-a", USAGE_API_CALLS, "/policies 2xx", 1);
	assert_int_equal(0, usage_adopt(two));
	send_all(b, two);
	assert_int_equal(0, b->books.sum);
	usage_close(one);
	assert_int_equal(1, usage_adopt(two));
	send_all(b, two);
	assert_int_equal(1, b->books.sum);
	usage_close(two);
}

/* A pipe carries what a process counted and sent before it died; it dies at each of its points in turn. */
static bool die_sending(struct bench *b, int nth, int pipe_write)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("CC_FAILPOINT", arena_printf(b->arena, "usage.*:%d", nth), 1);
		struct usage *u = open_in(b);
		struct usage_batch batch;

		for (int i = 0; i < 4; i++) {
			usage_count(u, "tenant-a", USAGE_API_CALLS, "/policies 2xx", 10);
			dprintf(pipe_write, "counted 0 10\n");
			while (usage_next(u, b->arena, &batch)) {
				dprintf(pipe_write, "%s %lld %lld\n", batch.boot, (long long)batch.seq,
					(long long)batch.lines[0]->quantity);
				usage_settle(u, &batch);
			}
		}
		usage_close(u);
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return WIFSIGNALED(status);
}

/* How much it counted; what it sent is in the books. */
static int64_t read_sent(struct bench *b, int pipe_read)
{
	FILE *f = fdopen(pipe_read, "r");
	char what[64];
	long long seq, sum;
	int64_t counted = 0;

	while (fscanf(f, "%63s %lld %lld", what, &seq, &sum) == 3) {
		const struct usage_line line = { .quantity = sum };
		const struct usage_line *lines[] = { &line };
		const struct usage_batch batch = { .boot = what, .seq = seq, .lines = lines, .n = 1 };

		if (strcmp(what, "counted") == 0)
			counted += sum;
		else
			apply(&b->books, &batch);
	}
	fclose(f);
	return counted;
}

static void whatever_point_it_dies_at_each_count_is_sent_once(void **state)
{
	struct bench *b = *state;
	int nth = 0, deaths = 0;
	bool died;

	do {
		int64_t counted;
		int ends[2];

		assert_int_equal(0, pipe(ends));
		b->books.sum = 0;
		died = die_sending(b, ++nth, ends[1]);
		close(ends[1]);
		counted = read_sent(b, ends[0]);
		struct usage *u = open_in(b);
		send_all(b, u);
		usage_close(u);
		assert_int_equal(counted, b->books.sum);
		deaths += died;
	} while (died);
	assert_true(deaths >= 30);
	assert_true(b->books.repeated > 0);
	print_message("# %d points\n", deaths);
}

static void a_damaged_journal_is_put_aside(void **state)
{
	struct bench *b = *state;
	char *path = temp_path(b->folder, "usage-aaaaaaaaaaaa.journal");

	temp_write(path, "this is none");
	free(path);
	struct usage *u = open_in(b);
	send_all(b, u);
	assert_int_equal(0, b->books.sum);
	usage_close(u);
	assert_int_equal(1, files_in(b->folder));
	path = temp_path(b->folder, "usage-aaaaaaaaaaaa.journal.damaged");
	assert_int_equal(0, access(path, F_OK));
	free(path);
}

static void without_a_folder_memory_does(void **state)
{
	struct bench *b = *state;
	const char *error = NULL;
	struct usage *u = usage_open(b->arena, NULL, &error);

	usage_count(u, "tenant-a", USAGE_API_CALLS, "/policies 2xx", 2);
	send_all(b, u);
	assert_int_equal(2, b->books.sum);
	usage_close(u);
}

static void a_folder_that_is_none_is_said(void **state)
{
	struct bench *b = *state;
	const char *error = NULL;

	assert_null(usage_open(b->arena, "/nowhere/at/all", &error));
	assert_non_null(strstr(error, "/nowhere/at/all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_of_one_key_are_one_line, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_settled_is_sent_again_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_lost_when_room_is_scarce, setup, teardown),
		cmocka_unit_test_setup_teardown(by_tenant_it_is_right_also_then, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_count_while_batches_go, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_start_takes_over_what_the_dead_have_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_living_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_point_it_dies_at_each_count_is_sent_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_damaged_journal_is_put_aside, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_folder_memory_does, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_none_is_said, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
