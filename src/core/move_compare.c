/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides are summed up, 64 rows at a time. What did not change since the target's mark is compared while
 * the tenant works; what did, in front of the flip, when nothing changes any more.
 */
#include <inttypes.h>

#include "move_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/crypto/digest.h"
#include "cc/model/q_tenant.h"

#define COMPARE_MS 110000
#define YOUNG_US (INT64_C(23) * 3600 * 1000000)

struct sides {
	struct move *m;
	const char *table;
	int64_t version, seq, young;    /* dirty: since then */
	struct db_rows dirty, sums[2];
	struct strv buckets;
	struct str digest;              /* of what was equal */
};

static enum err read_mark(struct ctx *cx, void *arg)
{
	return q_move_head(cx->db, arg);
}

static enum err read_dirty(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	return q_move_dirty(cx->db, &s->dirty, s->table, s->version, s->seq);
}

/* In one snapshot: what is not dirty there is as it was at the mark. */
static enum err sum_source(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	TRY(read_dirty(cx, s));
	return q_move_sums(cx->db, &s->sums[0], s->table, s->young);
}

static enum err sum_target(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	return q_move_sums(cx->db, &s->sums[1], s->table, s->young);
}

static enum err sum_some(struct ctx *cx, struct sides *s, struct db_rows *ret)
{
	return q_move_sums_of(cx->db, ret, s->table, s->young, &s->buckets);
}

static enum err sum_dirty_source(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	return sum_some(cx, s, &s->sums[0]);
}

static enum err sum_dirty_target(struct ctx *cx, void *arg)
{
	struct sides *s = arg;

	return sum_some(cx, s, &s->sums[1]);
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
		      bucket << 6);
}

/* Both in the order of their buckets. except: dirty ones do not count. */
static enum err merge(struct ctx *cx, struct sides *s, bool except)
{
	size_t a = 0, b = 0, dirty = 0;

	while (a < s->sums[0].n || b < s->sums[1].n) {
		const struct move_sum *x = sum_at(&s->sums[0], a), *y = sum_at(&s->sums[1], b);
		const int64_t bucket = y == NULL || (x != NULL && x->bucket < y->bucket) ? x->bucket
											 : y->bucket;
		const bool in_x = x != NULL && x->bucket == bucket, in_y = y != NULL && y->bucket == bucket;

		a += in_x;
		b += in_y;
		if (except && is_dirty(s, &dirty, bucket))
			continue;
		if (!in_x || !in_y || x->rows != y->rows || !str_eq(x->sum, y->sum))
			return refuse_difference(cx, s, bucket);
		str_addf(&s->digest, "%s %lld %s\n", s->table, (long long)bucket, x->sum);
	}
	return ERR_NONE;
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

static enum err finish(struct ctx *cx, const struct sides *s, int64_t version, int64_t seq)
{
	const struct move_figures f = { .lag = INT_NULL, .verified_version = version, .verified_seq = seq,
					.checksum = digest_of(cx, s) };

	TRY(move_figures_add(cx, s->m, &f));
	s->m->row.checksum = f.checksum;
	return ERR_NONE;
}

enum err move_compare(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	struct db_place source = m->source, target = m->target;
	struct head mark;
	struct sides s;

	cx->deadline_ms = clock_mono_ms() + COMPARE_MS;
	source.statement_ms = target.statement_ms = COMPARE_MS;
	begin(cx, m, &s);
	TRY(db_unit(cx, &target, DB_READ, read_mark, &mark));
	s.version = mark.version;
	s.seq = mark.audit_seq;
	for (size_t i = 0; i < MOVE_TABLES; i++) {
		if (m->row.bare && !move_tables[i].bare)
			continue;
		s.table = move_tables[i].name;
		TRY(db_unit(cx, &source, DB_READ, sum_source, &s));
		TRY(db_unit(cx, &target, DB_READ, sum_target, &s));
		TRY(merge(cx, &s, true));
		FAILPOINT("move.compare.table");
	}
	seen->outcome = MOVE_DONE;
	return finish(cx, &s, mark.version, mark.audit_seq);
}

static void name_buckets(struct ctx *cx, struct sides *s)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, s->dirty.n + 1);

	for (size_t i = 0; i < s->dirty.n; i++)
		v[i] = arena_printf(cx->arena, "%lld",
				    (long long)DB_ROW(&s->dirty, struct move_sum, i)->bucket);
	s->buckets = (struct strv){ .v = v, .n = s->dirty.n };
}

enum err move_compare_rest(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	struct sides s;

	begin(cx, m, &s);
	if (m->row.verified_version == INT_NULL)
		return refuse(cx, ERR_INTERNAL, "move %s was not compared before its fence", m->row.id);
	s.version = m->row.verified_version;
	s.seq = m->row.verified_seq;
	for (size_t i = 0; i < MOVE_TABLES; i++) {
		if (m->row.bare && !move_tables[i].bare)
			continue;
		s.table = move_tables[i].name;
		TRY(db_unit(cx, &m->source, DB_READ, read_dirty, &s));
		name_buckets(cx, &s);
		if (s.dirty.n == 0)
			continue;
		TRY(db_unit(cx, &m->source, DB_READ, sum_dirty_source, &s));
		TRY(db_unit(cx, &m->target, DB_READ, sum_dirty_target, &s));
		TRY(merge(cx, &s, false));
	}
	FAILPOINT("move.verify.done");
	seen->outcome = MOVE_DONE;
	return finish(cx, &s, s.version, s.seq);
}
