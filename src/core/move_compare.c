/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides are summed up, 64 rows at a time. What did not change since the target's mark is compared while
 * the tenant works; then, again and again, what had changed meanwhile, until little is left for the time in
 * front of the flip, when nothing changes any more.
 */
#include "move_parts.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/crypto/digest.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"

#define YOUNG_US (INT64_C(23) * 3600 * 1000000)
#define PART_MS 15000           /* of a part; each has the whole time */
#define PART_FIRST 16384        /* keys; the bits of a bucket are none of a part's */
#define PART_LEAST 64
#define BUCKETS 512             /* at once, of those that changed */
#define ROUNDS_MAX 10           /* of what had changed meanwhile */

struct sides {
	struct move *m;
	const char *table;
	int64_t version, seq;           /* of what changed later nothing is known */
	int64_t young;
	int64_t first, behind;          /* keys */
	struct db_rows dirty, sums[2];
	struct strv buckets;
	struct str digest;              /* of what was equal */
};

static enum err read_mark(struct ctx *cx, void *arg)
{
	return q_move_head(cx->db, arg);
}


/* In one snapshot: what is not dirty there is as it was at the mark. */
static enum err sum_source(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	q_move_dirty_later(cx->db, &s->dirty, s->table, s->version, s->seq);
	return q_move_sums(cx->db, &s->sums[0], s->table, s->young, s->first, s->behind);
}

static enum err sum_target(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	return q_move_sums(cx->db, &s->sums[1], s->table, s->young, s->first, s->behind);
}

static enum err sum_some_source(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	q_move_dirty_later(cx->db, &s->dirty, s->table, s->version, s->seq);
	return q_move_sums_of(cx->db, &s->sums[0], s->table, s->young, &s->buckets);
}

static enum err sum_some_target(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	return q_move_sums_of(cx->db, &s->sums[1], s->table, s->young, &s->buckets);
}

/* Behind the dirty buckets before it. */
static bool is_dirty(const struct sides *s, size_t *at, int64_t bucket)
{
	while (*at < s->dirty.n && DB_ROW(&s->dirty, struct move_sum, *at)->bucket < bucket)
		(*at)++;
	return *at < s->dirty.n && DB_ROW(&s->dirty, struct move_sum, *at)->bucket == bucket;
}

static const struct move_sum *sum_at(const struct db_rows *rows, size_t i)
{
	return i < rows->n ? DB_ROW(rows, struct move_sum, i) : NULL;
}

static enum err refuse_difference(struct ctx *cx, const struct sides *s, int64_t bucket)
{
	return refuse(cx, ERR_CONFLICT, "%s of the two regions differ, near row %" PRId64, s->table,
		      bucket * 64);
}

/* Both in the order of their buckets; dirty ones do not count. */
static enum err merge(struct ctx *cx, struct sides *s)
{
	size_t a = 0, b = 0, dirty = 0;

	while (a < s->sums[0].n || b < s->sums[1].n) {
		const struct move_sum *x = sum_at(&s->sums[0], a), *y = sum_at(&s->sums[1], b);
		const int64_t bucket = y == NULL || (x != NULL && x->bucket < y->bucket) ? x->bucket
											 : y->bucket;
		const bool in_x = x != NULL && x->bucket == bucket, in_y = y != NULL && y->bucket == bucket;

		a += in_x;
		b += in_y;
		if (is_dirty(s, &dirty, bucket))
			continue;
		if (!in_x || !in_y || x->rows != y->rows || !str_eq(x->sum, y->sum))
			return refuse_difference(cx, s, bucket);
		str_addf(&s->digest, "%s %lld %s\n", s->table, (long long)bucket, x->sum);
	}
	return ERR_NONE;
}

/* Of the two sides one may have been summed up before an upgrade of its columns and one behind it. */
static enum err unless_upgraded(struct ctx *cx, struct move *m, enum err e)
{
	const struct problem problem = cx->problem;
	const int64_t before = m->columns;

	if (e != ERR_CONFLICT)
		return e;
	TRY(move_columns(cx, m, &m->columns));
	if (m->columns != before)
		return refuse(cx, ERR_UNAVAILABLE, "the tenant's schemas were upgraded meanwhile");
	cx->problem = problem;
	return e;
}

static const char *digest_of(struct ctx *cx, const struct sides *s)
{
	unsigned char hash[32];

	sha256_of(s->digest.data, s->digest.len, hash);
	return arena_printf(cx->arena, "sha256:%s", hex_encode(cx->arena, hash, sizeof(hash)));
}

