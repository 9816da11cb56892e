/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL and Redis: how they are started and how one sees that they answer. */
#include "supervised.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "leftover.h"

static int pid_in_file(const char *path)
{
	char text[32] = "";
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (int)strtol(text, NULL, 10) : 0;
}

static bool postgresql_clear(const struct supervisor_conf *c)
{
	char path[4200];

	snprintf(path, sizeof path, "%s/postmaster.pid", c->pg_data);
	if (leftover_stop(c->pg_data, "postgres", pid_in_file(path), SIGINT) < 0)
		return false;
	/*
	 * No process works in the folder any more, so the files are stale, and their number may be another
	 * program's by now (a container begins to count anew), which PostgreSQL would take for its own.
	 */
	unlink(path);
	snprintf(path, sizeof path, "%s/.s.PGSQL.5432.lock", c->run_dir);
	unlink(path);
	return true;
}

static pid_t postgresql_start(const struct supervisor_conf *c, int log_fd)
{
	char bin[4200], sockets[4300], connections[64];

	snprintf(bin, sizeof bin, "%s/postgres", c->pg_bin);
	snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", c->run_dir);
	snprintf(connections, sizeof connections, "max_connections=%d", c->max_connections);
	const char *const argv[] = {
		bin,
		"-D",
		c->pg_data,
		"-p",
		"5432",
		"-c",
		"listen_addresses=",
		"-c",
		sockets,
		"-c",
		"unix_socket_permissions=0700",
		"-c",
		connections,
		/* A tenant's schema is made and dropped whole. */
		"-c",
		"max_locks_per_transaction=256",
		"-c",
		"fsync=on",
		"-c",
		"full_page_writes=on",
		"-c",
		/* After a crash one call for the whole file system, instead of one for each of its files. */
		"recovery_init_sync_method=syncfs",
		"-c",
		"synchronous_commit=on",
		"-c",
		"timezone=UTC",
		"-c",
		"log_timezone=UTC",
		"-c",
		"logging_collector=off",
		"-c",
		"log_destination=stderr",
		"-c",
		"log_checkpoints=off",
		/* Statements and their values are nobody's business here. */
		"-c",
		"log_statement=none",
		"-c",
		"log_min_error_statement=panic",
		NULL,
	};
	return spawn_child(&(struct spawn){
		.argv = argv, .dir = c->pg_data, .who = &c->who, .out_fd = log_fd, .death_signal = SIGINT });
}

/* The eighth line of its pid file says what state it is in; pg_ctl reads the same. */
static bool postgresql_probe(const struct supervisor_conf *c)
{
	char path[4200], text[1024], *line = text;

	snprintf(path, sizeof path, "%s/postmaster.pid", c->pg_data);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (int i = 1; i < 8 && line != NULL; i++) {
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	return line != NULL && strncmp(line, "ready", 5) == 0;
}

struct service service_postgresql(void)
{
	return (struct service){ .name = "PostgreSQL",
		.program = "postgres",
		.stop_soft = SIGINT,
		.stop_hard = SIGQUIT,
		.start = postgresql_start,
		.probe = postgresql_probe,
		.clear = postgresql_clear,
		.log_name = "postgresql.log" };
}

static bool redis_clear(const struct supervisor_conf *c)
{
	return leftover_stop(c->redis_dir, "redis-server", 0, SIGTERM) >= 0;
}

static pid_t redis_start(const struct supervisor_conf *c, int log_fd)
{
	char path[4200];

	snprintf(path, sizeof path, "%s/redis.sock", c->run_dir);
	unlink(path);
	const char *const argv[] = {
		c->redis_bin,
		"--port",
		"0",
		"--unixsocket",
		path,
		"--unixsocketperm",
		"700",
		"--dir",
		".",
		"--daemonize",
		"no",
		"--appendonly",
		"yes",
		"--save",
		"3600 1",
		"--maxmemory-policy",
		"noeviction",
		"--loglevel",
		"warning",
		NULL,
	};
	return spawn_child(&(struct spawn){ .argv = argv,
		.dir = c->redis_dir,
		.who = &c->who,
		.out_fd = log_fd,
		.death_signal = SIGTERM });
}

static bool redis_probe(const struct supervisor_conf *c)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 0, .tv_usec = 200000 };
	char answer[16] = "";
	bool good = false;

	snprintf(addr.sun_path, sizeof addr.sun_path, "%.90s/redis.sock", c->run_dir);
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return false;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof addr) == 0 &&
		send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && recv(fd, answer, sizeof answer - 1, 0) > 0)
		good = strncmp(answer, "+PONG", 5) == 0;
	close(fd);
	return good;
}

struct service service_redis(void)
{
	return (struct service){ .name = "Redis",
		.program = "redis-server",
		.stop_soft = SIGTERM,
		.stop_hard = SIGQUIT,
		.start = redis_start,
		.probe = redis_probe,
		.clear = redis_clear,
		.log_name = "redis.log" };
}

void sockets_remove(const struct supervisor_conf *c)
{
	static const char *const names[] = {
		".s.PGSQL.5432", ".s.PGSQL.5432.lock", "redis.sock", "admin.sock"
	};
	char path[4200];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof path, "%s/%s", c->run_dir, names[i]);
		unlink(path);
	}
	rmdir(c->run_dir);
}
