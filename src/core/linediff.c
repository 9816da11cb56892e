/* SPDX-License-Identifier: Apache-2.0 */
/* Lines become numbers; the greedy algorithm of Myers (1986) finds a shortest script between the numbers. */
#include "cc/core/linediff.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cc/base/bytes.h"
#include "cc/base/str.h"

#define EDITS_MAX 1000             /* of the shortest script: its trace takes the square of it */
#define STEPS_MAX INT64_C(8000000) /* lines compared, all in all */
#define CONTEXT 3

struct line {
	const char *text;
	size_t len;      /* with its newline, if it has one */
	uint32_t number; /* the same for equal lines */
	bool touched;    /* removed, or added */
};

struct side {
	struct line *line;
	size_t n;
};

static struct side split(struct arena *a, const char *text)
{
	struct side s = { 0 };
	size_t n = 0;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	s.line = ARENA_ARRAY(a, struct line, n + 1);
	for (const char *p = text; *p != '\0';) {
		const size_t len = strcspn(p, "\n");

		s.line[s.n++] = (struct line){ .text = p, .len = len + (p[len] == '\n') };
		p += len + (p[len] == '\n');
	}
	return s;
}

/* Numbers --------------------------------------------------------------------------------------------- */

struct numbers {
	const struct line **slot;
	size_t mask;
	uint32_t last;
};

static void number_line(struct numbers *t, struct line *l)
{
	size_t i = (size_t)hash64_of(l->text, l->len, 0) & t->mask;

	while (t->slot[i] != NULL &&
		(t->slot[i]->len != l->len || memcmp(t->slot[i]->text, l->text, l->len) != 0))
		i = (i + 1) & t->mask;
	l->number = t->slot[i] != NULL ? t->slot[i]->number : ++t->last;
	if (t->slot[i] == NULL)
		t->slot[i] = l;
}

static void number_lines(struct arena *a, struct side *from, struct side *to)
{
	struct numbers t = { .mask = 15 };

	while (t.mask < 2 * (from->n + to->n))
		t.mask = 2 * t.mask + 1;
	t.slot = ARENA_ARRAY(a, const struct line *, t.mask + 1);
	for (size_t i = 0; i < from->n; i++)
		number_line(&t, &from->line[i]);
	for (size_t i = 0; i < to->n; i++)
		number_line(&t, &to->line[i]);
}

/* The script ------------------------------------------------------------------------------------------ */

/* What is left of both between the lines they begin and end with alike. */
struct middle {
	struct line *a, *b;
	int32_t n, m;
};

static struct middle middle_of(const struct side *from, const struct side *to)
{
	size_t head = 0, tail = 0;

	while (head < from->n && head < to->n && from->line[head].number == to->line[head].number)
		head++;
	while (tail < from->n - head && tail < to->n - head &&
		from->line[from->n - 1 - tail].number == to->line[to->n - 1 - tail].number)
		tail++;
	return (struct middle){ .a = from->line + head,
		.b = to->line + head,
		.n = (int32_t)(from->n - head - tail),
		.m = (int32_t)(to->n - head - tail) };
}

/* How far the best path on each diagonal k = x - y gets with d edits; diagonals from -d to d. */
struct trace {
	int32_t *reach[EDITS_MAX + 1];
};

static int32_t reach_of(const struct trace *t, int32_t d, int32_t k)
{
	return d < 0 || k < -d || k > d ? -1 : t->reach[d][k + d];
}

/* From the diagonal above a line of `to` is added, from the one below a line of `from` is removed. */
static bool comes_by_adding(const struct trace *t, int32_t d, int32_t k)
{
	return k == -d || (k != d && reach_of(t, d - 1, k - 1) < reach_of(t, d - 1, k + 1));
}

static int32_t start_of(const struct trace *t, int32_t d, int32_t k)
{
	if (d == 0)
		return 0;
	return comes_by_adding(t, d, k) ? reach_of(t, d - 1, k + 1) : reach_of(t, d - 1, k - 1) + 1;
}

/* The number of edits, or -1 when it would take too many or too long. */
static int32_t search(struct arena *a, const struct middle *w, struct trace *t)
{
	int64_t steps = 0;

	for (int32_t d = 0; d <= EDITS_MAX && steps < STEPS_MAX; d++) {
		t->reach[d] = ARENA_ARRAY(a, int32_t, 2 * (size_t)d + 1);
		for (int32_t k = -d; k <= d; k += 2) {
			int32_t x = start_of(t, d, k), y = x - k;

			for (; x < w->n && y < w->m && w->a[x].number == w->b[y].number; steps++) {
				x++;
				y++;
			}
			t->reach[d][k + d] = x;
			if (x >= w->n && y >= w->m)
				return d;
		}
		steps += d;
	}
	return -1;
}

