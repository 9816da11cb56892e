/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_PLANE_H
#define CC_TESTS_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "pg.h"
#include "cc/core/provision.h"
#include "cc/core/world.h"

/* A control plane without its HTTP side: core on a throw-away PostgreSQL, with two regions in it. */
#define PLANE_REGIONS 2
#define PLANE_CONTROL "controlcored"
#define PLANE_EAST "east" /* databases of us-east-1 … */
#define PLANE_WEST "west" /* … and eu-west-1 */

struct plane {
	struct pg *pg;
	struct pg *west; /* of the region eu-west-1: the same, but for plane_start_two() */
	struct arena *arena; /* what lives as long as the plane */
	struct settings settings;
	struct region regions[PLANE_REGIONS];
	struct world world;
};

/* Starts the server and sets everything up, without spares. */
struct plane *plane_start(void);
/* The same with a server of its own for eu-west-1. */
struct plane *plane_start_two(void);
void plane_stop(struct plane *p);
/* A plane on a server that runs: pools and registry of its own, nothing is set up. */
struct plane *plane_join(struct pg *pg);
void plane_leave(struct plane *p);

/* A context with an arena of its own; the arena goes with plane_done(). */
struct ctx plane_ctx(struct plane *p);
void plane_done(struct ctx *cx);

/* A creation in us-east-1 on plan pro; the domain is <slug>.controlcore.io. */
struct tenant_spec plane_spec(struct plane *p, const char *slug);
/* Creates it; an error ends the test. The id lives as long as the plane. */
const char *plane_tenant(struct plane *p, const char *slug);
/* One tick; an error ends the test. */
struct tick_report plane_tick(struct plane *p);
/* All leases have run out, and purges are due. */
void plane_expire(struct plane *p);
/* Numbers and texts from one of the databases; %s in sql is filled like printf. */
int64_t plane_number(struct plane *p, const char *database, const char *sql_fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *plane_text(struct plane *p, const char *database, const char *sql_fmt, ...)
	__attribute__((format(printf, 3, 4)));
void plane_sql(struct plane *p, const char *database, const char *sql_fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Nothing half made anywhere: rows, schemas and roles say the same. Ends the test with what does not. */
void plane_check_whole(struct plane *p);

/* Empty again: every tenant purged, every schema dropped. */
void plane_clean(struct plane *p);
/* What somebody left who died is finished or taken away, and nothing half made stays. */
void plane_recover(struct plane *p);
/* The tenant's undo window is over. */
void plane_schedule(struct plane *p, const char *id);
void plane_keys(struct plane *p, const char *id, int n); /* gives it API keys */
const char *plane_schema(struct plane *p, const char *id);
int64_t plane_count(struct plane *p, const char *table_and_where); /* rows of the control database */
/* A tenant of plane_spec() as it is right after its creation. */
void plane_check_tenant(struct plane *p, const char *id);

/*
 * Runs work in a process of its own, on a plane of its own, armed with a failpoint ("*:3"). True: it
 * died there. False: it ended by itself; work's answer must then have been ERR_NONE.
 */
typedef enum err (*plane_work)(struct plane *p, struct ctx *cx, void *arg);
bool plane_dies_at(struct plane *p, const char *failpoint, plane_work work, void *arg);

#endif
