/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/db/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conn.h"
#include "cc/base/clock.h"

struct db_server {
	int alarm; /* readable while it is down: who waits for the server waits for this as well */
	atomic_bool down;
	_Atomic int64_t heard_ms;
};

struct db_server *db_server_create(void)
{
	struct db_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->alarm = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->alarm < 0)
		abort();
	return s;
}

void db_server_destroy(struct db_server *s)
{
	if (s == NULL)
		return;
	close(s->alarm);
	free(s);
}

bool db_server_say_down(struct db_server *s)
{
	const uint64_t one = 1;

	if (atomic_exchange(&s->down, true))
		return false;
	if (write(s->alarm, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort(); /* its counter is zero: there is nothing to fail */
	return true;
}

bool db_server_say_up(struct db_server *s)
{
	uint64_t n;

	server_heard(s);
	if (!atomic_exchange(&s->down, false))
		return false;
	if (read(s->alarm, &n, sizeof(n)) != (ssize_t)sizeof(n))
		abort();
	return true;
}

bool db_server_is_down(const struct db_server *s)
{
	return s != NULL && atomic_load_explicit(&s->down, memory_order_acquire);
}

int64_t db_server_heard_ms(const struct db_server *s)
{
	return atomic_load_explicit(&s->heard_ms, memory_order_relaxed);
}

bool db_server_answers(const char *conninfo)
{
	const char *const keys[] = { "dbname", "connect_timeout", NULL };
	const char *const values[] = { conninfo, "2", NULL };
	const PGPing p = PQpingParams(keys, values, 1);

	return p != PQPING_NO_RESPONSE && p != PQPING_REJECT;
}

void server_heard(struct db_server *s)
{
	if (s != NULL)
		atomic_store_explicit(&s->heard_ms, clock_mono_ms(), memory_order_relaxed);
}

int server_alarm(const struct db_server *s)
{
	return s != NULL ? s->alarm : -1;
}
