/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/lock.h"
#include "cc/base/mem.h"
#include "logline.h"

#define RING_SIZE ((size_t)1 << 20)
#define FILE_CHUNK ((size_t)64 * 1024)
#define RETRY_MS 100            /* between attempts when the file takes nothing: disk full, reader gone */
#define STOP_MS 2000            /* how long log_stop() tries to get rid of what is queued */

/*
 * A ring of bytes that always holds whole lines. `head` and `tail` only grow; the difference is
 * what is queued. Producers write in front of head under the lock; the writer reads behind it
 * without, because nobody else touches those bytes until it moves the tail.
 */
static struct {
	struct lock lock;
	struct cond wake;
	pthread_t writer;
	int fd;                         /* constant while the writer runs */
	size_t chunk;                   /* most bytes of one write(); constant while the writer runs */
	bool journal;                   /* systemd's reads it: constant while the writer runs */
	char *ring;                     /* guarded by lock, as is all that follows; NULL: not started */
	size_t head, tail;
	int64_t dropped;
	int64_t stop_at_ms;             /* 0: run on */
} log_ring = { .lock = { .m = PTHREAD_MUTEX_INITIALIZER, .rank = RANK_LOG } };

static atomic_int log_limit = LOG_INFO;
static _Atomic int64_t log_lost;

/* As syslog(3) numbers them, for sd-daemon(3). */
static const char *const priorities[] = {
	[LOG_ERROR] = "<3>", [LOG_WARN] = "<4>", [LOG_INFO] = "<6>", [LOG_DEBUG] = "<7>",
};
#define PRIORITY_LEN 3

/* $JOURNAL_STREAM names the journal's end of the descriptor: systemd.exec(5). */
static bool is_journal(const struct stat *st)
{
	const char *name = getenv("JOURNAL_STREAM");
	char own[64];

	(void)snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st->st_dev,
		       (unsigned long long)st->st_ino);
	return name != NULL && strcmp(name, own) == 0;
}

bool log_reaches_journal(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && is_journal(&st);
}

/* The lock is held, and there is room. */
static void ring_add(const char *text, size_t n)
{
	size_t at = log_ring.head % RING_SIZE, first = RING_SIZE - at;

	if (first > n)
		first = n;
	memcpy(log_ring.ring + at, text, first);
	memcpy(log_ring.ring, text + first, n - first);
	log_ring.head += n;
}

/* The lock is held. */
static bool ring_put(enum log_level level, const struct logline *line)
{
	const size_t more = log_ring.journal ? PRIORITY_LEN : 0;

	if (line->len + more > RING_SIZE - (log_ring.head - log_ring.tail))
		return false;
	ring_add(priorities[level], more);
	ring_add(line->text, line->len);
	return true;
}

/* The lock is held. Says how many lines were lost as soon as the ring has room for that. */
static void ring_put_dropped(void)
{
	const struct log_field field = LOG_INT("dropped", log_ring.dropped);
	struct logline line;

	if (log_ring.dropped == 0)
		return;
	logline_make(&line, LOG_WARN, "log lines were dropped", &field, 1);
	if (ring_put(LOG_WARN, &line))
		log_ring.dropped = 0;
}

/*
 * Bytes written, 0 when none could be. The descriptor may be blocking and shared with other
 * processes, so it is not switched over: poll() says when a pipe has room for PIPE_BUF bytes,
 * and the chunk is no larger.
 */
static size_t write_some(const char *text, size_t n)
{
	struct pollfd p = { .fd = log_ring.fd, .events = POLLOUT };
	ssize_t done;

	if (poll(&p, 1, RETRY_MS) != 1)
		return 0;
	done = write(log_ring.fd, text, n < log_ring.chunk ? n : log_ring.chunk);
	if (done > 0)
		return (size_t)done;
	if (done < 0 && errno != EINTR)
		poll(NULL, 0, RETRY_MS);
	return 0;
}

