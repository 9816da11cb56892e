/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves of a tenant that works, on three nodes and a server for each region, while something dies, stops or
 * is cut off: each ends where it began or where it should, never with two copies that take writes, and what
 * was acknowledged is there. What happens when follows from a seed, CC_SEED.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "cable.h"
#include "crowd.h"
#include "temp.h"

enum {
	ROUNDS = 8,
	ROUNDS_LONG = 200,
	ROUNDS_EACH = 20, /* of one tenant */
	OVER_MS = 180000, /* of one move with all that happens to it */
	BEGIN_MS = 30000,
	LEASES = 4, /* of one node in so many that died the lease ends by itself */
	READY_MS = 120000,
	PASSES = 40, /* of the points of a move that are armed */
};

enum fault {
	KILL_AT_POINT, /* a node, where it passes one of the points of moves */
	KILL_ANY_TIME,
	KILL_SOURCE,
	KILL_TARGET,
	KILL_CONTROL,
	STOP_SOURCE, /* silent */
	STOP_TARGET,
	CUT,     /* between one node and a region */
	SWALLOW, /* the same, and nobody hears of it */
	FAULTS
};

static const char *const names[] = { "node killed at a point", "node killed", "source killed",
	"target killed", "control killed", "source silent", "target silent", "cable cut", "cable swallows" };
static const char *const regions[2] = { "us-east-1", "eu-west-1" };

struct scene {
	struct daemon *node[CROWD_NODES];
	struct cable *cable[CROWD_NODES][2]; /* not of the first one */
	struct tenant_fixture t;
	struct crowd crowd;
	struct client *operator;
	char *arms, *arm_env;
	const char *env[3];
	PGconn *control, *region[2];
	int at, from; /* where the tenant is; where this move began */
	char d[64], schema[2][64];
	int completed, aborted, kills, faults[FAULTS];
	unsigned next; /* of the faults, one after the other */
	long created, beats, requests;
};

static struct scene *s;

static unsigned pick(unsigned n)
{
	return (unsigned)random() % n;
}

/* Databases: connections that may end at any time ----------------------------------------------------- */

static PGconn *connect_to(const char *database)
{
	char *info = daemon_conninfo(s->node[0], database), timed[500];
	PGconn *pg;

	snprintf(timed, sizeof(timed), "%s connect_timeout=2", info);
	pg = PQconnectdb(timed);
	free(info);
	return pg;
}

/* The first row, columns joined by blanks. False: there is none, or no answer now. */
static bool read_row(PGconn **pg, const char *database, const char *sql, char *ret, size_t size)
{
	PGresult *r;
	bool ok;

	if (*pg != NULL && PQstatus(*pg) != CONNECTION_OK) {
		PQfinish(*pg);
		*pg = NULL;
	}
	if (*pg == NULL)
		*pg = connect_to(database);
	r = PQexec(*pg, sql);
	ok = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1;
	ret[0] = '\0';
	for (int i = 0; ok && i < PQnfields(r); i++)
		snprintf(
			ret + strlen(ret), size - strlen(ret), "%s%s", i > 0 ? " " : "", PQgetvalue(r, 0, i));
	PQclear(r);
	return ok;
}

static bool read_control(const char *sql, char *ret, size_t size)
{
	return read_row(&s->control, DAEMON_CONTROL_DB, sql, ret, size);
}

static bool read_region(int n, const char *sql, char *ret, size_t size)
{
	char *database = daemon_region_db(regions[n]);
	const bool ok = read_row(&s->region[n], database, sql, ret, size);

	free(database);
	return ok;
}

/* Never two ------------------------------------------------------------------------------------------- */

/* "t 17": whether a copy takes writes, and the turn that said so. */
static bool read_head(int n, const char *schema, char *ret, size_t size)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT writable, turn FROM %s.head", schema);
	return schema[0] != '\0' && read_region(n, sql, ret, size);
}

