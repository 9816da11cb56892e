/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* asprintf */
#include "crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"

#define SETTLE_MS 120000
#define GHOSTS_MS 60000

/* --- Chance ------------------------------------------------------------------------------------------ */

uint64_t crash_random(uint64_t *state)
{
	/* splitmix64 */
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned crash_pick(struct crash *x, unsigned n)
{
	return (unsigned)(crash_random(&x->random) % n);
}

static uint64_t choose_seed(void)
{
	const char *given = getenv("CC_SEED");
	const uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
					    : (uint64_t)temp_now_ms() * 1000 + (uint64_t)getpid() % 1000;

	print_message("# seed %llu (CC_SEED repeats it)\n", (unsigned long long)seed);
	return seed;
}

/* --- Databases --------------------------------------------------------------------------------------- */

static const char *const regions[CRASH_REGIONS] = { "us-east-1", "eu-west-1", "ap-southeast-1" };

/* PostgreSQL may have been killed since the last question. */
static PGconn *connection(struct crash *x, const char *database)
{
	int i = 0;

	for (; database != NULL && i < CRASH_REGIONS && strcmp(database, regions[i]) != 0; i++)
		;
	PGconn **at = database == NULL ? &x->pg[0] : &x->pg[1 + i];
	assert_true(database == NULL || i < CRASH_REGIONS);
	if (*at != NULL && PQstatus(*at) == CONNECTION_OK && PQsocket(*at) >= 0)
		return *at;
	PQfinish(*at);
	char *name = database == NULL ? strdup(DAEMON_CONTROL_DB) : daemon_region_db(database);
	char *conninfo = daemon_conninfo(x->d, name);
	*at = PQconnectdb(conninfo);
	if (PQstatus(*at) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(*at));
	free(conninfo);
	free(name);
	return *at;
}

static void run_sql(struct crash *x, const char *database, const char *sql)
{
	PGresult *r = PQexec(connection(x, database), sql);

	/* The server had gone and come back. */
	if (PQresultStatus(r) == PGRES_FATAL_ERROR && PQstatus(connection(x, database)) == CONNECTION_OK &&
		PQresultErrorField(r, PG_DIAG_SQLSTATE) == NULL) {
		PQclear(r);
		r = PQexec(connection(x, database), sql);
	}
	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(r));
	snprintf(x->value, sizeof(x->value), "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	PQclear(r);
}

__attribute__((format(printf, 3, 0))) static const char *run_format(
	struct crash *x, const char *database, const char *fmt, va_list ap)
{
	char *sql = NULL;

	assert_true(vasprintf(&sql, fmt, ap) >= 0);
	run_sql(x, database, sql);
	free(sql);
	return x->value;
}

const char *crash_value(struct crash *x, const char *database, const char *sql_fmt, ...)
{
	va_list ap;

	va_start(ap, sql_fmt);
	const char *value = run_format(x, database, sql_fmt, ap);
	va_end(ap);
	return value;
}

int64_t crash_number(struct crash *x, const char *database, const char *sql_fmt, ...)
{
	va_list ap;

	va_start(ap, sql_fmt);
	const int64_t n = strtoll(run_format(x, database, sql_fmt, ap), NULL, 10);
	va_end(ap);
	return n;
}

void crash_sql(struct crash *x, const char *database, const char *sql_fmt, ...)
{
	va_list ap;

	va_start(ap, sql_fmt);
	(void)run_format(x, database, sql_fmt, ap);
	va_end(ap);
}

const char *crash_schema(struct crash *x, const char *tenant_id)
{
	return crash_value(x, NULL, "SELECT schema_id FROM cc.tenant WHERE id = '%s'", tenant_id);
}

const char *crash_redis(struct crash *x, const char *command)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", daemon_redis_socket(x->d));
	assert_int_equal(0, connect(fd, (struct sockaddr *)&a, sizeof(a)));
	assert_true(dprintf(fd, "%s\r\n", command) > 0);
	n = recv(fd, x->value, sizeof(x->value) - 1, 0);
	assert_true(n > 2);
	x->value[n] = '\0';
	x->value[strcspn(x->value, "\r")] = '\0';
	close(fd);
	return x->value;
}

