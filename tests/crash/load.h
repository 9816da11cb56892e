/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_LOAD_H
#define CC_TESTS_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "crash.h"

/*
 * Clients that use the API at once, each on what only it touches, and that keep a book of what they were
 * told: of every tenant, policy and key what it may be by now. An acknowledged change leaves one
 * possibility; a change whose answer never came or was 503 leaves two. Then the API and the databases are
 * compared with the books: what is there must be possible, and nothing may be there that no book explains.
 */
enum { LOAD_CLIENTS = 4, LOAD_KINDS = 3, LOAD_ITEMS = 24 };

enum load_kind { LOAD_POLICY, LOAD_TENANT, LOAD_KEY };

/* Sets of these: what something may be. */
enum load_state { MAY_BE_ABSENT = 1, MAY_BE_LIVE = 2, MAY_BE_SUSPENDED = 4, MAY_BE_GONE = 8 };

struct item {
	int n; /* its name */
	unsigned may;
	int text, new_text; /* of its description, certainly and perhaps */
	char id[80], key[80];
};

/* What an answer may be besides the right one. */
struct load_rules {
	bool breaks;      /* the daemon dies or leaves: none at all, and the client stops there */
	bool unavailable; /* 503, with Retry-After */
};

struct load_client {
	struct load *load;
	int index;
	struct tenant_fixture t;
	struct item items[LOAD_KINDS][LOAD_ITEMS];
	struct client *own, *operator;
	uint64_t random;
	pthread_t thread;
	int names, requests;
	bool refused;        /* the last answer was 503 */
	char unanswered[32]; /* the request that got no answer; empty: all did */
	char problem[900];   /* empty: none */
};

struct load {
	struct crash *x;
	struct load_rules rules;
	bool running;
	atomic_bool stop;
	atomic_long acknowledged, refused; /* refused: 503 */
	atomic_llong longest_us;
	struct load_client client[LOAD_CLIENTS];
};

/* Makes a tenant for each client. */
struct load *load_create(struct crash *x, const struct load_rules *rules);
void load_destroy(struct load *l);
void load_start(struct load *l);
/* Each client ends after the answer it is waiting for. Ends the test with what was answered wrongly. */
void load_stop(struct load *l);
/* While it runs: until so many more changes are acknowledged; two minutes at most. */
void load_await_progress(struct load *l, long more);

/*
 * ledger.c: the comparison; what was uncertain is certain afterwards. settled: nothing is under way any
 * more; otherwise the creation of a tenant may still be.
 */
void ledger_check(struct load *l, bool settled);

#endif
