/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/trace.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/bytes.h"

static _Thread_local struct trace now;

/* Exactly n lower-case digits. */
static bool is_hex(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

static bool is_zero(const char *s, size_t n)
{
	return strspn(s, "0") >= n;
}

/* n digits of n / 2 random bytes; zero would be no id. */
static void make_id(const unsigned char *from, char *ret, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		ret[i] = digits[(i % 2 == 0 ? from[i / 2] >> 4 : from[i / 2]) & 0xf];
	if (is_zero(ret, n))
		ret[n - 1] = '1';
}

static void make_ids(struct trace *t, bool both)
{
	unsigned char random[(TRACE_ID_LEN + SPAN_ID_LEN) / 2];

	if (!random_bytes(random, both ? sizeof(random) : SPAN_ID_LEN / 2))
		abort();
	make_id(random, t->span, SPAN_ID_LEN);
	if (both)
		make_id(random + SPAN_ID_LEN / 2, t->id, TRACE_ID_LEN);
}

/* Of later versions what this one has is read, and only if it stands where it stands here. */
static bool is_version(const char *s)
{
	const size_t n = strlen(s);

	if (n < TRACEPARENT_LEN || !is_hex(s, 2) || (s[0] == 'f' && s[1] == 'f'))
		return false;
	return n == TRACEPARENT_LEN || (!is_zero(s, 2) && s[TRACEPARENT_LEN] == '-');
}

bool trace_read(struct trace *ret, const char *traceparent)
{
	const char *id, *span, *flags;

	if (!is_version(traceparent))
		return false;
	id = traceparent + 3;
	span = id + TRACE_ID_LEN + 1;
	flags = span + SPAN_ID_LEN + 1;
	if (id[-1] != '-' || span[-1] != '-' || flags[-1] != '-' ||
	    !is_hex(id, TRACE_ID_LEN) || is_zero(id, TRACE_ID_LEN) || !is_hex(span, SPAN_ID_LEN) ||
	    is_zero(span, SPAN_ID_LEN) || !is_hex(flags, 2))
		return false;
	*ret = (struct trace){ .sampled = strchr("13579bdf", flags[1]) != NULL };
	memcpy(ret->id, id, TRACE_ID_LEN);
	make_ids(ret, false);
	return true;
}

void trace_make(struct trace *ret)
{
	*ret = (struct trace){ .sampled = false };
	make_ids(ret, true);
}

void trace_write(const struct trace *t, char ret[TRACEPARENT_LEN + 1])
{
	(void)snprintf(ret, TRACEPARENT_LEN + 1, "00-%s-%s-0%d", t->id, t->span, t->sampled);
}

void trace_set(const struct trace *t)
{
	now = t != NULL ? *t : (struct trace){ .sampled = false };
}

const struct trace *trace_now(void)
{
	return now.id[0] != '\0' ? &now : NULL;
}