static void begin(struct ctx *cx, struct move *m, struct sides *s)
{
	*s = (struct sides){ .m = m, .young = move_now(m) - YOUNG_US };
	str_init(&s->digest, cx->arena, 4096);
	str_addf(&s->digest, "%s\n", m->row.checksum != NULL ? m->row.checksum : "");
}

static enum err finish(struct ctx *cx, const struct sides *s, const struct head *mark)
{
	const struct move_figures f = { .lag = INT_NULL, .verified_version = mark->version,
					.verified_seq = mark->audit_seq, .checksum = digest_of(cx, s) };

	TRY(move_figures_add(cx, s->m, &f));
	s->m->row.checksum = f.checksum;
	return ERR_NONE;
}

static bool is_left(const struct move *m, const struct move_table *t)
{
	return m->row.bare && !t->bare;
}

/* All, part by part --------------------------------------------------------------------------------- */

/* The last key of each table, on whichever side. */
struct ends {
	struct tally last[MOVE_TABLES];
	int64_t key[MOVE_TABLES];
};

static enum err read_ends(struct ctx *cx, void *arg)
{
	struct ends *e = arg;

	for (size_t i = 0; i < MOVE_TABLES; i++)
		q_move_cursor_later(cx->db, &e->last[i], move_tables[i].name);
	TRY(db_flush(cx->db));
	for (size_t i = 0; i < MOVE_TABLES; i++)
		if (e->last[i].total > e->key[i])
			e->key[i] = e->last[i].total;
	return ERR_NONE;
}

static enum err compare_part(struct ctx *cx, struct sides *s)
{
	cx->deadline_ms = clock_mono_ms() + PART_MS;
	TRY(db_unit(cx, &s->m->source, DB_READ, sum_source, s));
	TRY(db_unit(cx, &s->m->target, DB_READ, sum_target, s));
	return merge(cx, s);
}

/* From the first key there may be to the last one, also where only one side has any. */
static enum err compare_table(struct ctx *cx, struct sides *s, int64_t last, bool *ret_on)
{
	struct move_pace pace = move_pace(s->m, PART_FIRST, PART_LEAST);

	for (s->first = -INT64_MAX, s->behind = 0; s->first < last; s->first = s->behind) {
		const int64_t began = clock_mono_ms();

		TRY(move_may_go_on(cx, s->m, ret_on));
		if (!*ret_on)
			return ERR_NONE;
		s->behind = last - s->behind > pace.n ? s->behind + pace.n : INT64_MAX;
		TRY(compare_part(cx, s));
		move_pace_took(&pace, clock_mono_ms() - began);
	}
	return ERR_NONE;
}

static enum err compare_all(struct ctx *cx, struct move *m, bool *ret_on)
{
	struct ends ends = { 0 };
	struct head mark;
	struct sides s;

	begin(cx, m, &s);
	TRY(db_unit(cx, &m->target, DB_READ, read_mark, &mark));
	TRY(db_unit(cx, &m->source, DB_READ, read_ends, &ends));
	TRY(db_unit(cx, &m->target, DB_READ, read_ends, &ends));
	s.version = mark.version;
	s.seq = mark.audit_seq;
	for (size_t i = 0; i < MOVE_TABLES; i++) {
		if (is_left(m, &move_tables[i]))
			continue;
		s.table = move_tables[i].name;
		TRY(compare_table(cx, &s, ends.key[i], ret_on));
		if (!*ret_on)
			return ERR_NONE;
		FAILPOINT("move.compare.table");
	}
	return finish(cx, &s, &mark);
}

/* What had changed ---------------------------------------------------------------------------------- */

