/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_order.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const names[CHAINS] = { "data", "control" };

void order_open(struct order *o)
{
	o->n = 0;
	o->torn = false;
	o->run = calloc(ORDER_RUNS_MAX, sizeof(*o->run));
	if (o->run == NULL)
		abort();
}

void order_close(struct order *o)
{
	free(o->run);
	o->run = NULL;
}

static void say(const struct order *o, int64_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void say(const struct order *o, int64_t line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o->fault(o->arg, line, text);
}

static struct run *begin(struct order *o, int64_t number, int64_t line)
{
	struct run *r = &o->run[o->n++];

	*r = (struct run){ .first = number, .last = number, .line = line, .before = -1 };
	return r;
}

void order_add(struct order *o, int64_t number, int64_t line, int chain, int64_t seq, int64_t unread)
{
	struct run *r;

	if (o->torn)
		return;
	if (o->n > 0 && number == o->run[o->n - 1].last + 1 + unread) {
		r = &o->run[o->n - 1];
		r->last = number;
	} else if (o->n < ORDER_RUNS_MAX) {
		r = begin(o, number, line);
	} else {
		o->torn = true;
		say(o, line, "the file is out of order in more than %d places; no more is said of that",
		    ORDER_RUNS_MAX);
		return;
	}
	if (chain < 0)
		return;
	if (r->from[chain] == 0 || seq < r->from[chain])
		r->from[chain] = seq;
	if (seq > r->to[chain])
		r->to[chain] = seq;
}

static int64_t length(const struct run *r)
{
	return r->last - r->first + 1;
}

/* What r adds to an order that ends with before: they may have records in common. */
static int64_t gain(const struct run *before, const struct run *r)
{
	if (before->first >= r->first || before->last >= r->last)
		return 0;
	return r->first > before->last ? length(r) : r->last - before->last;
}

/* The order in which most records stand as they should. */
static void choose(struct order *o)
{
	int best = -1;

	for (int i = 0; i < o->n; i++) {
		struct run *r = &o->run[i];

		r->weight = length(r);
		for (int j = 0; j < i; j++) {
			const int64_t more = gain(&o->run[j], r);

			if (more > 0 && o->run[j].weight + more > r->weight) {
				r->weight = o->run[j].weight + more;
				r->before = j;
			}
		}
		if (best < 0 || r->weight > o->run[best].weight)
			best = i;
	}
	for (; best >= 0; best = o->run[best].before)
		o->run[best].kept = true;
}

static bool overlaps(const struct run *r, int64_t first, int64_t last)
{
	return r->first <= last && r->last >= first;
}

/* Beside the order: moved there, or a second time there. */
static void judge_others(const struct order *o)
{
	for (int i = 0; i < o->n; i++) {
		const struct run *r = &o->run[i];
		bool again = false;

		for (int k = 0; !r->kept && k < o->n; k++)
			again = again || (o->run[k].kept && overlaps(&o->run[k], r->first, r->last));
		for (int64_t n = r->first; !r->kept && n <= r->last; n++)
			say(o, r->line + n - r->first,
			    again ? "record %" PRId64 " was put in: it is there a second time"
				  : "record %" PRId64 " was moved: it is out of its place",
			    n);
	}
}

/* ", data 41" for each chain that lacks places between two runs of the order. */
static void name_places(const struct order *o, int left, int right, const int64_t end[CHAINS], char *ret,
			size_t size)
{
	size_t n = 0;

	ret[0] = '\0';
	for (int c = 0; c < CHAINS; c++) {
		int64_t low = 0, high = 0;

		for (int i = 0; i <= left; i++)
			if (o->run[i].kept && o->run[i].to[c] > low)
				low = o->run[i].to[c];
		for (int i = right; i < o->n && high == 0; i++)
			if (o->run[i].kept)
				high = o->run[i].from[c];
		if (high == 0)
			high = end[c];
		if (high <= low + 1 || (low == 0 && o->open))
			continue;
		if (high == low + 2)
			n += (size_t)snprintf(ret + n, size - n, ", %s %" PRId64, names[c], low + 1);
		else
			n += (size_t)snprintf(ret + n, size - n, ", %s %" PRId64 " to %" PRId64, names[c],
					      low + 1, high - 1);
	}
}

/* What is nowhere in the file between two runs of the order; left and right are o->n where there is none. */
static void judge_gap(const struct order *o, int64_t first, int64_t last, int left, int right, bool whole,
		      const int64_t end[CHAINS])
{
	char places[160] = "";
	const int64_t line = right < o->n ? o->run[right].line : 0;
	const char *where = line > 0 ? "before this line" : "at the end";

	if (whole)
		name_places(o, left, right, end, places, sizeof(places));
	while (first <= last) {
		int64_t to = last, next = last + 1;

		for (int i = 0; i < o->n; i++) {
			const struct run *r = &o->run[i];

			if (r->kept || !overlaps(r, first, to))
				continue;
			to = r->first - 1;
			next = r->last + 1;
		}
		if (to == first)
			say(o, line, "record %" PRId64 " is missing %s%s", first, where, places);
		else if (to > first)
			say(o, line, "records %" PRId64 " to %" PRId64 " are missing %s%s", first, to, where,
			    places);
		first = next;
	}
}

void order_judge(struct order *o, int64_t total, bool whole, const int64_t end[CHAINS])
{
	int64_t upto = 0;
	int left = -1;

	if (o->torn)
		return;
	choose(o);
	judge_others(o);
	for (int i = 0; i < o->n; i++) {
		const struct run *r = &o->run[i];

		if (!r->kept)
			continue;
		judge_gap(o, upto + 1, r->first - 1, left, i, whole, end);
		for (int64_t n = r->first; n <= upto; n++)
			say(o, r->line + n - r->first,
			    "record %" PRId64 " is there a second time: one of the two was put in", n);
		upto = r->last;
		left = i;
	}
	judge_gap(o, upto + 1, total, left, o->n, whole, end);
}
