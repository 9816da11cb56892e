/* SPDX-License-Identifier: Apache-2.0 */
/* controlcored admin: what a running daemon shows over its admin socket, as a table or as it is. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/model/admin.h"
#include "cc/net/http_client.h"
#include "cc/schema/doc.h"

#include "program.h"
#include "table.h"

#define UNIT_SOCKET "/run/controlcored/admin.sock" /* of config/systemd/controlcored.service */

enum { ANSWER_MS = 10000, ANSWER_MAX = 64 << 20, FOLLOW_MS = 1000 };

/* One of the things that can be looked at. */
struct look {
	const char *path, *list;
	const struct schema *row;
};

struct admin {
	struct options options;
	struct program program;
	bool loaded;
	struct arena *arena;            /* of one answer */
	struct http_client *http;
	const char *socket, *url;       /* socket NULL: by the network */
};

/* Where ------------------------------------------------------------------------------------------- */

/* Whoever listens on every address is asked by loopback. */
static const char *url_of(struct arena *a, const struct admin_conf *c)
{
	const bool v6 = strchr(c->address, ':') != NULL;
	const char *address = str_eq(c->address, "::") ? "::1"
			      : str_eq(c->address, "0.0.0.0") ? "127.0.0.1" : c->address;

	return arena_printf(a, v6 ? "http://[%s]:%d" : "http://%s:%d", address, (int)c->port);
}

/* The settings need not name it: the unit does, for the daemon alone. */
static int find_listener(struct admin *ad, const struct options *o)
{
	const struct admin_conf *c = &ad->program.config.admin;
	int status;

	ad->url = "http://localhost";
	ad->socket = o->socket;
	if (o->socket != NULL)
		return 0;
	ad->options = *o;
	ad->options.section = "admin";
	ad->loaded = true;
	status = program_load(&ad->program, &ad->options, false);
	if (status != 0)
		return status;
	ad->socket = c->socket;
	if (ad->socket == NULL && access(UNIT_SOCKET, F_OK) == 0)
		ad->socket = UNIT_SOCKET;
	if (ad->socket != NULL)
		return 0;
	if (c->address != NULL && c->port != 0) {
		ad->url = url_of(ad->program.arena, c);
		return 0;
	}
	complain("the settings name no admin.socket, and there is no %s; name one: --socket PATH",
		 UNIT_SOCKET);
	return EXIT_CONFIG;
}

/* Each of these is another's to mend. */
static const char *why_not(int e)
{
	switch (e) {
	case ENOENT:
		return "there is no such socket; does controlcored run here, with admin.socket set so?";
	case ECONNREFUSED:
		return "nobody listens there any more; controlcored was killed, or is starting";
	case EACCES:
	case EPERM:
		return "this user may not open it; ask as the user that controlcored runs as";
	default:
		return strerror(e);
	}
}

static int check_socket(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e = 0;

	if (strlen(path) >= sizeof(at.sun_path)) {
		complain("%s: the path is too long for a socket", path);
		e = ENAMETOOLONG;
	} else {
		memcpy(at.sun_path, path, strlen(path) + 1);
		/* EAGAIN: its queue is full, so somebody is there. */
		if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
			e = errno != EAGAIN ? errno : 0;
		if (e != 0)
			complain("%s: %s", path, why_not(e));
	}
	if (fd >= 0)
		(void)close(fd);
	return e == 0 ? 0 : EXIT_UNAVAILABLE;
}

/* Asking ------------------------------------------------------------------------------------------ */

static int refused(struct admin *ad, const struct http_got *got)
{
	const char *why = NULL;
	struct doc *d = doc_parse(ad->arena, got->body, got->len, &why);
	const char *message = d != NULL ? doc_text(d, "message") : NULL;

	complain("the daemon answers %d: %s", got->status,
		 message != NULL ? printable(ad->arena, message) : "no reason is given");
	for (size_t i = 0; d != NULL && doc_item(d, "details", i) != NULL; i++) {
		message = doc_text(doc_item(d, "details", i), "message");
		if (message != NULL)
			complain("  %s", printable(ad->arena, message));
	}
	doc_free(d);
	return got->status == 422 || got->status == 400 ? EXIT_USAGE : EXIT_UNAVAILABLE;
}

static int ask(struct admin *ad, const char *target, struct http_got *ret)
{
	const struct http_ask http = {
		.method = "GET",
		.url = arena_printf(ad->arena, "%s%s", ad->url, target),
		.socket = ad->socket,
		.deadline_ms = clock_mono_ms() + ANSWER_MS,
		.answer_max = ANSWER_MAX,
	};
	enum http_result r;

	if (ad->socket != NULL && check_socket(ad->socket) != 0)
		return EXIT_UNAVAILABLE;
	r = http_client_send(ad->http, ad->arena, &http, ret);
	if (r == HTTP_LATE)
		complain("the daemon did not answer within %d s", ANSWER_MS / 1000);
	else if (r != HTTP_GOT)
		complain("the daemon cannot be asked: %s", ret->error);
	if (r != HTTP_GOT)
		return EXIT_UNAVAILABLE;
	return ret->status == 200 ? 0 : refused(ad, ret);
}

/* A table that ends before its end must not look as if it were whole. */
static void tell_rest(const struct doc *d, const char *list)
{
	int64_t total = 0;
	size_t n = 0;

	while (doc_item(d, list, n) != NULL)
		n++;
	if (doc_int(d, "total", &total) && total > (int64_t)n)
		complain("these are %zu of %" PRId64 "; ask for fewer", n, total);
}

