/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When bouncers were last heard from, and what they had counted then: usage is the difference to it, so the
 * target must have it before it hears from them. All of it goes while the tenant works, and with the fence,
 * which keeps new ones out, once more what is young.
 */
#include "move_parts.h"

#include "cc/base/failpoint.h"
#include "cc/model/q_tenant.h"

#define PAGE 2000

struct beats {
	struct move *m;
	bool young;
	int64_t after;
	struct db_rows lines;
	struct strv v;
};

static enum err read_page(struct ctx *cx, void *arg)
{
	struct beats *b = arg;

	return q_move_beats(cx->db, &b->lines, b->after, b->young, PAGE);
}

static enum err put_page(struct ctx *cx, void *arg)
{
	struct beats *b = arg;
	struct head head;

	TRY(move_touch_target(cx, b->m, &head));
	q_move_beats_put_later(cx->db, &b->v);
	return ERR_NONE;
}

static void take_lines(struct ctx *cx, struct beats *b)
{
	const char **v = ARENA_ARRAY(cx->arena, const char *, b->lines.n + 1);

	for (size_t i = 0; i < b->lines.n; i++) {
		const struct move_line *line = DB_ROW(&b->lines, struct move_line, i);

		v[i] = line->line;
		b->after = line->key;
	}
	b->v = (struct strv){ .v = v, .n = b->lines.n };
}

enum err move_bring_beats(struct ctx *cx, struct move *m, bool young)
{
	struct beats b = { .m = m, .young = young };

	if (m->row.bare)
		return ERR_NONE;
	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		TRY(db_unit(cx, &m->source, DB_READ, read_page, &b));
		take_lines(cx, &b);
		if (b.v.n > 0)
			TRY(db_unit(cx, &m->target, DB_WRITE, put_page, &b));
		FAILPOINT("move.beats.page");
		arena_rewind(cx->arena, mark);
	} while (b.v.n == PAGE);
	return ERR_NONE;
}
