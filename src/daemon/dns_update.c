/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_update.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"

#define MOST_MS 8000
#define NAP_MS 5
#define SAID_MAX 400    /* of what it says; the rest is thrown away */
#define SCRIPT_MAX 4000 /* a pipe takes so much at once */

struct child {
	pid_t pid;
	int in, out; /* its standard input, and what it says */
	char said[SAID_MAX];
	size_t nsaid;
};

/* "192.0.2.53:5353", "[2001:db8::1]:53": as nsupdate takes it, address and port apart. */
static void add_server(struct str *s, const char *server)
{
	const char *end = server[0] == '[' ? strchr(server, ']') : NULL;
	const char *colon = strrchr(server, ':');
	const bool bare = server[0] != '[' && colon != NULL && strchr(server, ':') != colon;
	const char *port = colon != NULL && !bare && (end == NULL || colon == end + 1) ? colon + 1 : "53";
	const char *from = end != NULL ? server + 1 : server;
	size_t n = strlen(from);

	if (end != NULL)
		n = (size_t)(end - from);
	else if (colon != NULL && port == colon + 1)
		n = (size_t)(colon - from);
	str_addf(s, "server %.*s %s\n", (int)n, from, port);
}

/* Whatever else stands at a name would keep the CNAME out, and nobody would say so (RFC 2136, 3.4.2.2). */
static void write_script(
	struct str *s, const struct dns_conf *conf, const char *zone, const struct dns_change *change)
{
	add_server(s, conf->server);
	str_addf(s, "zone %s\n", conf->zone != NULL ? conf->zone : zone);
	for (const char *const *name = change->names; *name != NULL; name++) {
		str_addf(s, "update delete %s.\n", *name);
		str_addf(s, "update add %s. %lld CNAME %s.\n", *name, (long long)conf->ttl, change->target);
	}
	str_addf(s, "send\n");
}

static bool start(struct child *c, const char *const *argv, const int in[2], const int out[2])
{
	static const char *const env[] = { "LC_ALL=C", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, plain;
	bool ok;

	if (posix_spawn_file_actions_init(&files) != 0)
		return false;
	if (posix_spawnattr_init(&how) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return false;
	}
	sigemptyset(&none);
	sigemptyset(&plain);
	sigaddset(&plain, SIGPIPE);
	ok = posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO) == 0 &&
	     posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO) == 0 &&
	     posix_spawn_file_actions_adddup2(&files, out[1], STDERR_FILENO) == 0 &&
	     posix_spawnattr_setsigmask(&how, &none) == 0 &&
	     posix_spawnattr_setsigdefault(&how, &plain) == 0 &&
	     posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0 &&
	     posix_spawn(&c->pid, argv[0], &files, &how, (char *const *)(uintptr_t)argv,
		     (char *const *)(uintptr_t)env) == 0;
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return ok;
}

static bool make_pipe(int fd[2])
{
	if (pipe(fd) != 0)
		return false;
	for (int i = 0; i < 2; i++)
		(void)fcntl(fd[i], F_SETFD, FD_CLOEXEC);
	return true;
}

static void close_both(const int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

static bool open_child(struct child *c, const char *const *argv)
{
	int in[2], out[2];
	bool ok;

	if (!make_pipe(in))
		return false;
	if (!make_pipe(out)) {
		close_both(in);
		return false;
	}
	ok = start(c, argv, in, out);
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	if (ok)
		return true;
	close(c->in);
	close(c->out);
	return false;
}

/* Until it closes what it says it on. */
static void listen_to(struct child *c, int64_t end_ms)
{
	struct pollfd p = { .fd = c->out, .events = POLLIN };
	char rest[256] = "";
	ssize_t n = 1;

	while (n > 0 && clock_mono_ms() < end_ms && poll(&p, 1, (int)(end_ms - clock_mono_ms())) > 0) {
		const size_t room = sizeof(c->said) - 1 - c->nsaid;

		n = read(c->out, room > 0 ? c->said + c->nsaid : rest, room > 0 ? room : sizeof(rest));
		if (n > 0 && room > 0)
			c->nsaid += (size_t)n;
	}
	c->said[c->nsaid] = '\0';
	c->said[strcspn(c->said, "\r\n")] = '\0';
}

/* One that is late is killed, also when it says nothing more. */
static bool end_well(const struct child *c, int64_t end_ms)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };
	int status = 0;
	pid_t got;

	while ((got = waitpid(c->pid, &status, WNOHANG)) == 0 && clock_mono_ms() < end_ms)
		(void)nanosleep(&nap, NULL);
	if (got == 0)
		(void)kill(c->pid, SIGKILL);
	while (got <= 0 && (got = waitpid(c->pid, &status, 0)) < 0 && errno == EINTR)
		;
	return got == c->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum err dns_update(
	struct ctx *cx, const struct dns_conf *conf, const char *zone, const struct dns_change *change)
{
	const char *const argv[] = { conf->program, "-t", "5", "-r", "1", "-u", "3",
		conf->key_file != NULL ? "-k" : NULL, conf->key_file, NULL };
	const int64_t most = clock_mono_ms() + MOST_MS, end = cx->deadline_ms < most ? cx->deadline_ms : most;
	struct child c = { .nsaid = 0 };
	struct str script;
	bool told;

	str_init(&script, cx->arena, 512);
	write_script(&script, conf, zone, change);
	if (script.len > SCRIPT_MAX)
		return refuse(cx, ERR_INTERNAL, "an update of the DNS has %zu bytes", script.len);
	if (!open_child(&c, argv))
		return refuse(cx, ERR_UNAVAILABLE, "%s could not be started", conf->program);
	told = write(c.in, script.data, script.len) == (ssize_t)script.len;
	close(c.in);
	listen_to(&c, end);
	close(c.out);
	if (end_well(&c, end) && told)
		return ERR_NONE;
	return refuse(cx, ERR_UNAVAILABLE, "the DNS server did not take the records of %s: %s",
		change->names[0], c.said[0] != '\0' ? c.said : "no answer in time");
}
