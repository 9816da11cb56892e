/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"

/* --- The program and its processes ---------------------------------------------------------------- */

/* The address the session to paste names. */
static int announced_port(const char *out)
{
	const char *at = strstr(out, "http://127.0.0.1:");

	return at != NULL && strstr(at, "Ctrl-C") != NULL ? (int)strtol(at + 17, NULL, 10) : 0;
}

void instance_launch_in(struct instance *in, const char *dir)
{
	const char *const argv[] = { getenv("CC_BIN"), "serve", "--embedded", dir, "--listen",
		in->listen != NULL ? in->listen : "127.0.0.1:0", NULL };
	static const char *const env[] = { "CONTROLCORE_JOBS_SPARE_SCHEMAS=0", NULL };

	assert_non_null(argv[0]);
	unlink(in->out);
	in->pid = temp_spawn(argv, env, in->out, SIGKILL);
}

void instance_await(struct instance *in)
{
	const int64_t end = temp_now_ms() + WAIT_MS;

	for (in->port = 0; in->port == 0; temp_sleep_ms(10)) {
		char *out = temp_read(in->out);
		const bool over = temp_wait(in->pid, 0) != -1;

		if (out != NULL)
			in->port = announced_port(out);
		if (in->port == 0 && (over || temp_now_ms() > end)) {
			print_error("no service; output:\n%s\n", out != NULL ? out : "");
			fail();
		}
		free(out);
	}
}

void instance_launch(struct instance *in)
{
	instance_launch_in(in, in->dir);
	instance_await(in);
}

/* Processes that work below the folder: its PostgreSQL, with backends, and its Redis. */
int instance_find(const char *dir, const char *program, pid_t *ret)
{
	DIR *proc = opendir("/proc");
	const size_t n = strlen(dir);
	int found = 0;

	assert_non_null(proc);
	for (struct dirent *e; (e = readdir(proc)) != NULL && found < PIDS_MAX;) {
		char path[300], cwd[4096] = "", comm[64] = "";

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%s/cwd", e->d_name);
		if (readlink(path, cwd, sizeof cwd - 1) <= 0 || strncmp(cwd, dir, n) != 0)
			continue;
		snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
		FILE *f = fopen(path, "re");
		if (f != NULL && fgets(comm, sizeof comm, f) != NULL &&
			strncmp(comm, program, strlen(program)) == 0)
			ret[found++] = (pid_t)strtol(e->d_name, NULL, 10);
		if (f != NULL)
			fclose(f);
	}
	closedir(proc);
	return found;
}

int instance_count(const struct instance *in)
{
	pid_t pid[PIDS_MAX];

	return instance_find(in->dir, "", pid);
}

void instance_await_none(const struct instance *in)
{
	for (int64_t end = temp_now_ms() + WAIT_MS; instance_count(in) > 0; temp_sleep_ms(20))
		assert_true(temp_now_ms() < end);
}

pid_t instance_child_of(pid_t parent, const char *name)
{
	char path[64], children[4096] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(children, sizeof children, f) == NULL)
		children[0] = '\0';
	fclose(f);
	for (char *p = children; *p != '\0';) {
		char comm[64] = "";
		const long pid = strtol(p, &p, 10);

		p += strspn(p, " ");
		snprintf(path, sizeof path, "/proc/%ld/comm", pid);
		f = fopen(path, "re");
		if (f != NULL && fgets(comm, sizeof comm, f) != NULL &&
			strncmp(comm, name, strlen(name)) == 0) {
			fclose(f);
			return (pid_t)pid;
		}
		if (f != NULL)
			fclose(f);
	}
	return 0;
}

pid_t instance_supervisor(const struct instance *in)
{
	const pid_t pid = instance_child_of(in->pid, "cc-supervisor");

	assert_true(pid > 0);
	return pid;
}

void instance_stop(struct instance *in)
{
	kill(in->pid, SIGTERM);
	const int status = temp_wait(in->pid, WAIT_MS);
	if (status != 0) {
		char *out = temp_read(in->out);
		print_error("it ended with %d; output:\n%s\n", status, out != NULL ? out : "");
		free(out);
	}
	assert_int_equal(0, status);
	in->pid = 0;
	assert_int_equal(0, instance_count(in));
}

void instance_kill(struct instance *in)
{
	kill(in->pid, SIGKILL);
	assert_int_equal(128 + SIGKILL, temp_wait(in->pid, WAIT_MS));
	in->pid = 0;
}

char *instance_key(const struct instance *in)
{
	char *path = temp_path(in->dir, "operator.key"), *key = temp_read(path);

	assert_non_null(key);
	key[strcspn(key, "\n")] = '\0';
	free(path);
	return key;
}

struct client *instance_client(const struct instance *in)
{
	struct client *c = client_open(in->port);
	char *key = instance_key(in);

	client_key(c, key);
	free(key);
	return c;
}

void instance_tenant(const struct instance *in, const char *slug, const char *region)
{
	struct client *c = instance_client(in);

	assert_status(
		201, client_post(c, "/tenants",
			     "{'name':'T','domain':'%s.controlcore.io','plan_type':'free','region':'%s'}",
			     slug, region));
	client_close(c);
}

void instance_expect(const struct instance *in, const char *slug)
{
	struct client *c = instance_client(in);

	assert_text("active", assert_status(200, client_get(c, "/tenants/%s", slug)), "status");
	client_close(c);
}

/* Until a write goes through again. */
void instance_await_writes(const struct instance *in, const char *slug)
{
	struct client *c = instance_client(in);
	int status = 0;

	for (int64_t end = temp_now_ms() + WAIT_MS; status != 200; temp_sleep_ms(50)) {
		char path[128];

		snprintf(path, sizeof path, "/tenants/%s", slug);
		status = client_patch(c, path, "{'name':'written'}")->status;
		client_forget(c);
		assert_true(temp_now_ms() < end);
	}
	client_close(c);
}

mode_t instance_mode(const struct instance *in, const char *name)
{
	char *path = temp_path(in->dir, name);
	struct stat st;

	assert_int_equal(0, stat(path, &st));
	free(path);
	return st.st_mode & 07777;
}

int instance_setup(void **state)
{
	struct instance *in = calloc(1, sizeof *in);

	assert_non_null(in);
	in->folder = temp_folder("embedded");
	in->dir = temp_path(in->folder, "var");
	in->out = temp_path(in->folder, "out");
	*state = in;
	return 0;
}

/* What a failed case left behind goes with it. */
int instance_teardown(void **state)
{
	struct instance *in = *state;

	if (in->pid > 0) {
		kill(in->pid, SIGKILL);
		temp_wait(in->pid, WAIT_MS);
	}
	for (int64_t end = temp_now_ms() + WAIT_MS; instance_count(in) > 0 && temp_now_ms() < end;
		temp_sleep_ms(20))
		;
	free(in->dir);
	free(in->out);
	temp_remove(in->folder);
	free(in);
	return 0;
}