/* --- Deaths ------------------------------------------------------------------------------------------ */

void crash_arm(struct crash *x, const char *start, const char *point, int nth)
{
	char order[120];

	assert_true(snprintf(order, sizeof(order), "%s+%s:%d", start, point, nth) < (int)sizeof(order));
	temp_write(x->arms, order);
}

bool crash_awaits_death(struct crash *x, int ms)
{
	const int status = daemon_await_end(x->d, ms);

	if (status == -1)
		return false;
	assert_int_equal(128 + SIGKILL, status);
	return true;
}

/* The server finishes what a session was sent before it looks whether anybody is still there. */
static void await_ghosts(struct crash *x)
{
	const int64_t end = temp_now_ms() + GHOSTS_MS;

	while (crash_number(x, NULL,
		       "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'controlcored'") > 0) {
		assert_true(temp_now_ms() < end);
		temp_sleep_ms(2);
	}
}

void crash_kill(struct crash *x)
{
	if (daemon_running(x->d))
		daemon_kill(x->d);
	unlink(x->arms);
	x->kills++;
	await_ghosts(x);
}

void crash_cut_sessions(struct crash *x)
{
	crash_sql(x, NULL,
		"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
		" WHERE application_name = 'controlcored'");
}

void crash_expire(struct crash *x)
{
	crash_sql(x, NULL,
		"UPDATE cc.tenant SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL;"
		" UPDATE cc.tenant_schema SET lease_until = now() - interval '1 s'"
		" WHERE state IN ('preparing', 'dropping')");
}

void crash_restart(struct crash *x)
{
	daemon_restart(x->d);
	client_port(x->operator, daemon_port(x->d));
	client_forget(x->operator);
}

void crash_settle(struct crash *x)
{
	const int64_t end = temp_now_ms() + SETTLE_MS;

	for (int64_t left; (left = whole_pending(x)) > 0; temp_sleep_ms(10))
		if (temp_now_ms() > end)
			fail_msg("%d pieces of work are not done after two minutes", (int)left);
}

void crash_recover(struct crash *x)
{
	crash_restart(x);
	crash_settle(x);
	whole_check(x);
}

/* --- From the start to the end ----------------------------------------------------------------------- */

static void make_bystander(struct crash *x)
{
	fixture_tenant(x->d, "bystander", NULL, NULL, NULL, &x->bystander);
	struct client *c = client_of(x->d, &x->bystander);

	for (int i = 0; i < 3; i++)
		assert_status(201, client_post(c, "/policies", "{'name':'p%d','rego_code':'package p'}", i));
	client_close(c);
}

void crash_start(struct crash *x, const struct daemon_options *options)
{
	struct daemon_options o = *options;
	char *folder = temp_folder("cc-crash");

	x->random = choose_seed();
	x->full = getenv("CC_LONG") != NULL;
	x->spares = o.spare_schemas == 0 ? 2 : o.spare_schemas < 0 ? 0 : o.spare_schemas;
	x->arms = temp_path(folder, "failpoint");
	free(folder);
	assert_true(asprintf(&x->arm_env, "CC_FAILPOINT=@%s", x->arms) > 0);
	x->env[0] = x->arm_env;
	o.env = x->env;
	x->d = daemon_start(&o);
	x->operator= client_operator(x->d);
	make_bystander(x);
	crash_settle(x);
	whole_check(x);
	x->env[1] = CRASH_QUICK_START;
}

void crash_stop(struct crash *x)
{
	if (x->d == NULL)
		return; /* it never started */
	print_message("# %d kills in %d rounds\n", x->kills, x->rounds);
	client_close(x->operator);
	for (int i = 0; i <= CRASH_REGIONS; i++)
		PQfinish(x->pg[i]);
	daemon_finish(x->d);
	*strrchr(x->arms, '/') = '\0';
	temp_remove(x->arms);
	free(x->arm_env);
	free(x->bystander_sum);
}
