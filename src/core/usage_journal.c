/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting, and turning what was counted into batches. A half of the journal is either counted in or on its
 * way; turning it over takes the lock of one lane after the other, so that nobody counts into what is on its
 * way. A half whose number is 0 is empty, whatever lies in it: that one store settles a batch.
 */
#include "usage_in.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"

#define HOUR_S 3600
#define BUCKETS (2 * LINES) /* a power of two */
#define SCARCE (FINE / 4 * 3)

const char *const usage_meters[] = { "api_calls", "api_failures", "bouncer_requests", NULL };

/* Where the lines of the half that a lane counts in are; the journal itself knows only their order. */
struct lane {
	struct lock lock;
	int half;
	uint16_t bucket[BUCKETS]; /* of a line, from 1; 0: none */
};

struct usage {
	struct journal *own;
	struct journal *left; /* by processes that are dead */
	char *folder;
	int half; /* that is counted in */
	_Atomic int64_t lost;
	struct lane lane[LANES];
};

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "probing wraps around by a mask");
_Static_assert(LINES < UINT16_MAX, "a bucket holds the number of a line");

struct usage *usage_open(struct arena *a, const char *folder, const char **ret_error)
{
	struct journal *own = journal_create(a, folder, ret_error);
	struct usage *u;

	if (own == NULL)
		return NULL;
	u = mem_alloc(1, sizeof(*u));
	u->own = own;
	u->folder = mem_strdup(folder);
	for (int i = 0; i < LANES; i++)
		lock_init(&u->lane[i].lock, RANK_USAGE);
	(void)usage_adopt(u);
	return u;
}

/* Counting ------------------------------------------------------------------------------------------- */

/* A thread keeps its lane, so that threads seldom meet. */
static int lane_of_thread(void)
{
	static atomic_uint threads;
	static _Thread_local unsigned mine;

	if (mine == 0)
		mine = 1 + atomic_fetch_add(&threads, 1) % LANES;
	return (int)mine - 1;
}

static bool is_same(const struct usage_line *l, const struct usage_line *key)
{
	return l->hour == key->hour && l->meter == key->meter && strcmp(l->tenant, key->tenant) == 0 &&
	       strcmp(l->detail, key->detail) == 0;
}

static uint64_t hash_of(const struct usage_line *key)
{
	const uint64_t h = hash64_of(key->tenant, strlen(key->tenant), (uint64_t)key->hour);

	return hash64_of(key->detail, strlen(key->detail), h + (uint64_t)key->meter);
}

/* The bucket that has the key, or the free one where it belongs. */
static uint16_t *find(struct lane *l, const struct usage_lane *m, const struct usage_line *key)
{
	for (uint64_t h = hash_of(key);; h++) {
		uint16_t *b = &l->bucket[h & (BUCKETS - 1)];

		if (*b == 0 || is_same(&m->line[*b - 1], key))
			return b;
	}
}

/* The line is complete in the file before its number says that it is there. */
static bool add(struct lane *l, struct usage_lane *m, const struct usage_line *key, bool coarse)
{
	uint16_t *b = find(l, m, key);
	_Atomic uint32_t *n = coarse ? &m->coarse : &m->fine;
	const uint32_t at = atomic_load_explicit(n, memory_order_relaxed);

	if (*b != 0) {
		m->line[*b - 1].quantity += key->quantity;
		return true;
	}
	if (at == (coarse ? COARSE : FINE))
		return false;
	m->line[(coarse ? FINE : 0) + at] = *key;
	*b = (uint16_t)((coarse ? FINE : 0) + at + 1);
	atomic_store_explicit(n, at + 1, memory_order_release);
	return true;
}

/* Better without its detail than not at all, and at last in the hour that its tenant has there. */
static bool add_coarse(struct lane *l, struct usage_lane *m, struct usage_line *key)
{
	const uint32_t n = atomic_load_explicit(&m->coarse, memory_order_relaxed);

	memset(key->detail, 0, sizeof(key->detail));
	memcpy(key->detail, USAGE_OTHER, sizeof(USAGE_OTHER));
	if (add(l, m, key, true))
		return true;
	for (uint32_t i = 0; i < n; i++) {
		struct usage_line *line = &m->line[FINE + i];

		if (line->meter == key->meter && strcmp(line->tenant, key->tenant) == 0) {
			line->quantity += key->quantity;
			return true;
		}
	}
	return false;
}

static bool count_in(struct usage *u, struct lane *l, int i, struct usage_line *key, bool *ret_room)
{
	struct usage_lane *m;
	bool placed;

	lock_take(&l->lock);
	m = &u->own->map->lane[l->half][i];
	placed = add(l, m, key, false) || add_coarse(l, m, key);
	*ret_room = atomic_load_explicit(&m->fine, memory_order_relaxed) < SCARCE;
	lock_drop(&l->lock);
	return placed;
}

