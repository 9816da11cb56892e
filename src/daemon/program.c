/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/log.h"
#include "cc/http/server.h"

#include "privileges.h"

#define COMPLAINT_MAX 2048 /* bytes: the rest is left away */
#define DEFAULT_CONFIG "/etc/controlcored/controlcored.conf"

extern char **environ;

/* The journal takes one that is no line of the log for news of no weight. */
void complain(const char *fmt, ...)
{
	char text[COMPLAINT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	str_tame(text);
	(void)fflush(stdout);
	if (log_reaches_journal(STDERR_FILENO))
		log_event(LOG_ERROR, text, NULL, 0);
	else
		fprintf(stderr, "controlcored: %s\n", text);
}

const char *printable(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	str_tame(copy);
	return copy;
}

static void complain_of_faults(struct config_faults *faults)
{
	char *rest = faults->text.data, *line;

	if (!log_reaches_journal(STDERR_FILENO)) {
		fputs(faults->text.data, stderr);
		return;
	}
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			LOG(LOG_ERROR, "a setting is not valid", LOG_TEXT("fault", line));
}

void complain_problem(const char *doing, const struct ctx *cx, enum err e)
{
	complain("%s: %s", doing, cx->problem.message != NULL ? cx->problem.message : err_info(e)->meaning);
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		complain("  %s", f->message);
	if (cx->problem.cause != NULL)
		complain("  cause: %s", cx->problem.cause);
}

struct listen_option {
	const char *name, *hint, *address, *port; /* the settings */
	const char *own; /* address of who gives a port alone, and no address elsewhere; NULL: as it is */
};
static const struct listen_option listen_plain = {
	"--listen", "--listen takes ADDR:PORT, [v6]:PORT or PORT", "server.address", "server.port", NULL
};
static const struct listen_option listen_tls = {
	"--tls-listen", "--tls-listen takes ADDR:PORT, [v6]:PORT or PORT", "tls.address", "tls.port",
	"127.0.0.1"
};

/* ADDR:PORT, [v6]:PORT or PORT, as settings. */
static size_t listen_presets(
	struct arena *a, const struct listen_option *o, const char *listen, struct preset *ret)
{
	const char *const where = o->name, *const hint = o->hint;
	const bool bare = listen[0] == '[' && str_ends(listen, "]"); /* its colons are the address's */
	const char *colon = bare ? NULL : strrchr(listen, ':');
	const char *port = colon != NULL ? colon + 1 : listen;
	size_t n = 0;

	ret[n++] = (struct preset){ .setting = o->port, .value = port, .where = where, .hint = hint };
	if ((colon == NULL || colon == listen) && o->own != NULL)
		ret[n++] = (struct preset){
			.setting = o->address, .value = o->own, .where = where, .weak = true
		};
	if (colon == NULL || colon == listen)
		return n;
	const size_t bracket = listen[0] == '[' && colon[-1] == ']' ? 1 : 0;
	const char *address = arena_strndup(a, listen + bracket, (size_t)(colon - listen) - 2 * bracket);

	ret[n++] = (struct preset){
		.setting = o->address, .value = address, .where = where, .hint = hint
	};
	return n;
}

static int find_embedded(struct program *p, bool make)
{
	const char *error = NULL;
	bool busy = false;

	if (make && !embedded_make(p->arena, p->options->embedded, &error)) {
		complain("%s", error);
		return EXIT_NO_FILE;
	}
	if (!embedded_look(p->arena, p->options->embedded, &p->embedded, &error)) {
		complain("%s", error);
		return EXIT_UNAVAILABLE;
	}
	if (make && !embedded_lock(p->arena, &p->embedded, &busy, &error)) {
		complain("%s", error);
		return busy ? EXIT_BUSY : EXIT_NO_FILE;
	}
	if (make && !embedded_prepare(p->arena, &p->embedded, &error)) {
		complain("%s", error);
		return EXIT_NO_FILE;
	}
	if (!make && !embedded_running(p->arena, &p->embedded)) {
		complain("no controlcored serves %s right now; start it with: controlcored serve --embedded "
			 "%s",
			p->embedded.dir, p->options->embedded);
		return EXIT_UNAVAILABLE;
	}
	return 0;
}

/* What embedded_presets() takes before there is a folder: no value of it is used. */
static const struct embedded nowhere = { .dir = "/", .data = "/", .run = "/" };

/* Secrets that are not made yet: any will do to look at the rest. */
static void stand_in_secrets(struct preset *preset, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (preset[i].in_file) {
			preset[i].in_file = false;
			preset[i].value = "a secret that is made at the first start";
		}
}

/* rehearse: nothing of --embedded DIR is read, nor need it be there. False: *faults says why. */
static bool read_settings(const struct program *p, struct arena *a, bool rehearse, struct config *ret,
	struct config_faults *faults)
{
	const struct options *o = p->options;
	struct preset preset[EMBEDDED_PRESETS_MAX];
	struct config_source source = {
		.path = o->config, .env = (const char *const *)environ, .preset = preset,
		.only = o->section, .rehearsal = rehearse
	};

	if (o->config == NULL && o->embedded == NULL && access(DEFAULT_CONFIG, F_OK) == 0)
		source.path = DEFAULT_CONFIG;
	if (o->listen != NULL)
		source.npresets = listen_presets(a, &listen_plain, o->listen, preset);
	if (o->tls_listen != NULL)
		source.npresets += listen_presets(a, &listen_tls, o->tls_listen, preset + source.npresets);
	if (o->embedded != NULL)
		source.npresets += embedded_presets(a, rehearse ? &nowhere : &p->embedded,
			preset + source.npresets, EMBEDDED_PRESETS_MAX - source.npresets);
	if (rehearse)
		stand_in_secrets(preset, source.npresets);
	config_faults_init(faults, a);
	return config_load(a, &source, ret, faults);
}

static int load_settings(struct program *p, bool rehearse)
{
	struct config_faults faults;

	if (read_settings(p, p->arena, rehearse, &p->config, &faults))
		return 0;
	complain("%d setting%s not valid; nothing was done", faults.n, faults.n == 1 ? " is" : "s are");
	complain_of_faults(&faults);
	return EXIT_CONFIG;
}

bool program_read_again(
	const struct program *p, struct arena *a, struct config *ret, struct config_faults *faults)
{
	return read_settings(p, a, false, ret, faults);
}

bool program_can_listen(struct program *p)
{
	const struct config *c = &p->config;
	const bool shared = c->server.shared_ports;
	const char *why = NULL;

	if (p->sockets.plain == 0)
		why = http_server_probe(p->arena, c->server.address, (int)c->server.port, shared);
	if (why == NULL && c->tls.address == NULL && p->sockets.tls != 0)
		why = "systemd passed a socket named tls, and without tls.address there is no TLS";
	if (why == NULL && c->tls.address != NULL && p->sockets.tls == 0)
		why = http_server_probe(p->arena, c->tls.address, (int)c->tls.port, shared);
	if (why != NULL)
		complain("%s; nothing was started", why);
	return why == NULL;
}

/* Ports below 1024 are root's. */
static bool hold_ports(struct program *p)
{
	const struct config *c = &p->config;
	const bool shared = c->server.shared_ports;
	const char *why = NULL;

	if (p->sockets.plain == 0)
		why = http_server_bind(
			p->arena, c->server.address, (int)c->server.port, shared, &p->held.plain);
	if (why == NULL && c->tls.address != NULL && p->sockets.tls == 0)
		why = http_server_bind(p->arena, c->tls.address, (int)c->tls.port, shared, &p->held.tls);
	if (why == NULL && c->admin.address != NULL)
		why = http_server_bind(
			p->arena, c->admin.address, (int)c->admin.port, shared, &p->held.admin);
	if (why != NULL)
		complain("%s; nothing was started", why);
	return why == NULL;
}

/* What is embedded has users of its own, and its folder is whose it is. */
static int drop_privileges(struct program *p, const char **ret_error)
{
	if (p->options->embedded != NULL) {
		*ret_error = "server.user is not for --embedded";
		return EXIT_CONFIG;
	}
	if (!hold_ports(p))
		return EXIT_UNAVAILABLE;
	return privileges_drop(p->arena, p->config.server.user, ret_error) ? 0 : EXIT_CONFIG;
}

int program_settle(struct program *p)
{
	const struct server_conf *c = &p->config.server;
	const char *error = NULL;
	int status = 0;

	if (c->lock_memory)
		privileges_allow_locking();
	if (c->user != NULL)
		status = drop_privileges(p, &error);
	if (status == 0 && c->lock_memory)
		error = privileges_lock_memory(p->arena);
	if (error == NULL)
		return status;
	complain("%s; nothing was started", error);
	return EXIT_CONFIG;
}

/* Root has read the settings; a reload is by whoever it goes on as. Better said now than then. */
void program_warn_of_reload(const struct program *p)
{
	struct arena *a;
	struct config_faults faults;
	struct config again;

	if (p->config.server.user == NULL)
		return;
	a = arena_create_locked(16384);
	if (!program_read_again(p, a, &again, &faults))
		LOG(LOG_WARN, "server.user cannot read all settings: a reload will change nothing",
			LOG_TEXT("user", p->config.server.user), LOG_INT("faults", faults.n),
			LOG_TEXT("first",
				arena_strndup(a, faults.text.data, strcspn(faults.text.data, "\n"))));
	arena_destroy(a);
}

/* Of a folder that somebody may be serving it is said first who has it. */
static bool is_new(struct program *p)
{
	return access(arena_printf(p->arena, "%s/lock", p->options->embedded), F_OK) != 0;
}

int program_load(struct program *p, const struct options *o, bool make)
{
	const char *error = NULL;
	int status = 0;

	if (!privileges_forbid_dumps())
		complain("core dumps cannot be forbidden: %s", strerror(errno));
	*p = (struct program){
		.options = o, .arena = arena_create_locked(65536), .embedded = { .lock_fd = -1 }
	};
	if (make && !systemd_take_sockets(p->arena, &p->sockets, &error)) {
		complain("%s; nothing was started", error);
		return EXIT_UNAVAILABLE;
	}
	/* A setting that is not valid is said before anything is made. */
	if (o->embedded != NULL && make)
		status = load_settings(p, true);
	if (status == 0 && o->embedded != NULL && make && is_new(p) && !program_can_listen(p))
		status = EXIT_UNAVAILABLE;
	if (status == 0 && o->embedded != NULL)
		status = find_embedded(p, make);
	return status != 0 ? status : load_settings(p, false);
}

void program_forget(struct reloaded *list)
{
	while (list != NULL) {
		struct reloaded *next = list->next;

		arena_destroy(list->arena);
		list = next;
	}
}

void program_free(struct program *p)
{
	program_forget(p->reloaded);
	program_forget(p->replaced);
	program_forget(p->leaving);
	if (p->embedded.lock_fd >= 0)
		close(p->embedded.lock_fd);
	arena_destroy(p->arena);
}