static void mark_script(const struct middle *w, const struct trace *t, int32_t edits)
{
	int32_t k = w->n - w->m;

	for (int32_t d = edits; d > 0; d--) {
		const int32_t x = start_of(t, d, k), y = x - k;

		if (comes_by_adding(t, d, k)) {
			w->b[y - 1].touched = true;
			k++;
		} else {
			w->a[x - 1].touched = true;
			k--;
		}
	}
}

static void mark_all(const struct middle *w)
{
	for (int32_t i = 0; i < w->n; i++)
		w->a[i].touched = true;
	for (int32_t i = 0; i < w->m; i++)
		w->b[i].touched = true;
}

/* The text -------------------------------------------------------------------------------------------- */

struct print {
	struct str out;
	const struct side *from, *to;
};

static bool touched(const struct side *s, size_t i)
{
	return i < s->n && s->line[i].touched;
}

static void print_line(struct print *p, char sign, const struct line *l)
{
	str_add_char(&p->out, sign);
	str_add_n(&p->out, l->text, l->len);
	if (l->text[l->len - 1] != '\n')
		str_add(&p->out, "\n\\ No newline at end of file\n");
}

/* A part of both: lines i up to i_end and j up to j_end. */
struct hunk {
	size_t i, i_end, j, j_end;
};

/* Changes that no more than twice the context of equal lines keeps apart share a hunk. */
static struct hunk hunk_at(const struct print *p, size_t i, size_t j, size_t done)
{
	const size_t before = i - done < CONTEXT ? i - done : CONTEXT;
	struct hunk h = { .i = i - before, .j = j - before };
	size_t equal = 0;

	h.i_end = i;
	h.j_end = j;
	while (equal <= (size_t)2 * CONTEXT && (i < p->from->n || j < p->to->n)) {
		if (!touched(p->from, i) && !touched(p->to, j)) {
			equal++;
			i++;
			j++;
			continue;
		}
		equal = 0;
		while (touched(p->from, i))
			i++;
		while (touched(p->to, j))
			j++;
		h.i_end = i;
		h.j_end = j;
	}
	for (int c = 0; c < CONTEXT && h.i_end < p->from->n; c++) {
		h.i_end++;
		h.j_end++;
	}
	return h;
}

/* Line numbers begin with 1; of no lines, the one before them is named. */
static void print_hunk(struct print *p, const struct hunk *h)
{
	const size_t n = h->i_end - h->i, m = h->j_end - h->j;

	str_addf(&p->out, "@@ -%zu,%zu +%zu,%zu @@\n", h->i + (n > 0), n, h->j + (m > 0), m);
	for (size_t i = h->i, j = h->j; i < h->i_end || j < h->j_end;) {
		if (touched(p->from, i))
			print_line(p, '-', &p->from->line[i++]);
		else if (touched(p->to, j))
			print_line(p, '+', &p->to->line[j++]);
		else {
			print_line(p, ' ', &p->from->line[i++]);
			j++;
		}
	}
}

static void print_hunks(struct print *p)
{
	size_t done = 0;

	for (size_t i = 0, j = 0; i < p->from->n || j < p->to->n;) {
		struct hunk h;

		if (!touched(p->from, i) && !touched(p->to, j)) {
			i++;
			j++;
			continue;
		}
		h = hunk_at(p, i, j, done);
		print_hunk(p, &h);
		done = i = h.i_end;
		j = h.j_end;
	}
}

char *linediff(struct arena *a, const char *from, const char *to, const char *from_name, const char *to_name)
{
	struct side f = split(a, from), t = split(a, to);
	struct print p = { .from = &f, .to = &t };
	struct middle w;
	int32_t edits;

	str_init(&p.out, a, 1024);
	if (strcmp(from, to) == 0)
		return p.out.data;
	number_lines(a, &f, &t);
	w = middle_of(&f, &t);
	struct trace *trace = ARENA_NEW(a, struct trace);
	edits = search(a, &w, trace);
	if (edits >= 0)
		mark_script(&w, trace, edits);
	else
		mark_all(&w);
	str_addf(&p.out, "--- %s\n+++ %s\n", from_name, to_name);
	print_hunks(&p);
	return p.out.data;
}
