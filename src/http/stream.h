/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_STREAM_H
#define CC_SRC_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cc/base/ctx.h"
#include "cc/base/lock.h"
#include "cc/base/str.h"

/*
 * Answers that are made while they are sent. A worker makes a piece, the I/O thread sends it, and only when
 * all of it is gone the connection is suspended again and a worker makes the next: so one piece is all that
 * a stream holds, however slow its reader is.
 */
enum { STREAMS_MAX_DEFAULT = 16, STREAMS_PER_OWNER = 2, STREAM_BLOCK = 32 * 1024 };

struct flow {
	struct arena *arena;            /* of one piece: emptied before the next */
	struct str piece;
	size_t taken;                   /* of the piece */
	bool last;                      /* nothing comes after this piece */
	enum err failed;                /* the rest cannot be made: the answer ends without its end */
	int64_t sent;
	struct gzip *gzip;              /* NULL: it is sent as it is */
	char owner[80];
	struct flow *next;              /* guarded by: flows.lock */
};

/* Who is being sent to right now. */
struct flows {
	struct lock lock;
	struct flow *first;             /* guarded by: lock */
	int n;                          /* guarded by: lock */
	int max;
};

void flows_init(struct flows *t, int max);
void flows_finish(struct flows *t);

struct call;
/*
 * Only the head of such an answer is asked for: no piece is made. Its connection is closed, for libmicrohttpd
 * 0.9.7x may send the last chunk of an answer to HEAD.
 */
bool stream_is_head(const struct call *c);
ssize_t stream_nothing(void *cls, uint64_t pos, char *buf, size_t max);
/* By the worker that ran the handler: a place, and the first piece. A refusal can still be answered. */
enum err stream_begin(struct call *c);
/* By a worker: the next piece. */
void stream_step(struct call *c);
/* What libmicrohttpd asks for the next bytes; cls is the call. */
ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max);
/* The exchange is over, one way or another: log line, done(), the place. complete: all of it was sent. */
void stream_end(struct call *c, bool complete);

#endif