bool usage_count(struct usage *u, const char *tenant_id, enum usage_meter meter, const char *detail,
		 int64_t n)
{
	const int64_t now = clock_wall_us() / TIME_SECOND;
	const int first = lane_of_thread();
	struct usage_line key = { .hour = now - now % HOUR_S, .meter = meter, .quantity = n };
	bool room = true;

	(void)snprintf(key.tenant, sizeof(key.tenant), "%s", tenant_id);
	(void)snprintf(key.detail, sizeof(key.detail), "%s", detail);
	for (int i = 0; i < LANES; i++) {
		const int at = (first + i) % LANES;

		if (count_in(u, &u->lane[at], at, &key, &room))
			return room;
	}
	if (atomic_fetch_add(&u->lost, n) == 0)
		LOG(LOG_ERROR, "usage is not counted: the journal is full", LOG_TEXT("tenant", tenant_id));
	return false;
}

int64_t usage_lost(const struct usage *u)
{
	return atomic_load(&u->lost);
}

/* Batches -------------------------------------------------------------------------------------------- */

static uint32_t lines_of(const struct usage_lane *m)
{
	return atomic_load(&m->fine) + atomic_load(&m->coarse);
}

static size_t count_lines(const struct journal *j, int half)
{
	size_t n = 0;

	for (int i = 0; i < LANES; i++)
		n += lines_of(&j->map->lane[half][i]);
	return n;
}

/* From here on the other half is counted in. It has its number before anything is counted under it. */
static void turn(struct usage *u)
{
	struct journal_map *m = u->own->map;
	const int other = 1 - u->half;

	atomic_store(&m->seq[other], atomic_load(&m->seq[u->half]) + 1);
	FAILPOINT("usage.numbered");
	for (int i = 0; i < LANES; i++) {
		struct lane *l = &u->lane[i];

		lock_take(&l->lock);
		l->half = other;
		memset(l->bucket, 0, sizeof(l->bucket));
		lock_drop(&l->lock);
		FAILPOINT("usage.turned");
	}
	u->half = other;
}

static bool is_empty(struct usage *u)
{
	bool empty = true;

	for (int i = 0; i < LANES; i++) {
		struct lane *l = &u->lane[i];

		lock_take(&l->lock);
		empty = empty && lines_of(&u->own->map->lane[l->half][i]) == 0;
		lock_drop(&l->lock);
	}
	return empty;
}

static void read_batch(struct arena *a, struct journal *j, int half, struct usage_batch *ret)
{
	const struct usage_line **v = ARENA_ARRAY(a, const struct usage_line *, count_lines(j, half) + 1);

	*ret = (struct usage_batch){
		.boot = j->map->boot, .seq = atomic_load(&j->map->seq[half]), .journal = j, .half = half
	};
	for (int i = 0; i < LANES; i++) {
		const struct usage_lane *m = &j->map->lane[half][i];
		const uint32_t fine = atomic_load(&m->fine), coarse = atomic_load(&m->coarse);

		for (uint32_t k = 0; k < fine; k++)
			v[ret->n++] = &m->line[k];
		for (uint32_t k = 0; k < coarse; k++)
			v[ret->n++] = &m->line[FINE + k];
	}
	ret->lines = v;
}

/* The half of a journal that nobody counts in with the smaller number; -1: both were sent. */
static int first_half(const struct journal_map *m)
{
	const int64_t zero = atomic_load(&m->seq[0]), one = atomic_load(&m->seq[1]);

	if (zero == 0)
		return one == 0 ? -1 : 1;
	return one == 0 || zero < one ? 0 : 1;
}

bool usage_next(struct usage *u, struct arena *a, struct usage_batch *ret)
{
	while (u->left != NULL) {
		struct journal *j = u->left;
		const int half = first_half(j->map);

		if (half >= 0) {
			read_batch(a, j, half, ret);
			return true;
		}
		u->left = j->next;
		journal_close(j, true);
	}
	if (atomic_load(&u->own->map->seq[1 - u->half]) == 0) {
		if (is_empty(u))
			return false;
		turn(u);
	}
	read_batch(a, u->own, 1 - u->half, ret);
	return true;
}

void usage_settle(struct usage *u, const struct usage_batch *b)
{
	struct journal *j = b->journal;

	(void)u;
	FAILPOINT("usage.sent");
	atomic_store(&j->map->seq[b->half], 0);
	FAILPOINT("usage.settled");
	for (int i = 0; i < LANES; i++) {
		atomic_store(&j->map->lane[b->half][i].fine, 0);
		atomic_store(&j->map->lane[b->half][i].coarse, 0);
		FAILPOINT("usage.cleared");
	}
}

int usage_adopt(struct usage *u)
{
	DIR *d = u->folder != NULL ? opendir(u->folder) : NULL;
	int n = 0;

	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		struct journal *j = NULL;

		if (journal_is_name(e->d_name))
			j = journal_take(u->folder, e->d_name);
		if (j == NULL)
			continue;
		j->next = u->left;
		u->left = j;
		n++;
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

void usage_close(struct usage *u)
{
	if (u == NULL)
		return;
	for (struct journal *j = u->left, *next; j != NULL; j = next) {
		next = j->next;
		journal_close(j, first_half(j->map) < 0);
	}
	journal_close(u->own, atomic_load(&u->own->map->seq[1 - u->half]) == 0 && is_empty(u));
	for (int i = 0; i < LANES; i++)
		lock_finish(&u->lane[i].lock);
	free(u->folder);
	free(u);
}
