/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows from the source to the target. The copy takes, page by page and each in a snapshot of its own, what
 * was not changed since the mark in the target's head; catching up takes the rest in rounds, each in one
 * snapshot of the source and one transaction of the target, which moves the mark with it.
 */
#include "move_parts.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"

#define SLICE_MS 1000           /* of a copy, then somebody else may have a turn */
#define PAGE_BYTES (1 << 20)
#define PAGE_FIRST 64
#define PAGE_MAX 4000
#define ROUND_FIRST 2000        /* versions */
#define PACE_MOST 65536
#define PACE_LONG_MS 1000
#define PACE_SHORT_MS 300

const struct move_table move_tables[MOVE_TABLES] = {
	{ "users", true, true }, { "resources", false, true }, { "bouncers", false, true },
	{ "policies", false, true }, { "policy_versions", false, true }, { "tombstones", true, false },
	{ "audit", true, false }, { "idempotency", true, false },
};

struct move_pace move_pace(const struct move *m, int64_t first, int64_t least)
{
	const int64_t halvings = 2 * (m->state.failures < 16 ? m->state.failures : 16);
	const int64_t n = first >> halvings;

	return (struct move_pace){ .n = n > least ? n : least, .least = least, .most = PACE_MOST };
}

void move_pace_took(struct move_pace *p, int64_t ms)
{
	if (ms > PACE_LONG_MS && p->n / 2 >= p->least)
		p->n /= 2;
	else if (ms < PACE_SHORT_MS && p->n * 2 <= p->most)
		p->n *= 2;
}

static bool stays(const struct move *m, const struct move_table *t)
{
	return m->row.bare && !t->bare;
}

/* Lines of one page, and how large the next one may be. */
struct page {
	const struct move *m;
	const char *table;
	struct head mark;               /* of the target */
	int64_t after, most;
	struct db_rows lines;
	struct strv v;
	int64_t rows, bytes;            /* of all pages so far */
};

static void page_took(struct ctx *cx, struct page *p)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, p->lines.n + 1);
	int64_t bytes = 1;

	for (size_t i = 0; i < p->lines.n; i++) {
		v[i] = DB_ROW(&p->lines, struct move_line, i)->line;
		bytes += (int64_t)strlen(v[i]);
	}
	p->v = (struct strv){ .v = v, .n = p->lines.n };
	p->rows += (int64_t)p->lines.n;
	p->bytes += bytes - 1;
	if (p->lines.n == 0)
		return;
	p->after = DB_ROW(&p->lines, struct move_line, p->lines.n - 1)->key;
	p->most = (int64_t)p->lines.n * PAGE_BYTES / bytes + 1;
	p->most = p->most > PAGE_MAX ? PAGE_MAX : p->most;
}

static enum err read_page(struct ctx *cx, void *arg)
{
	struct page *p = arg;

	return q_move_page(cx->db, &p->lines, p->table, p->after, p->mark.version, p->mark.audit_seq,
			   p->most);
}

static enum err put_page(struct ctx *cx, void *arg)
{
	struct page *p = arg;
	struct head head;

	TRY(move_touch_target(cx, p->m, &head));
	q_move_put_later(cx->db, p->table, &p->v);
	return ERR_NONE;
}

static enum err read_cursor(struct ctx *cx, void *arg)
{
	struct page *p = arg;
	struct tally cursor = { 0 };

	TRY(q_move_head(cx->db, &p->mark));
	TRY(q_move_cursor(cx->db, &cursor, p->table));
	p->after = cursor.total;
	return ERR_NONE;
}

static enum err copy_table(struct ctx *cx, struct move *m, struct page *p, int64_t until)
{
	TRY(db_unit(cx, &m->target, DB_READ, read_cursor, p));
	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		TRY(db_unit(cx, &m->source, DB_READ, read_page, p));
		page_took(cx, p);
		if (p->v.n > 0)
			TRY(db_unit(cx, &m->target, DB_WRITE, put_page, p));
		FAILPOINT("move.copy.page");
		arena_rewind(cx->arena, mark);
	} while (p->v.n > 0 && clock_mono_ms() < until);
	return ERR_NONE;
}

