/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_TRACE_H
#define CC_BASE_TRACE_H

#include <stdbool.h>

/*
 * Which trace the work at hand belongs to (W3C Trace Context). Whatever this process asks of other servers
 * meanwhile is part of it: so the thread has it, and not each of the calls in between. Set anew for every
 * request and every step of background work; nothing is decided by it.
 */
#define TRACE_ID_LEN 32
#define SPAN_ID_LEN 16
#define TRACEPARENT_LEN 55
#define TRACESTATE_MAX 512

struct trace {
	char id[TRACE_ID_LEN + 1];      /* "": none */
	char span[SPAN_ID_LEN + 1];     /* what is done here, the parent of what others do for it */
	bool sampled;                   /* the one who asks records it */
	const char *state;              /* tracestate, as it came; NULL: none */
};

/* What a traceparent says, with a span of our own. False: it is none; *ret is as it was. */
bool trace_read(struct trace *ret, const char *traceparent);
/* One of our own. */
void trace_make(struct trace *ret);
/* 00-<id>-<span>-<flags> */
void trace_write(const struct trace *t, char ret[TRACEPARENT_LEN + 1]);

/* Of the calling thread; it is copied, its state is not. NULL: none. */
void trace_set(const struct trace *t);
/* NULL: none. Until the next trace_set(). */
const struct trace *trace_now(void);

#endif
