/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CROWD_H
#define CC_TESTS_CROWD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"

/*
 * Clients of one tenant on several nodes while it moves, and a book of what each was told. Writers create
 * policies w<n>-1, w<n>-2 … and change the description of their first one; who is refused asks again. What
 * was acknowledged must be there, once, and there is nothing else. Bouncers give signs of life, each with
 * what it has counted so far.
 */
enum { CROWD_NODES = 3, CROWD_MOST = 16 };
enum crowd_role { CROWD_WRITES, CROWD_READS, CROWD_BEATS };

struct crowd_worker {
	struct crowd *crowd;
	int n;
	enum crowd_role role;
	pthread_t thread;
	struct client *client[CROWD_NODES];
	int port[CROWD_NODES];      /* that it is connected to */
	atomic_long created;        /* acknowledged: w<n>-1 to this */
	long described, describing; /* of w<n>-1: the latest acknowledged, and asked for */
	long requests, refused;
	int64_t longest_ms; /* from the first refusal of a write to its success */
	char first[32];     /* id of w<n>-1, or of the bouncer */
	long beaten;        /* requests of the bouncer: the latest acknowledged */
	char problem[600];
};

struct crowd {
	const struct tenant_fixture *t;
	int nodes, workers;
	bool faults; /* nodes and servers die: no answer, or 503 of other kinds, may be */
	int writer_pause_ms, reader_pause_ms;
	int bouncers, beat_pause_ms;
	int policies;                 /* 1 to this are there from the start: readers ask for them */
	atomic_int port[CROWD_NODES]; /* where each node listens; 0: it is away */
	atomic_bool stop;
	struct crowd_worker worker[CROWD_MOST];
};

/* nodes: at most CROWD_NODES; writers, readers and bouncers: CROWD_MOST together. */
void crowd_start(struct crowd *c, struct daemon *const *node, int writers, int readers);
/* A node is away (NULL), or back. */
void crowd_node(struct crowd *c, int i, struct daemon *d);
/* Ends the test with what was answered wrongly. */
void crowd_stop(struct crowd *c);
/* What the schema says, while they work or when they have stopped. Ends the test with a difference. */
void crowd_check(struct crowd *c, struct daemon *d, const char *region, const char *schema);
long crowd_created(struct crowd *c);
long crowd_beats(const struct crowd *c); /* acknowledged */
long crowd_requests(const struct crowd *c);
long crowd_refused(const struct crowd *c);
int64_t crowd_longest_ms(const struct crowd *c);

#endif