static enum err follow_objects(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	bool whole;

	TRY(move_objects(cx, m, &whole));
	seen->outcome = whole ? MOVE_DONE : MOVE_MORE;
	return ERR_NONE;
}

enum err move_copy(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	const int64_t began = clock_mono_ms();
	struct page p = { .m = m };
	struct move_figures f = { .lag = INT_NULL, .verified_version = INT_NULL, .verified_seq = INT_NULL };

	seen->outcome = MOVE_DONE;
	for (size_t i = 0; i < MOVE_TABLES && seen->outcome == MOVE_DONE; i++) {
		if (stays(m, &move_tables[i]))
			continue;
		p.table = move_tables[i].name;
		p.most = PAGE_FIRST;
		p.v.n = 0;
		TRY(copy_table(cx, m, &p, began + SLICE_MS));
		if (p.v.n > 0)
			seen->outcome = MOVE_MORE;
	}
	f.rows = p.rows;
	f.bytes = p.bytes;
	f.copy_ms = clock_mono_ms() - began + 1;
	TRY(move_figures_add(cx, m, &f));
	return seen->outcome == MOVE_DONE ? follow_objects(cx, m, seen) : ERR_NONE;
}

/* Catching up ---------------------------------------------------------------------------------------- */

struct round {
	struct move *m;
	struct ctx *source;             /* its one snapshot is open */
	struct page page;
	struct move_line head;
	struct head now;                /* of the source, in that snapshot */
	struct tally lag;
	int64_t versions;               /* no more of them in this round */
	int64_t forgotten;              /* what changed up to this version is not in the target, but for … */
	bool whole;                     /* nothing was left over */
};

/* Versions, or numbers of the audit. */
struct span {
	int64_t after, upto;
};

typedef enum err (*reader)(struct db *db, struct db_rows *rows, const char *tbl, int64_t after, int64_t upto,
			   int64_t most);
typedef void (*writer)(struct db *db, const char *tbl, const struct strv *v);

/* What the source says in pages is given to the target. */
static enum err pump(struct ctx *cx, struct round *r, const char *from, const char *to, struct span span,
		     reader read, writer write)
{
	struct page *p = &r->page;

	p->after = span.after;
	p->most = PAGE_FIRST;
	do {
		const struct arena_mark here = arena_mark(cx->arena), there = arena_mark(r->source->arena);

		TRY(read(r->source->db, &p->lines, from, p->after, span.upto, p->most));
		page_took(r->source, p);
		if (p->v.n > 0)
			write(cx->db, to, &p->v);
		TRY(db_flush(cx->db));
		arena_rewind(cx->arena, here);
		arena_rewind(r->source->arena, there);
	} while (p->v.n > 0);
	return ERR_NONE;
}

/*
 * All that changed goes first, also what this round does not bring, so that no name is in the way of another
 * row that has it by now.
 */
static enum err forget_touched(struct ctx *cx, struct round *r, int64_t mark)
{
	const struct span span = { r->forgotten > mark ? r->forgotten : mark, r->now.version };
	char gone[64];

	for (size_t i = 0; i < MOVE_TABLES; i++) {
		const struct move_table *t = &move_tables[i];

		if (!t->keyed || stays(r->m, t))
			continue;
		memcpy(gone, t->name, strlen(t->name) + 1);
		memcpy(gone + strlen(t->name), " gone", sizeof(" gone"));
		TRY(pump(cx, r, t->name, t->name, span, q_move_touched, q_move_forget_later));
		TRY(pump(cx, r, gone, t->name, span, q_move_touched, q_move_forget_later));
	}
	return ERR_NONE;
}

static int64_t at_most(int64_t n, int64_t most)
{
	return n < most ? n : most;
}

static enum err bring_changed(struct ctx *cx, struct round *r, const struct span *data,
			      const struct span *audit)
{
	r->page.rows = r->page.bytes = 0;
	for (size_t i = 0; i < MOVE_TABLES; i++) {
		const struct move_table *t = &move_tables[i];
		const struct span *span = str_eq(t->name, "audit") ? audit : data;

		if (!stays(r->m, t) && span->after < span->upto)
			TRY(pump(cx, r, t->name, t->name, *span, q_move_changed, q_move_put_later));
	}
	return ERR_NONE;
}

