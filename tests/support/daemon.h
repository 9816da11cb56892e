/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_DAEMON_H
#define CC_TESTS_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The real program with a PostgreSQL and a Redis of its own, on unix sockets in a temporary folder.
 * Everything is gone with the test process, whatever ends it. Failures end the test with a message
 * and the last lines of the daemon's log. One thread at a time.
 */
struct daemon;

/* All zero: what most suites want. */
struct daemon_options {
	bool own_servers;      /* a PostgreSQL for each region, and one for the control database */
	bool nine_regions;     /* all of the spec's instead of us-east-1, eu-west-1, ap-southeast-1 */
	int undo_window_s;     /* 0: 30 days */
	int spare_schemas;     /* per region; 0: the default of 2; -1: none */
	int provision_lease_s; /* 0: 60, more than any creation takes */
	int poll_ms;           /* change feed; 0: 500 */
	int workers;           /* 0: 8 */
	int lag_ms;
	bool without_redis;
	/* This node reaches these regions (as in servers_region_ids[]) by other folders: cable_folder(). */
	const char *via[3];
	const char *ulimit;     /* of the daemon alone: "-Sn 1024", "-n 500"; NULL: as this process has it */
	const char *plans;      /* text of a plans file; NULL: the plans of daemon_plans */
	const char *const *env; /* more environment, NULL-terminated: "CONTROLCORE_LIMITS_STATEMENT_MS=200",
					 * "CC_FAILPOINT=name:3"; stays for restarts until daemon_env() */
};

/* free, pro, enterprise as in config/plans.conf, with rate limits too high to meet by accident. */
extern const char daemon_plans[];

/* The settings secrets.audit_key and secrets.signing_key. */
extern const char daemon_audit_key[], daemon_signing_key[];

/* Starts all of it and waits for /readyz. */
struct daemon *daemon_start(const struct daemon_options *options); /* NULL: all zero */
/* A second node on the same PostgreSQL and Redis, with its own port. Stop it before the first. */
struct daemon *daemon_join(struct daemon *first, const struct daemon_options *options);
/* Stops (SIGTERM), checks that it ended with status 0, removes everything. NULL is fine. */
void daemon_finish(struct daemon *d);

/* SIGTERM and wait: exit status (128 + signal when it died of one). PostgreSQL and Redis stay. */
int daemon_stop(struct daemon *d);
/* SIGKILL and wait. */
void daemon_kill(struct daemon *d);
/* Waits for it to end by itself (failpoints): its status, or -1 when it still runs after ms. */
int daemon_await_end(struct daemon *d, int ms);
/* Starts it again on the same data (the port may differ) and waits for /readyz. */
void daemon_restart(struct daemon *d);
/* The same without waiting; true once /readyz answers 200 within ms. */
void daemon_launch(struct daemon *d);
bool daemon_await_ready(struct daemon *d, int ms);
/* Replaces options->env for the next start; NULL: none. */
void daemon_env(struct daemon *d, const char *const *env);
bool daemon_running(struct daemon *d);

/* A KEK beside "tests", which seals: for nodes that are started later with CONTROLCORE_SECRETS_KEKS. */
void daemon_kek(const struct daemon *d, const char *id, const char *digits);
#define DAEMON_KEK "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* What it depends on: PostgreSQL with all its sessions, Redis with all it holds; SIGKILL, and back again. */
void daemon_database_kill(struct daemon *d);
void daemon_database_restart(struct daemon *d);
void daemon_redis_kill(struct daemon *d);
void daemon_redis_restart(struct daemon *d);
/* The server of one region, with own_servers: killed, silent (SIGSTOP), and back from both. */
void daemon_region_kill(struct daemon *d, const char *region);
void daemon_region_restart(struct daemon *d, const char *region);
void daemon_region_freeze(struct daemon *d, const char *region);
void daemon_region_thaw(struct daemon *d, const char *region);
pid_t daemon_redis_pid(const struct daemon *d); /* 0: killed, or without_redis */

int daemon_port(const struct daemon *d);
pid_t daemon_pid(const struct daemon *d);
/* An operator key with every platform and every tenant scope, made by `controlcored operator-key create`. */
const char *daemon_operator_key(struct daemon *d);
/* A further operator key with these scopes ("platform:read,tenant:read"); malloc'ed. */
char *daemon_make_operator_key(struct daemon *d, const char *scopes);

/* Where the socket of a region's server is. */
const char *daemon_region_folder(const struct daemon *d, const char *region);
/* As the superuser, at the server that has it: "host=… port=… dbname=<database> user=…"; malloc'ed. */
char *daemon_conninfo(const struct daemon *d, const char *database);
#define DAEMON_CONTROL_DB "cc_control"
/* Name of a region's database: region_us_east_1; malloc'ed. */
char *daemon_region_db(const char *region);
const char *daemon_redis_socket(const struct daemon *d); /* NULL: without_redis */
const char *daemon_config_path(const struct daemon *d);
const char *daemon_log_path(const struct daemon *d); /* JSON lines of every start */
int daemon_log_lines(const struct daemon *d, const char *text); /* how many of them have this text, so far */
const char *daemon_folder(const struct daemon *d);
const char *daemon_objects(const struct daemon *d); /* the folder that is its store */

/*
 * For cmocka's group set-up and tear-down: starts with the options set before by
 * daemon_group_options(), *state is the struct daemon.
 */
void daemon_group_options(const struct daemon_options *options);
int daemon_group_setup(void **state);
int daemon_group_teardown(void **state);

#endif
