/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STAGE_H
#define CC_TESTS_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "client.h"
#include "daemon.h"
#include "cc/http/route.h"

/*
 * Three tenants full of recognisable texts, two of them in one region and shard, and two more that are
 * suspended and deleted: what the suites of this folder attack.
 */
#define STAGE_BOUNCER "stage-1" /* what a bouncer of each party calls itself */
enum { ACTORS = 3, PARTIES = 5, ASLEEP = 3, GONE = 4, OBJECTS_MAX = 32 };

struct party {
	struct tenant_fixture t;
	char title[40];         /* in the tenant's name: operators may see it */
	char marker[40];        /* in its objects: nobody else may ever see it */
	char schema[32];        /* of its database: nobody may ever see it */
	char *limited_key;      /* holds policies:read alone */
	struct {
		const char *made_at;    /* path of the route that makes them: "/policies" */
		char id[48];
	} object[OBJECTS_MAX];
	int nobjects;
};

struct stage {
	struct daemon *d;
	struct client *op;      /* as the operator, on a connection of its own */
	struct party party[PARTIES];
	char *reader;           /* an operator's key with platform:read alone */
	char *revoked;          /* a key of the first tenant that was revoked */
	char unknown_id[48], unknown_slug[32];
	int made;               /* counts names that must differ */
};

/* Both end the test when anything goes wrong. */
struct stage *stage_build(struct daemon *d);
void stage_clear(struct stage *s);

/* One value of a query on a database of the daemon's PostgreSQL, as the superuser; malloc'ed, "" for none. */
char *stage_value(struct daemon *d, const char *database, const char *sql);

/* The table of contents, one by one: index 0… until NULL. */
const struct route *route_at(size_t index, const char **ret_prefix);
/* The route with this method and path, or NULL. */
const struct route *route_named(enum method m, const char *path);
/* Is this part of a path a parameter, and is it the tenant's? */
bool path_names_tenant(const struct route *r);
/* The path of the route that makes what the last {…} of this path names; false: it names no object. */
bool path_maker(const struct route *r, char *ret, size_t size);

/*
 * A valid body for the route, from its field table, with the marker in its texts; malloc'ed, NULL when it
 * takes none. The same fields get the same values each time, but for names and descriptions.
 */
char *stage_body(struct stage *s, const struct route *r, const char *marker);

/* The id of an object of this party, made when there is none yet; fresh: a new one that nobody else uses. */
const char *stage_object(struct stage *s, struct party *p, const char *made_at);
void stage_fresh_object(struct stage *s, struct party *p, const char *made_at, char *ret, size_t size);

#endif