static enum err follow(struct ctx *cx, void *arg)
{
	struct round *r = arg;
	struct span data, audit;
	struct head mark;

	TRY(move_touch_target(cx, r->m, &mark));
	q_move_head_later(r->source->db, &r->now);
	q_move_head_line_later(r->source->db, &r->head);
	TRY(q_move_lag(r->source->db, &r->lag, mark.version, mark.audit_seq));
	data = (struct span){ mark.version, at_most(r->now.version, mark.version + r->versions) };
	audit = (struct span){ mark.audit_seq, at_most(r->now.audit_seq, mark.audit_seq + r->versions) };
	r->whole = data.upto == r->now.version && audit.upto == r->now.audit_seq;
	TRY(forget_touched(cx, r, mark.version));
	TRY(bring_changed(cx, r, &data, &audit));
	FAILPOINT("move.catchup.round");
	if (r->whole)
		q_move_head_put_later(cx->db, r->head.line, r->m->row.bare);
	else
		q_move_mark_put_later(cx->db, data.upto, audit.upto);
	return ERR_NONE;
}

/* In the snapshot of the source: the target's transaction, in a context of its own. */
static enum err follow_from(struct ctx *cx, void *arg)
{
	struct round *r = arg;
	struct ctx target = { .arena = arena_create(65536), .world = cx->world,
			      .deadline_ms = cx->deadline_ms };
	enum err e;

	r->source = cx;
	e = db_unit(&target, &r->m->target, DB_WRITE, follow, r);
	if (e != ERR_NONE && target.problem.message != NULL)
		(void)refuse(cx, e, "%s", target.problem.message);
	arena_destroy(target.arena);
	return e;
}

static enum err catch_up_once(struct ctx *cx, struct round *r, struct move_pace *pace)
{
	const struct arena_mark mark = arena_mark(cx->arena);
	const int64_t began = clock_mono_ms();
	struct move_figures f = { .verified_version = INT_NULL, .verified_seq = INT_NULL };

	r->versions = pace->n;
	TRY(db_unit(cx, &r->m->source, DB_READ, follow_from, r));
	r->forgotten = r->now.version;
	move_pace_took(pace, clock_mono_ms() - began);
	f.rows = r->page.rows;
	f.bytes = r->page.bytes;
	f.lag = r->lag.total;
	arena_rewind(cx->arena, mark);
	FAILPOINT("move.catchup.done");
	return move_figures_add(cx, r->m, &f);
}

enum err move_catch_up(struct ctx *cx, struct move *m, struct move_seen *seen)
{
	const int64_t end = clock_mono_ms() + SLICE_MS;
	struct move_pace pace = move_pace(m, ROUND_FIRST, 1);
	struct round r = { .m = m, .page = { .m = m } };

	do
		TRY(catch_up_once(cx, &r, &pace));
	while (!r.whole && clock_mono_ms() < end);
	/* With the source fenced it was all there is; else as much may have changed since. */
	seen->lag = m->state.step == MOVE_DRAIN ? 0 : r.lag.total;
	seen->outcome = MOVE_MORE;
	return r.whole ? follow_objects(cx, m, seen) : ERR_NONE;
}

static enum err put_live(struct ctx *cx, void *arg)
{
	const struct page *p = arg;

	q_move_put_later(cx->db, p->table, &p->v);
	return ERR_NONE;
}

/* What nobody's version knows of: as it is, once, where the target has nothing of its own yet. */
enum err move_copy_live(struct ctx *cx, struct move *m)
{
	static const char *const live[] = { "user_live", "bouncer_live" };

	for (size_t i = 0; i < 2; i++) {
		struct page p = { .m = m, .table = live[i], .most = PAGE_FIRST };

		do {
			const struct arena_mark mark = arena_mark(cx->arena);

			TRY(db_unit(cx, &m->source, DB_READ, read_page, &p));
			page_took(cx, &p);
			if (p.v.n > 0)
				TRY(db_unit(cx, &m->target, DB_WRITE, put_live, &p));
			arena_rewind(cx->arena, mark);
		} while (p.v.n > 0);
	}
	return ERR_NONE;
}