/* Both at once, with nothing in between that closed the first one and opened it again. */
static void check_one_is_writable(void)
{
	const int from = s->from, to = 1 - s->from;
	char before[64], other[64], after[64];

	if (!read_head(from, s->schema[from], before, sizeof(before)) || before[0] != 't')
		return;
	if (!read_head(to, s->schema[to], other, sizeof(other)) || other[0] != 't')
		return;
	if (read_head(from, s->schema[from], after, sizeof(after)) && strcmp(before, after) == 0)
		fail_msg("%s: two copies take writes", s->d);
}

/* A move ---------------------------------------------------------------------------------------------- */

static void begin_move(void)
{
	const int64_t end = temp_now_ms() + BEGIN_MS;
	const struct answer *a;
	char path[160];

	snprintf(path, sizeof(path), "/tenants/%s/deploy", s->t.id);
	do {
		client_port(s->operator, daemon_port(s->node[0]));
		a = client_post(s->operator, path, "{'region':'%s'}", regions[1 - s->at]);
		if (a->status != 202)
			temp_sleep_ms(50);
	} while (a->status != 202 && temp_now_ms() < end);
	assert_status(202, a);
	snprintf(s->d, sizeof(s->d), "%s", answer_text(a, "deployment_id"));
	client_forget(s->operator);
	s->from = s->at;
	s->schema[0][0] = s->schema[1][0] = '\0';
}

/* False: it is over. */
static bool look(void)
{
	char sql[200], row[300], step[32] = "";

	snprintf(sql, sizeof(sql),
		"SELECT step, from_schema, coalesce(to_schema, '') FROM cc.deployment WHERE id = '%s'", s->d);
	if (!read_control(sql, row, sizeof(row)))
		return true;
	(void)sscanf(row, "%31s %63s %63s", step, s->schema[s->from], s->schema[1 - s->from]);
	check_one_is_writable();
	return strcmp(step, "completed") != 0 && strcmp(step, "aborted") != 0;
}

static void watch(int ms)
{
	for (const int64_t end = temp_now_ms() + ms; temp_now_ms() < end; temp_sleep_ms(5))
		(void)look();
}

static void await_the_end(void)
{
	const int64_t end = temp_now_ms() + OVER_MS;
	char sql[300], row[500];

	while (look()) {
		if (temp_now_ms() > end) {
			snprintf(sql, sizeof(sql),
				"SELECT step, failures, attempts, error FROM cc.deployment WHERE id = '%s'",
				s->d);
			(void)read_control(sql, row, sizeof(row));
			fail_msg("%s is stuck: %s", s->d, row);
		}
		temp_sleep_ms(10);
	}
}

/* Where the tenant is, it takes writes; where it is not, nothing does. */
static void check_the_end(void)
{
	char sql[300], row[300], region[32] = "", schema[64] = "", step[32] = "", head[64];

	snprintf(sql, sizeof(sql),
		"SELECT t.region, t.schema_id, d.step FROM cc.tenant t JOIN cc.deployment d ON d.tenant_id = "
		"t.id"
		" WHERE d.id = '%s'",
		s->d);
	while (!read_control(sql, row, sizeof(row)))
		temp_sleep_ms(50);
	(void)sscanf(row, "%31s %63s %31s", region, schema, step);
	s->at = strcmp(region, regions[0]) == 0 ? 0 : 1;
	assert_int_equal(strcmp(step, "completed") == 0 ? 1 - s->from : s->from, s->at);
	while (!read_head(s->at, schema, head, sizeof(head)))
		temp_sleep_ms(50);
	assert_int_equal('t', head[0]);
	if (s->at != s->from) {
		while (!read_head(s->from, s->schema[s->from], head, sizeof(head)))
			temp_sleep_ms(50);
		assert_int_equal('f', head[0]);
	}
	crowd_check(&s->crowd, s->node[0], region, schema);
}