static int show(struct admin *ad, const struct look *l, const char *query, bool json)
{
	const char *why = NULL;
	struct http_got got;
	struct doc *d;
	int status;

	arena_reset(ad->arena);
	status = ask(ad, arena_printf(ad->arena, "%s%s", l->path, query), &got);
	if (status != 0)
		return status;
	if (json) {
		printf("%s\n", got.body);
		return 0;
	}
	d = doc_parse(ad->arena, got.body, got.len, &why);
	if (d == NULL) {
		complain("what the daemon answers is not understood: %s", why);
		return EXIT_UNAVAILABLE;
	}
	table_print(ad->arena, stdout, l->row, d, l->list);
	tell_rest(d, l->list);
	doc_free(d);
	return 0;
}

/* Following --------------------------------------------------------------------------------------- */

struct progress {
	bool terminal;
	char *last;                     /* what was said; NULL: nothing yet */
};

static void tell(struct progress *p, const char *text)
{
	if (str_eq(text, p->last))
		return;
	free(p->last);
	p->last = mem_strdup(text);
	if (p->terminal)
		printf("\r\033[K%s", text);
	else
		printf("%s\n", text);
	(void)fflush(stdout);
}

static const char *describe(struct arena *a, const struct doc *move)
{
	int64_t copied = 0, total = 0;
	const char *tenant = doc_text(move, "tenant_id"), *to = doc_text(move, "to_region");
	const char *step = doc_text(move, "step");

	(void)doc_int(move, "rows_copied", &copied);
	(void)doc_int(move, "rows_total", &total);
	if (total <= 0 || copied >= total)
		return arena_printf(a, "%s to %s: %s", tenant, to, step);
	/* Every tenth of it is a line where there is no terminal. */
	return arena_printf(a, "%s to %s: %s %d %%", tenant, to, step, (int)(copied * 10 / total) * 10);
}

/* *ret_any: something is under way. */
static int tell_moves(struct admin *ad, struct progress *p, bool *ret_any)
{
	const char *why = NULL;
	struct http_got got;
	struct str line;
	struct doc *d;
	int status;

	arena_reset(ad->arena);
	status = ask(ad, "/deployments?live=true", &got);
	d = status == 0 ? doc_parse(ad->arena, got.body, got.len, &why) : NULL;
	if (d == NULL)
		return status != 0 ? status : EXIT_UNAVAILABLE;
	str_init(&line, ad->arena, 256);
	for (size_t i = 0; doc_item(d, "deployments", i) != NULL; i++)
		str_addf(&line, "%s%s", i > 0 ? "; " : "",
			 printable(ad->arena, describe(ad->arena, doc_item(d, "deployments", i))));
	*ret_any = line.len > 0;
	if (*ret_any)
		tell(p, line.data);
	doc_free(d);
	return 0;
}

static int follow(struct admin *ad)
{
	struct progress p = { .terminal = isatty(STDOUT_FILENO) };
	bool any = true;
	int status = 0;

	for (bool first = true; status == 0 && any; first = false) {
		if (!first)
			clock_nap(FOLLOW_MS);
		status = tell_moves(ad, &p, &any);
	}
	if (p.terminal && p.last != NULL)
		printf("\n");
	free(p.last);
	return status;
}

/* The commands ------------------------------------------------------------------------------------ */

static const char *tenants_query(struct arena *a, const struct options *o)
{
	const struct {
		const char *name, *value;
	} parts[] = { { "status", o->status }, { "region", o->region }, { "tenant", o->tenant } };
	struct str s;

	str_init(&s, a, 128);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].value != NULL)
			str_addf(&s, "%c%s=%s", s.len == 0 ? '?' : '&', parts[i].name,
				 percent_encode(a, parts[i].value, ""));
	return s.data;
}

static int run(const struct options *o, const struct look *l)
{
	struct arena *kept = arena_create(4096);
	struct admin ad = { .arena = arena_create(65536) };
	int status = find_listener(&ad, o);

	if (status == 0) {
		ad.http = http_client_create(&(struct http_client_conf){ 0 });
		if (o->follow && !o->json)
			status = follow(&ad);
		if (status == 0)
			status = show(&ad, l, tenants_query(kept, o), o->json);
		http_client_destroy(ad.http);
	}
	if (ad.loaded)
		program_free(&ad.program);
	arena_destroy(ad.arena);
	arena_destroy(kept);
	return status;
}

int cmd_admin_tenants(const struct options *o)
{
	return run(o, &(struct look){ "/tenants", "tenants", &admin_tenant_schema });
}

int cmd_admin_deployments(const struct options *o)
{
	return run(o, &(struct look){ "/deployments", "deployments", &admin_deployment_schema });
}

int cmd_admin_jobs(const struct options *o)
{
	return run(o, &(struct look){ "/jobs", "jobs", &admin_job_schema });
}

int cmd_admin_outbox(const struct options *o)
{
	return run(o, &(struct look){ "/outbox", "calls", &admin_call_schema });
}

int cmd_admin_nodes(const struct options *o)
{
	return run(o, &(struct look){ "/nodes", "nodes", &admin_node_schema });
}

int cmd_admin_cache(const struct options *o)
{
	return run(o, &(struct look){ "/cache", "caches", &admin_cache_schema });
}