/* The lock is held, except while writing. False: it is time to end. */
static bool writer_step(void)
{
	size_t queued = log_ring.head - log_ring.tail;
	size_t at = log_ring.tail % RING_SIZE, done;
	const char *from = log_ring.ring + at;
	int64_t stop_at = log_ring.stop_at_ms;

	if (queued == 0 && log_ring.dropped == 0) {
		if (stop_at != 0)
			return false;
		cond_wait(&log_ring.wake, &log_ring.lock);
		return true;
	}
	if (stop_at != 0 && clock_mono_ms() > stop_at)
		return false;
	if (queued == 0) {
		ring_put_dropped();
		return true;
	}
	lock_drop(&log_ring.lock);
	done = write_some(from, queued < RING_SIZE - at ? queued : RING_SIZE - at);
	lock_take(&log_ring.lock);
	log_ring.tail += done;
	return true;
}

static void *writer_main(void *unused)
{
	sigset_t all;

	(void)unused;
	/* Signals are for the main thread; SIGPIPE is a failed write like any other. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	lock_take(&log_ring.lock);
	while (writer_step())
		continue;
	lock_drop(&log_ring.lock);
	return NULL;
}

bool log_start(int fd, enum log_level level)
{
	struct stat st = { .st_mode = 0 };
	bool started = false;

	lock_take(&log_ring.lock);
	if (log_ring.ring != NULL)
		goto out;
	atomic_store(&log_limit, (int)level);
	log_ring.fd = fd;
	log_ring.chunk = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? FILE_CHUNK : PIPE_BUF;
	log_ring.journal = is_journal(&st);
	log_ring.head = log_ring.tail = 0;
	log_ring.dropped = log_ring.stop_at_ms = 0;
	cond_init(&log_ring.wake);
	log_ring.ring = mem_alloc(RING_SIZE, 1);
	if (pthread_create(&log_ring.writer, NULL, writer_main, NULL) == 0) {
		started = true;
		goto out;
	}
	free(log_ring.ring);
	log_ring.ring = NULL;
	cond_finish(&log_ring.wake);
out:
	lock_drop(&log_ring.lock);
	return started;
}

int64_t log_dropped(void)
{
	return atomic_load(&log_lost);
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_limit, (int)level);
}

/* The lock is not held. */
static bool log_waits(void)
{
	bool waits;

	lock_take(&log_ring.lock);
	waits = log_ring.ring != NULL && log_ring.head != log_ring.tail;
	lock_drop(&log_ring.lock);
	return waits;
}

void log_flush(int ms)
{
	const int64_t until = clock_mono_ms() + ms;

	while (log_waits() && clock_mono_ms() < until)
		clock_nap(1);
}

void log_stop(void)
{
	bool running;

	lock_take(&log_ring.lock);
	running = log_ring.ring != NULL && log_ring.stop_at_ms == 0;
	if (running) {
		log_ring.stop_at_ms = clock_mono_ms() + STOP_MS;
		cond_wake_all(&log_ring.wake);
	}
	lock_drop(&log_ring.lock);
	if (!running)
		return;
	pthread_join(log_ring.writer, NULL);
	lock_take(&log_ring.lock);
	free(log_ring.ring);
	log_ring.ring = NULL;
	cond_finish(&log_ring.wake);
	lock_drop(&log_ring.lock);
}

/* Before log_start() and after log_stop(): one thread, start-up and shutdown messages. */
static void write_directly(const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		text += done;
		n -= (size_t)done;
	}
}

void log_event(enum log_level level, const char *msg, const struct log_field *fields, int n)
{
	struct logline line;
	bool queued;

	if ((int)level > atomic_load_explicit(&log_limit, memory_order_relaxed))
		return;
	logline_make(&line, level, msg, fields, n);
	lock_take(&log_ring.lock);
	queued = log_ring.ring != NULL;
	if (queued) {
		bool idle = log_ring.head == log_ring.tail;

		ring_put_dropped();
		if (log_ring.dropped > 0 || !ring_put(level, &line)) {
			log_ring.dropped++;
			atomic_fetch_add(&log_lost, 1);
		}
		if (idle)
			cond_wake_one(&log_ring.wake);
	}
	lock_drop(&log_ring.lock);
	if (queued)
		return;
	if (log_reaches_journal(STDERR_FILENO))
		write_directly(priorities[level], PRIORITY_LEN);
	write_directly(line.text, line.len);
}