/* Faults ---------------------------------------------------------------------------------------------- */

static void bring_back(int i)
{
	daemon_launch(s->node[i]);
	if (!daemon_await_ready(s->node[i], READY_MS))
		fail_msg("node %d does not come back", i);
	crowd_node(&s->crowd, i, s->node[i]);
}

/* As it would be some seconds later. */
static void expire(void)
{
	char sql[200], row[8];

	snprintf(sql, sizeof(sql),
		"UPDATE cc.deployment SET lease_until = least(lease_until, now()) WHERE id = '%s' RETURNING "
		"1",
		s->d);
	if (pick(LEASES) != 0)
		(void)read_control(sql, row, sizeof(row));
}

/* Those that died by themselves as well. */
static void bring_all_back(void)
{
	for (int i = 0; i < CROWD_NODES; i++)
		if (!daemon_running(s->node[i])) {
			crowd_node(&s->crowd, i, NULL);
			s->kills++;
			expire();
			bring_back(i);
		}
}

/* Whichever node has the move; the others must not die of the same. */
static void kill_at_point(void)
{
	char order[64];
	const int64_t end = temp_now_ms() + OVER_MS;
	bool died = false;

	snprintf(order, sizeof(order), "move.taken+move.*:%u", 1 + pick(PASSES));
	temp_write(s->arms, order);
	begin_move();
	while (!died && look() && temp_now_ms() < end) {
		for (int i = 0; i < CROWD_NODES; i++)
			died |= !daemon_running(s->node[i]);
		temp_sleep_ms(2);
	}
	unlink(s->arms);
}

static void kill_any_time(void)
{
	const int i = (int)pick(CROWD_NODES);

	begin_move();
	watch((int)pick(2000));
	crowd_node(&s->crowd, i, NULL);
	daemon_kill(s->node[i]);
	watch((int)pick(1500));
}

static void kill_server(int region)
{
	begin_move();
	watch((int)pick(2000));
	if (region < 0)
		daemon_database_kill(s->node[0]);
	else
		daemon_region_kill(s->node[0], regions[region]);
	temp_sleep_ms(200 + (int)pick(2000));
	if (region < 0)
		daemon_database_restart(s->node[0]);
	else
		daemon_region_restart(s->node[0], regions[region]);
}

static void silence_server(int region)
{
	begin_move();
	watch((int)pick(2000));
	daemon_region_freeze(s->node[0], regions[region]);
	temp_sleep_ms(200 + (int)pick(4000));
	daemon_region_thaw(s->node[0], regions[region]);
}

static void cut_cable(enum cable_state state)
{
	struct cable *c = s->cable[1 + pick(CROWD_NODES - 1)][pick(2)];

	begin_move();
	watch((int)pick(1500));
	cable_set(c, state);
	watch(500 + (int)pick(4000));
	cable_set(c, CABLE_WHOLE);
}

static void one_round(enum fault f)
{
	s->faults[f]++;
	switch (f) {
	case KILL_AT_POINT:
		kill_at_point();
		break;
	case KILL_ANY_TIME:
		kill_any_time();
		break;
	case KILL_SOURCE:
	case KILL_TARGET:
		kill_server(f == KILL_SOURCE ? s->at : 1 - s->at);
		break;
	case KILL_CONTROL:
		kill_server(-1);
		break;
	case STOP_SOURCE:
	case STOP_TARGET:
		silence_server(f == STOP_SOURCE ? s->at : 1 - s->at);
		break;
	case CUT:
	case SWALLOW:
		cut_cable(f == CUT ? CABLE_CUT : CABLE_SILENT);
		break;
	case FAULTS:
		break;
	}
	bring_all_back();
	await_the_end();
	bring_all_back();
	check_the_end();
	s->completed += s->at != s->from;
	s->aborted += s->at == s->from;
}

/* The scene ------------------------------------------------------------------------------------------- */

