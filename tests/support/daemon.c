/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* asprintf */
#include "daemon.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "servers.h"
#include "temp.h"

#include "cc/core/scope.h"

#define READY_MS 120000 /* a sanitized build on a busy machine included */
#define STOP_MS 60000
#define TAIL 4000

#define RATES \
	"tenant_rate = { limit = 100000000; window = 60; }; key_rate = { limit = 100000000; window = 60; };"
const char daemon_signing_key[] = "a signing key for tests, 32 bytes or more";
const char daemon_audit_key[] = "an audit key for tests, 32 bytes or more";
const char daemon_plans[] =
	"free = { limits = { max_policies = 100; max_resources = 100; max_users = 5; max_bouncers = 2; "
	"};\n" RATES "price = { minor = 0; currency = \"USD\"; }; term_months = 12; };\n"
	"pro = { limits = { max_policies = 1000; max_resources = 1000; max_users = 50; max_bouncers = 10; "
	"};\n" RATES "price = { minor = 9900; currency = \"USD\"; }; term_months = 12; };\n"
	"enterprise = { limits = { max_policies = -1; max_resources = -1; max_users = -1; max_bouncers = -1; "
	"};\n" RATES "price = { minor = 49900; currency = \"USD\"; }; term_months = 12; };\n";

struct daemon {
	struct daemon_options options;
	struct servers servers; /* shared with nodes that joined */
	bool owner;             /* they, Redis and their folder go with this node */
	char *folder, *config, *log, *port_file, *redis_socket, *keks, *objects;
	pid_t pid, redis;
	int port;
	char *operator_key;
};


static _Noreturn void give_up(const struct daemon *d, const char *what)
{
	char *log = temp_read(d->log);
	const size_t n = log != NULL ? strlen(log) : 0;

	print_error("%s; the end of the daemon's log:\n%s\n", what,
		n > TAIL      ? log + n - TAIL
		: log != NULL ? log
			      : "");
	free(log);
	fail();
	abort();
}

static const char *program(void)
{
	const char *bin = getenv("CC_BIN");

	return bin != NULL ? bin : "build/dev/controlcored";
}

/* --- Its surroundings ----------------------------------------------------------------------------- */

static bool redis_answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	const bool good = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
	close(fd);
	return good;
}

static void start_redis(struct daemon *d)
{
	char *log = temp_path(d->folder, "redis.log");

	const char *const argv[] = { "redis-server", "--port", "0", "--unixsocket", d->redis_socket, "--dir",
		d->folder, "--save", "", "--appendonly", "no", "--daemonize", "no", NULL };
	d->redis = temp_spawn(argv, NULL, log, SIGKILL);
	free(log);
	for (int64_t end = temp_now_ms() + READY_MS; !redis_answers(d->redis_socket); temp_sleep_ms(5))
		if (temp_now_ms() > end)
			give_up(d, "Redis did not start");
}

/* Of one node: others on the same servers may be configured with more, or with fewer. */
static size_t regions_of(const struct daemon_options *o)
{
	return o->nine_regions ? SERVERS_REGIONS : 3;
}

static const char *region_conninfo(const struct daemon *d, size_t i, const char *database)
{
	const char *via = i < sizeof(d->options.via) / sizeof(d->options.via[0]) ? d->options.via[i] : NULL;
	static char text[400];

	if (via == NULL)
		return pg_conninfo(d->servers.region[i], database);
	snprintf(text, sizeof(text), "host=%s port=5432 dbname=%s", via, database);
	return text;
}

static void write_config(const struct daemon *d)
{
	const struct daemon_options *o = &d->options;
	const struct servers *servers = &d->servers;
	const size_t nregions = regions_of(o);
	char *text = NULL, *plans = temp_path(d->folder, "plans.conf");
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	fprintf(f, "server = { port = 0; port_file = \"%s\"; state_dir = \"%s\";"
		" workers = %d; lag_ms = %d; };\n",
		d->port_file, d->folder, o->workers > 0 ? o->workers : 8, o->lag_ms);
	fprintf(f, "control = { conninfo = \"%s\";", pg_conninfo(servers->control, DAEMON_CONTROL_DB));
	fprintf(f, " admin_conninfo = \"%s user=" PG_SUPERUSER "\"; connections = 12; };\nregions = (\n",
		pg_conninfo(servers->control, "postgres"));
	for (size_t i = 0; i < nregions; i++) {
		const char *id = servers_region_ids[i];
		char *db = daemon_region_db(id);

		fprintf(f, "  { id = \"%s\"; conninfo = \"%s\"; connections = 16;", id,
			region_conninfo(d, i, db));
		fprintf(f, " host = \"%s.edge.controlcore.io\"; }%s\n", id, i + 1 < nregions ? "," : " );");
		free(db);
	}
	if (d->redis_socket != NULL)
		fprintf(f, "redis = { address = \"unix:%s\"; };\n", d->redis_socket);
	fprintf(f, "store = { folder = \"%s\"; };\n", d->objects);
	fprintf(f,
		"secrets = { pepper = \"a pepper for tests, 32 bytes or more\"; audit_key = \"%s\";"
		" signing_key = \"%s\"; kek_folder = \"%s\"; keks = [ \"tests\" ]; };\n",
		daemon_audit_key, daemon_signing_key, d->keks);
	fprintf(f,
		"jobs = { undo_window_s = %d; spare_schemas = %d; provision_lease_s = %d; poll_ms = %d; };\n",
		o->undo_window_s > 0 ? o->undo_window_s : 2592000,
		o->spare_schemas == 0  ? 2
		: o->spare_schemas < 0 ? 0
				       : o->spare_schemas,
		o->provision_lease_s > 0 ? o->provision_lease_s : 60, o->poll_ms > 0 ? o->poll_ms : 500);
	fprintf(f, "limits = { auth_failures = 1000000; operator_rate = 1000000; };\n");
	fprintf(f, "plans = { file = \"%s\"; };\n", plans);
	fclose(f);
	temp_write(plans, o->plans != NULL ? o->plans : daemon_plans);
	temp_write(d->config, text);
	free(text);
	free(plans);
}

