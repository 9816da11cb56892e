/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_PROGRAM_H
#define CC_DAEMON_PROGRAM_H

#include "cc/base/ctx.h"

#include "config.h"
#include "embedded.h"
#include "systemd.h"

/* What the command line said; NULL and false where it said nothing. */
struct options {
	const char *config, *embedded, *listen, *tls_listen;
	const char *name, *scopes, *output, *key;
	const char *path, *keys;
	const char *socket, *status, *region, *tenant;
	const char *section; /* of the settings: the command needs no other; NULL: all */
	bool dry_run, remove, json, follow;
};

/* Exit statuses beside 0 (sysexits.h). */
enum {
	EXIT_FOUND = 1,    /* scan-secrets, verify-audit, check-objects */
	EXIT_UNPROVEN = 2, /* verify-audit: no fault, but not all could be checked */
	EXIT_USAGE = 64,
	EXIT_NO_INPUT = 66, /* a file cannot be read */
	EXIT_UNAVAILABLE = 69, /* something it needs cannot be reached, or is unsafe to use */
	EXIT_SOFTWARE = 70,
	EXIT_NO_FILE = 73, /* a file cannot be written */
	EXIT_BUSY = 75,    /* another instance has it */
	EXIT_CONFIG = 78,
};

/* What a reload put in place. */
struct reloaded {
	struct arena *arena; /* it lies in it */
	struct config config;
	struct reloaded *next; /* of a list */
};

/* Ports that are held already and not listened on yet; 0: not held. */
struct held_ports {
	int plain, tls, admin;
};

/* A command with its settings. */
struct program {
	struct arena *arena; /* lives as long as the program; wiped */
	const struct options *options;
	struct config config;
	struct embedded embedded; /* valid with options->embedded */
	struct systemd_sockets sockets; /* that came with the process */
	struct held_ports held;
	struct reloaded *reloaded; /* the latest; NULL: none */
	/* those before it: since the last turn of world.turnover, and since the one before that */
	struct reloaded *replaced, *leaving;
};

/* One line on standard error, or of the log where systemd's journal reads it. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Names are whatever somebody once wrote: nothing in them reaches the terminal as a command. */
const char *printable(struct arena *a, const char *text);
/* What a unit of work left in cx->problem. */
void complain_problem(const char *doing, const struct ctx *cx, enum err e);

/*
 * Reads the settings of --config, the environment and --embedded. With make, --embedded DIR is made
 * and locked, but not when it is new and the port is taken; without, a daemon must be serving it.
 * 0, or the exit status after complaining.
 */
int program_load(struct program *p, const struct options *o, bool make);
/* The same settings as they are now, in arena a; changes nothing. False: *faults says why. */
bool program_read_again(
	const struct program *p, struct arena *a, struct config *ret, struct config_faults *faults);
/* All of the list is looked at no more. */
void program_forget(struct reloaded *list);
void program_free(struct program *p);
/* Better said now than after a minute of making databases: the ports that no socket came for. Complains. */
bool program_can_listen(struct program *p);
/*
 * Takes the ports and becomes server.user, if there is one, and locks its memory, if it shall. Before there
 * are threads, and behind the last child. 0, or the exit status after complaining.
 */
int program_settle(struct program *p);
/* Logs what that user could not read again. */
void program_warn_of_reload(const struct program *p);

/* Commands: the exit status. */
int cmd_serve(const struct options *o);
int cmd_migrate(const struct options *o);
int cmd_operator_key_create(const struct options *o);
int cmd_operator_key_list(const struct options *o);
int cmd_operator_key_revoke(const struct options *o);
int cmd_kek_rotate(const struct options *o);
int cmd_check_objects(const struct options *o);
int cmd_scan_secrets(const struct options *o);
int cmd_verify_audit(const struct options *o);
int cmd_admin_tenants(const struct options *o);
int cmd_admin_deployments(const struct options *o);
int cmd_admin_jobs(const struct options *o);
int cmd_admin_outbox(const struct options *o);
int cmd_admin_nodes(const struct options *o);
int cmd_admin_cache(const struct options *o);
int cmd_config_check(const struct options *o);
int cmd_config_example(const struct options *o);
int cmd_openapi(const struct options *o);
int cmd_settings(const struct options *o);
int cmd_routes(const struct options *o);
int cmd_errors(const struct options *o);
int cmd_manual_program(const struct options *o);
int cmd_manual_settings(const struct options *o);
int cmd_version(const struct options *o);

/* The whole program: finds the command, runs it. */
int cli_main(int argc, char **argv);

#endif
