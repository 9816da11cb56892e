/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_BUNDLE_TURNS_H
#define CC_SRC_CORE_BUNDLE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whose turn it is: the bundles that somebody waits for, and when each of them is looked for or made next. So
 * many threads take them, one of a tenant at a time; those that are `quick` leave to the others what took
 * long. Not by itself safe for threads; `now` is clock_mono_ms(). Where a function says so, threads that have
 * nothing to do must be told to come again.
 */
struct bundle_turns;

#define BUNDLE_MAKERS 2 /* threads of the background that make bundles */

struct bundle_turn {
	struct bundle_turn *next;
	char *tenant_id, *name, *environment;
	int64_t until_ms; /* so long somebody waits */
	int64_t look_ms;  /* then it is looked for … */
	int64_t rest_ms;  /* … but not before this */
	int64_t long_ms;  /* until then it is one that takes long */
	int64_t began_ms;
	int failures; /* in a row */
	bool busy;    /* a thread has it */
	bool again;   /* since it was taken somebody asked for it … */
	bool changed; /* … or its tenant changed something */
};

struct bundle_turns *bundle_turns_create(void);
void bundle_turns_destroy(struct bundle_turns *t);
/* Somebody waits until then. True: threads must be told. */
bool bundle_turns_want(struct bundle_turns *t, const char *tenant_id, const char *environment,
	int64_t until_ms, int64_t now);
/*
 * Those of a tenant (NULL: of all) are due now. changed: because there is something new, and what could not
 * be made may be possible. True: threads must be told.
 */
bool bundle_turns_hurry(struct bundle_turns *t, const char *tenant_id, bool changed, int64_t now);
/* The next, until it is given back; NULL: there is none before *ret_next_ms. */
struct bundle_turn *bundle_turns_claim(struct bundle_turns *t, bool quick, int64_t now, int64_t *ret_next_ms);
/* True: threads must be told. */
bool bundle_turns_release(struct bundle_turns *t, struct bundle_turn *x, bool failed, int64_t now);

#endif
