/* SPDX-License-Identifier: Apache-2.0 */
#include "s3_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/s3_in.h"
#include "temp.h"
#include "cc/base/clock.h"

#define CHILDREN_MAX 8
#define START_MS 90000
#define LOG_SHOWN 3000

struct s3_peer {
	enum s3_server which;
	char *folder;
	int port;
	char endpoint[64];
	pid_t child[CHILDREN_MAX];
	size_t nchildren;
};

const char *s3_peer_folder(const struct s3_peer *p)
{
	return p->folder;
}

int s3_peer_port(const struct s3_peer *p)
{
	return p->port;
}

/* Swift keeps what it knows of objects in attributes of files, which not every file system in memory has. */
static char *folder_with_attributes(void)
{
	char *folder = temp_folder("s3");
	const char *kept = getenv("TMPDIR");
	char before[4096] = "";

	if (setxattr(folder, "user.try", "1", 1, 0) == 0)
		return folder;
	temp_remove(folder);
	(void)snprintf(before, sizeof(before), "%s", kept != NULL ? kept : "");
	setenv("TMPDIR", "/var/tmp", 1);
	folder = temp_folder("s3");
	if (before[0] != '\0')
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	if (setxattr(folder, "user.try", "1", 1, 0) != 0)
		fail_msg("neither TMPDIR nor /var/tmp has attributes of files");
	return folder;
}

void s3_peer_child(struct s3_peer *p, const char *const *argv, const char *log)
{
	char *path = temp_path(p->folder, log);

	assert_true(p->nchildren < CHILDREN_MAX);
	p->child[p->nchildren++] = temp_spawn(argv, NULL, path, SIGKILL);
	free(path);
}

void s3_peer_run(struct s3_peer *p, const char *const *argv, int deadline_ms)
{
	struct temp_run r = temp_run(argv, NULL, deadline_ms);

	(void)p;
	if (r.status != 0)
		fail_msg("%s: status %d\n%s%s", argv[0], r.status, r.out, r.err);
	temp_run_free(&r);
}

static bool listens(int port)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool good = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return good;
}

void s3_peer_await(struct s3_peer *p, int port, const char *log)
{
	const int64_t until = temp_now_ms() + START_MS;

	while (!listens(port)) {
		/* The one that was started last. */
		if (temp_now_ms() > until || temp_wait(p->child[p->nchildren - 1], 0) >= 0) {
			char *path = temp_path(p->folder, log), *text = temp_read(path);
			const size_t n = text != NULL ? strlen(text) : 0;

			fail_msg("%s: nothing listens\n%s", log,
				n > LOG_SHOWN ? text + n - LOG_SHOWN
				: n > 0       ? text
					      : "");
		}
		temp_sleep_ms(50);
	}
}

struct s3_conf s3_peer_conf(const struct s3_peer *p)
{
	return (struct s3_conf){ .endpoint = p->endpoint,
		.region = "us-east-1",
		.bucket = S3_PEER_BUCKET,
		.access_key = p->which == S3_SWIFT ? "test:tester" : "AKTEST",
		.secret_key = p->which == S3_SWIFT ? "testing" : "SKTEST",
		.path_style = true };
}

/* By the signer of the program: there is no other S3 client here. */
static void make_bucket(struct s3_peer *p)
{
	struct http_client *http = http_client_create(&(struct http_client_conf){ 0 });
	const struct s3_conf conf = s3_peer_conf(p);
	struct objstore *s = objstore_s3(http, &conf);
	struct arena *a = arena_create(4096);
	const struct s3_ask ask = { .method = "PUT", .deadline_ms = clock_mono_ms() + START_MS };
	struct s3_answer answer;
	struct obj_got got;
	enum obj_result r;

	/* What listens first answers 503 until what is behind it does as well. */
	do {
		r = s3_ask((struct s3 *)s, a, &ask, &answer, &got);
	} while (r != OBJ_OK && clock_mono_ms() < ask.deadline_ms - START_MS / 2);
	if (r != OBJ_OK)
		fail_msg("the bucket cannot be made: %s", got.error);
	arena_destroy(a);
	objstore_destroy(s);
	http_client_destroy(http);
}

struct s3_peer *s3_peer_start(enum s3_server which)
{
	struct s3_peer *p = calloc(1, sizeof(*p));

	p->which = which;
	p->folder = folder_with_attributes();
	p->port = temp_port();
	snprintf(p->endpoint, sizeof(p->endpoint), "http://127.0.0.1:%d", p->port);
	if (which == S3_SWIFT)
		s3_swift_start(p, p->port);
	else
		s3_ceph_start(p, p->port);
	make_bucket(p);
	return p;
}

void s3_peer_stop(struct s3_peer *p)
{
	if (p == NULL)
		return;
	for (size_t i = p->nchildren; i > 0; i--) {
		kill(p->child[i - 1], SIGKILL);
		(void)temp_wait(p->child[i - 1], START_MS);
	}
	temp_remove(p->folder);
	free(p);
}
