/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct redis_conf patient_conf(const char *address)
{
	return (struct redis_conf){ .address = address, .connect_ms = 2000, .command_ms = 2000 };
}

struct sockaddr_un server_address(const struct server *fx)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", fx->socket);
	return at;
}

static bool accepts(const struct server *fx)
{
	const struct sockaddr_un at = server_address(fx);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool yes = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

	close(fd);
	return yes;
}

void server_start(struct server *fx)
{
	fx->pid = fork();
	assert_true(fx->pid >= 0);
	if (fx->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(126);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", fx->socket,
		       "--save", "", "--appendonly", "no", "--dir", fx->folder, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 1000 && !accepts(fx); i++)
		usleep(10 * 1000);
	assert_true(accepts(fx));
}

void server_stop(struct server *fx)
{
	if (fx->pid <= 0)
		return;
	kill(fx->pid, SIGKILL);
	waitpid(fx->pid, NULL, 0);
	fx->pid = 0;
	unlink(fx->socket);
}

int server_setup(void **state)
{
	struct server *fx = calloc(1, sizeof(*fx));
	const char *tmp = getenv("TMPDIR");

	signal(SIGPIPE, SIG_IGN);
	/* The path of a unix socket has little room. */
	snprintf(fx->folder, sizeof(fx->folder), "%s/redis-XXXXXX", tmp && strlen(tmp) < 60 ? tmp : "/tmp");
	assert_non_null(mkdtemp(fx->folder));
	snprintf(fx->address, sizeof(fx->address), "unix:%s/s", fx->folder);
	fx->socket = fx->address + strlen("unix:");
	fx->arena = arena_create(0);
	fx->conf = patient_conf(fx->address);
	fx->redis = redis_create(&fx->conf);
	*state = fx;
	return 0;
}

int server_setup_up(void **state)
{
	server_setup(state);
	server_start(*state);
	return 0;
}

int server_teardown(void **state)
{
	struct server *fx = *state;

	redis_destroy(fx->redis);
	server_stop(fx);
	unlink(fx->socket);
	rmdir(fx->folder);
	arena_destroy(fx->arena);
	free(fx);
	return 0;
}