static int start(void **state)
{
	const char *given = getenv("CC_SEED");
	const unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	struct daemon_options options = { .own_servers = true };
	static const char prefix[] = "CC_FAILPOINT=@";

	(void)state;
	print_message("# CC_SEED=%u\n", seed);
	srandom(seed);
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->node[0] = daemon_start(&options);
	s->arms = temp_path(daemon_folder(s->node[0]), "arms");
	s->arm_env = calloc(1, sizeof(prefix) + strlen(s->arms));
	assert_non_null(s->arm_env);
	memcpy(s->arm_env, prefix, sizeof(prefix));
	memcpy(s->arm_env + sizeof(prefix) - 1, s->arms, strlen(s->arms));
	s->env[0] = s->arm_env;
	s->env[1] = "CONTROLCORE_CONTROL_MIGRATE=false"; /* it was done by the first start */
	options.env = s->env;
	for (int i = 1; i < CROWD_NODES; i++) {
		for (int k = 0; k < 2; k++) {
			s->cable[i][k] = cable_open(daemon_region_folder(s->node[0], regions[k]));
			options.via[k] = cable_folder(s->cable[i][k]);
		}
		s->node[i] = daemon_join(s->node[0], &options);
	}
	daemon_stop(s->node[0]);
	daemon_env(s->node[0], s->env);
	daemon_restart(s->node[0]);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	PQfinish(s->control);
	PQfinish(s->region[0]);
	PQfinish(s->region[1]);
	for (int i = CROWD_NODES - 1; i >= 0; i--) {
		daemon_finish(s->node[i]);
		cable_close(s->cable[i][0]);
		cable_close(s->cable[i][1]);
	}
	free(s->arms);
	free(s->arm_env);
	free(s);
	return 0;
}

/* A tenant of its own: in thousands of rounds one would grow until nothing but copying happens to it. */
static void some_rounds(int first, int n)
{
	char slug[32];

	snprintf(slug, sizeof(slug), "faulty-%d", first);
	fixture_tenant(s->node[0], slug, "enterprise", NULL, NULL, &s->t);
	s->at = 0;
	s->crowd = (struct crowd){ .t = &s->t, .nodes = CROWD_NODES, .faults = true, .writer_pause_ms = 20,
		.reader_pause_ms = 50, .bouncers = 2, .beat_pause_ms = 100 };
	crowd_start(&s->crowd, s->node, 2, 1);
	for (int i = first; i < first + n; i++)
		one_round(i % 3 == 0 ? KILL_AT_POINT : (enum fault)(s->next++ % FAULTS));
	crowd_stop(&s->crowd);
	check_the_end();
	s->created += crowd_created(&s->crowd);
	s->beats += crowd_beats(&s->crowd);
	s->requests += crowd_requests(&s->crowd);
}

static void whatever_happens_there_is_one_copy_with_all_of_it(void **state)
{
	const int rounds = getenv("CC_LONG") != NULL ? ROUNDS_LONG : ROUNDS;

	(void)state;
	s->next = pick(FAULTS);
	s->operator= client_operator(s->node[0]);
	for (int i = 0; i < rounds; i += ROUNDS_EACH)
		some_rounds(i, rounds - i < ROUNDS_EACH ? rounds - i : ROUNDS_EACH);
	client_close(s->operator);
	for (int f = 0; f < FAULTS; f++)
		print_message("# %d times: %s\n", s->faults[f], names[f]);
	print_message("# %d rounds, %d nodes killed: %d completed, %d aborted; %ld created, %ld signs of "
		      "life, %ld requests\n",
		rounds, s->kills, s->completed, s->aborted, s->created, s->beats, s->requests);
	/* Whatever chance had in store: something died, and something came through. */
	assert_true(s->kills > 0);
	assert_true(s->completed > 0);
	assert_int_equal(rounds, s->completed + s->aborted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_there_is_one_copy_with_all_of_it),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
