/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick of `make bench`: libmicrohttpd with nothing behind it, answering every request with
 * the same bytes and headers that controlcored sent for the scenario measured beside it.
 *
 *   bare PORT STATUS HEADER_FILE BODY_FILE
 *
 * HEADER_FILE holds one "Name: value" per line. Two threads, epoll, keep-alive: what the daemon uses.
 */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 32
#define LINE_MAX_BYTES 1024

struct canned {
	unsigned status;
	char *body;
	size_t body_len;
	char *name[HEADERS_MAX], *value[HEADERS_MAX];
	int nheaders;
};

static char *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long size;

	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		text = calloc(1, (size_t)size + 1);
		if (text != NULL)
			*ret_len = fread(text, 1, (size_t)size, f);
	}
	fclose(f);
	return text;
}

static void read_headers(struct canned *c, const char *path)
{
	char line[LINE_MAX_BYTES];
	FILE *f = fopen(path, "r");

	while (f != NULL && c->nheaders < HEADERS_MAX && fgets(line, sizeof line, f) != NULL) {
		char *colon = strstr(line, ": ");

		line[strcspn(line, "\r\n")] = '\0';
		if (colon == NULL)
			continue;
		*colon = '\0';
		c->name[c->nheaders] = strdup(line);
		c->value[c->nheaders++] = strdup(colon + 2);
	}
	if (f != NULL)
		fclose(f);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **state)
{
	static int seen;
	const struct canned *c = arg;
	struct MHD_Response *r;
	enum MHD_Result result;

	(void)url; (void)method; (void)version; (void)upload;
	if (*state == NULL) {           /* answering from the first call would close the connection */
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(c->body_len, c->body, MHD_RESPMEM_PERSISTENT);
	for (int i = 0; i < c->nheaders; i++)
		(void)MHD_add_response_header(r, c->name[i], c->value[i]);
	result = MHD_queue_response(conn, c->status, r);
	MHD_destroy_response(r);
	return result;
}

int main(int argc, char **argv)
{
	static struct canned c;
	struct MHD_Daemon *d;
	sigset_t wait_for;
	int sig;

	if (argc != 5) {
		fprintf(stderr, "usage: bare PORT STATUS HEADER_FILE BODY_FILE\n");
		return 64;
	}
	sigemptyset(&wait_for);
	sigaddset(&wait_for, SIGTERM);
	sigaddset(&wait_for, SIGINT);
	pthread_sigmask(SIG_BLOCK, &wait_for, NULL);
	c.status = (unsigned)strtoul(argv[2], NULL, 10);
	read_headers(&c, argv[3]);
	c.body = slurp(argv[4], &c.body_len);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC,
			     (uint16_t)strtoul(argv[1], NULL, 10), NULL, NULL, answer, &c,
			     MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
	if (d == NULL || c.body == NULL) {
		fprintf(stderr, "bare: cannot start\n");
		return 1;
	}
	sigwait(&wait_for, &sig);
	MHD_stop_daemon(d);
	return 0;
}