char *daemon_region_db(const char *region)
{
	char *name = NULL;

	assert_true(asprintf(&name, "region_%s", region) > 0);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

/* --- The program ---------------------------------------------------------------------------------- */

void daemon_launch(struct daemon *d)
{
	const char *const argv[] = { program(), "serve", "--config", d->config, NULL };
	const char *const limited[] = { "sh", "-c", "ulimit $1; shift; exec \"$@\"", "sh", d->options.ulimit,
		argv[0], argv[1], argv[2], argv[3], NULL };

	unlink(d->port_file);
	d->port = 0;
	d->pid = temp_spawn(d->options.ulimit != NULL ? limited : argv, d->options.env, d->log, SIGKILL);
}

static bool answers_ready(struct daemon *d)
{
	if (d->port == 0) {
		char *text = temp_read(d->port_file);

		d->port = text != NULL ? (int)strtol(text, NULL, 10) : 0;
		free(text);
	}
	if (d->port == 0)
		return false;
	struct client *c = client_open(d->port);
	const struct answer *a = client_call(c, "GET", "/readyz", NULL, NULL);
	const bool ready = a->status == 200 && strcmp(answer_text(a, "status"), "ok") == 0;

	client_close(c);
	return ready;
}

bool daemon_await_ready(struct daemon *d, int ms)
{
	const int64_t end = temp_now_ms() + ms;

	while (!answers_ready(d)) {
		if (!daemon_running(d) || temp_now_ms() > end)
			return false;
		temp_sleep_ms(10);
	}
	return true;
}

static void launch_and_wait(struct daemon *d)
{
	daemon_launch(d);
	if (!daemon_await_ready(d, READY_MS))
		give_up(d, daemon_running(d) ? "the daemon does not become ready"
					     : "the daemon ended at its start");
}

bool daemon_running(struct daemon *d)
{
	if (d->pid > 0 && temp_wait(d->pid, 0) != -1)
		d->pid = 0;
	return d->pid > 0;
}

int daemon_await_end(struct daemon *d, int ms)
{
	assert_true(d->pid > 0);
	const int status = temp_wait(d->pid, ms);

	if (status != -1)
		d->pid = 0;
	return status;
}

int daemon_stop(struct daemon *d)
{
	assert_true(d->pid > 0);
	kill(d->pid, SIGTERM);
	const int status = daemon_await_end(d, STOP_MS);
	if (status == -1)
		give_up(d, "the daemon does not stop");
	return status;
}

void daemon_kill(struct daemon *d)
{
	assert_true(d->pid > 0);
	kill(d->pid, SIGKILL);
	temp_wait(d->pid, STOP_MS);
	d->pid = 0;
}

void daemon_restart(struct daemon *d)
{
	assert_false(daemon_running(d));
	launch_and_wait(d);
}

void daemon_env(struct daemon *d, const char *const *env)
{
	d->options.env = env;
}

void daemon_kek(const struct daemon *d, const char *id, const char *digits)
{
	char *path = temp_path(d->keks, id);

	temp_write(path, digits);
	assert_int_equal(0, chmod(path, 0600));
	free(path);
}

static struct daemon *prepare(const struct daemon_options *options)
{
	struct daemon *d = calloc(1, sizeof *d);

	assert_non_null(d);
	if (options != NULL)
		d->options = *options;
	d->folder = temp_folder("cc-daemon");
	d->config = temp_path(d->folder, "controlcored.conf");
	d->log = temp_path(d->folder, "daemon.log");
	d->port_file = temp_path(d->folder, "port");
	d->keks = temp_path(d->folder, "keks");
	d->objects = temp_path(d->folder, "objects");
	assert_int_equal(0, mkdir(d->objects, 0700));
	assert_int_equal(0, mkdir(d->keks, 0700));
	daemon_kek(d, "tests", DAEMON_KEK);
	return d;
}

struct daemon *daemon_start(const struct daemon_options *options)
{
	struct daemon *d = prepare(options);

	d->owner = true;
	servers_start(&d->servers, regions_of(&d->options), d->options.own_servers);
	if (!d->options.without_redis) {
		d->redis_socket = temp_path(d->folder, "redis.sock");
		start_redis(d);
	}
	write_config(d);
	launch_and_wait(d);
	return d;
}

struct daemon *daemon_join(struct daemon *first, const struct daemon_options *options)
{
	struct daemon *d = prepare(options);

	d->servers = first->servers;
	free(d->objects);
	d->objects = strdup(first->objects);
	if (!d->options.without_redis && first->redis_socket != NULL)
		d->redis_socket = strdup(first->redis_socket);
	write_config(d);
	launch_and_wait(d);
	return d;
}

void daemon_finish(struct daemon *d)
{
	if (d == NULL)
		return;
	const int status = daemon_running(d) ? daemon_stop(d) : 0;

	if (status != 0)
		give_up(d, "the daemon ended with a bad status");
	if (d->redis > 0) {
		kill(d->redis, SIGTERM);
		temp_wait(d->redis, STOP_MS);
	}
	if (d->owner)
		servers_stop(&d->servers);
	free(d->config);
	free(d->log);
	free(d->port_file);
	free(d->keks);
	free(d->objects);
	free(d->redis_socket);
	free(d->operator_key);
	temp_remove(d->folder);
	free(d);
}

/* --- What it depends on --------------------------------------------------------------------------- */

void daemon_database_kill(struct daemon *d)
{
	pg_kill9(d->servers.control);
}

void daemon_database_restart(struct daemon *d)
{
	pg_restart(d->servers.control);
}

void daemon_region_kill(struct daemon *d, const char *region)
{
	pg_kill9(servers_region(&d->servers, region));
}

void daemon_region_restart(struct daemon *d, const char *region)
{
	pg_restart(servers_region(&d->servers, region));
}

void daemon_region_freeze(struct daemon *d, const char *region)
{
	pg_freeze(servers_region(&d->servers, region));
}

void daemon_region_thaw(struct daemon *d, const char *region)
{
	pg_thaw(servers_region(&d->servers, region));
}

const char *daemon_region_folder(const struct daemon *d, const char *region)
{
	return pg_dir(servers_region(&d->servers, region));
}

void daemon_redis_kill(struct daemon *d)
{
	assert_true(d->redis > 0);
	kill(d->redis, SIGKILL);
	temp_wait(d->redis, STOP_MS);
	d->redis = 0;
}

void daemon_redis_restart(struct daemon *d)
{
	assert_int_equal(0, d->redis);
	start_redis(d);
}

pid_t daemon_redis_pid(const struct daemon *d)
{
	return d->redis;
}

/* --- What tests ask ------------------------------------------------------------------------------- */

int daemon_port(const struct daemon *d)
{
	return d->port;
}

pid_t daemon_pid(const struct daemon *d)
{
	return d->pid;
}

char *daemon_make_operator_key(struct daemon *d, const char *scopes)
{
	char *file = temp_path(d->folder, "made.key");
	const char *const argv[] = { program(), "operator-key", "create", "--config", d->config, "--name",
		"tests", "--scopes", scopes, "--output", file, NULL };
	struct temp_run r = temp_run(argv, NULL, STOP_MS);
	char *key = temp_read(file);

	if (r.status != 0 || key == NULL)
		give_up(d, r.err);
	key[strcspn(key, "\n")] = '\0';
	unlink(file);
	free(file);
	temp_run_free(&r);
	return key;
}

const char *daemon_operator_key(struct daemon *d)
{
	char *scopes = NULL;
	size_t n;

	if (d->operator_key != NULL)
		return d->operator_key;
	FILE *f = open_memstream(&scopes, &n);
	assert_non_null(f);
	for (size_t i = 0; scope_names[i] != NULL; i++)
		fprintf(f, "%s%s", i > 0 ? "," : "", scope_names[i]);
	fclose(f);
	d->operator_key = daemon_make_operator_key(d, scopes);
	free(scopes);
	return d->operator_key;
}

char *daemon_conninfo(const struct daemon *d, const char *database)
{
	struct pg *pg = servers_with(&d->servers, database);
	char *conninfo = NULL;

	assert_true(asprintf(&conninfo, "%s user=" PG_SUPERUSER, pg_conninfo(pg, database)) > 0);
	return conninfo;
}

const char *daemon_redis_socket(const struct daemon *d)
{
	return d->redis_socket;
}

const char *daemon_config_path(const struct daemon *d)
{
	return d->config;
}

const char *daemon_log_path(const struct daemon *d)
{
	return d->log;
}

const char *daemon_objects(const struct daemon *d)
{
	return d->objects;
}

const char *daemon_folder(const struct daemon *d)
{
	return d->folder;
}