static void name_buckets(struct ctx *cx, struct sides *s, const struct db_rows *changed, size_t first)
{
	const size_t n = changed->n - first < BUCKETS ? changed->n - first : BUCKETS;
	const char **v = ARENA_ARRAY(cx->arena, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = arena_printf(cx->arena, "%lld",
				    (long long)DB_ROW(changed, struct move_sum, first + i)->bucket);
	s->buckets = (struct strv){ .v = v, .n = n };
}

struct changes {
	struct move *m;
	struct db_rows rows[MOVE_TABLES];
};

static enum err read_changes(struct ctx *cx, void *arg)
{
	struct changes *c = arg;

	for (size_t i = 0; i < MOVE_TABLES; i++)
		if (!is_left(c->m, &move_tables[i]))
			q_move_dirty_later(cx->db, &c->rows[i], move_tables[i].name,
					   c->m->row.verified_version, c->m->row.verified_seq);
	return db_flush(cx->db);
}

/* Its turn must not end meanwhile: others would begin all of it again. With the fence there is no time to. */
static enum err hold(struct ctx *cx, struct move *m)
{
	bool on;

	return move_is_urgent(m->state.step) ? ERR_NONE : move_may_go_on(cx, m, &on);
}

/* What changed since it was compared last, and is in the target by now: up to its mark. */
static enum err compare_changed(struct ctx *cx, struct move *m, const struct head *mark)
{
	struct changes c = { .m = m };
	struct sides s;

	begin(cx, m, &s);
	s.version = mark->version;
	s.seq = mark->audit_seq;
	TRY(db_unit(cx, &m->source, DB_READ, read_changes, &c));
	for (size_t i = 0; i < MOVE_TABLES; i++) {
		s.table = move_tables[i].name;
		for (size_t first = 0; first < c.rows[i].n; first += BUCKETS) {
			TRY(hold(cx, m));
			name_buckets(cx, &s, &c.rows[i], first);
			TRY(db_unit(cx, &m->source, DB_READ, sum_some_source, &s));
			TRY(db_unit(cx, &m->target, DB_READ, sum_some_target, &s));
			TRY(merge(cx, &s));
		}
	}
	return finish(cx, &s, mark);
}

static enum err compare_marked(struct ctx *cx, struct move *m)
{
	struct head mark;

	TRY(db_unit(cx, &m->target, DB_READ, read_mark, &mark));
	return compare_changed(cx, m, &mark);
}

/* So that with the fence little is left to bring and to compare. */
static enum err follow_up(struct ctx *cx, struct move *m, struct move_seen *seen, bool *ret_on)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		cx->deadline_ms = clock_mono_ms() + PART_MS;
		do {
			TRY(move_may_go_on(cx, m, ret_on));
			if (!*ret_on)
				return ERR_NONE;
			TRY(move_catch_up(cx, m, seen));
		} while (seen->outcome == MOVE_MORE);
		cx->deadline_ms = clock_mono_ms() + PART_MS;
		TRY(compare_marked(cx, m));
		if (seen->lag <= MOVE_LAG_SMALL)
			break;
	}
	return ERR_NONE;
}

enum err move_compare(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	bool on = true;

	TRY(move_try_certificates(cx, m));
	FAILPOINT("move.prewarm.tried");
	TRY(move_columns(cx, m, &m->columns));
	TRY(unless_upgraded(cx, m, compare_all(cx, m, &on)));
	if (on)
		TRY(unless_upgraded(cx, m, follow_up(cx, m, seen, &on)));
	if (on)
		TRY(move_bring_beats(cx, m, false));
	seen->outcome = on ? MOVE_DONE : MOVE_MORE;
	return ERR_NONE;
}

static bool same_head(const struct head *a, const struct head *b)
{
	return a->version == b->version && a->audit_seq == b->audit_seq &&
	       a->policies_used == b->policies_used && a->resources_used == b->resources_used &&
	       a->bouncers_used == b->bouncers_used && a->users_used == b->users_used &&
	       a->audit_mac.n == b->audit_mac.n &&
	       (a->audit_mac.n == 0 || memcmp(a->audit_mac.p, b->audit_mac.p, a->audit_mac.n) == 0);
}

/* What stands above the rows. Of one that leaves its data behind the counters are others. */
static enum err compare_heads(struct ctx *cx, struct move *m)
{
	struct head source, target;

	TRY(db_unit(cx, &m->source, DB_READ, read_mark, &source));
	TRY(db_unit(cx, &m->target, DB_READ, read_mark, &target));
	if (m->row.bare || same_head(&source, &target))
		return ERR_NONE;
	return refuse(cx, ERR_CONFLICT, "the counters of the two regions differ");
}

enum err move_compare_rest(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	bool whole;

	if (m->row.verified_version == INT_NULL)
		return refuse(cx, ERR_INTERNAL, "move %s was not compared before its fence", m->row.id);
	TRY(unless_upgraded(cx, m, compare_marked(cx, m)));
	TRY(unless_upgraded(cx, m, compare_heads(cx, m)));
	TRY(move_bring_beats(cx, m, true));
	/* What was being written down without a gate when the fence closed. */
	TRY(move_objects(cx, m, &whole));
	FAILPOINT("move.verify.done");
	seen->outcome = whole ? MOVE_DONE : MOVE_MORE;
	return ERR_NONE;
}
