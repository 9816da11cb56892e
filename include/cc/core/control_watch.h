/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_CONTROL_WATCH_H
#define CC_CORE_CONTROL_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "cc/base/ctx.h"

/*
 * What all nodes share, as this one found it last: looked at now and then, so that whoever asks for numbers
 * waits for no database. Any thread reads; times are in microseconds.
 */

/* How the standbys of a server are. */
struct replication {
	_Atomic int64_t at_us;          /* when it was asked, monotonic; 0: never */
	_Atomic int64_t replicas;
	_Atomic int64_t lag_us;         /* of the slowest; -1: there is none, or our role is not told */
	atomic_bool standby;            /* it is one itself */
};

struct control_state {
	_Atomic int64_t at_us;          /* as above */
	_Atomic int64_t calls_waiting, calls_dead, calls_oldest_us;     /* oldest: its age; 0: none waits */
	_Atomic int64_t moves, operations;
	_Atomic int64_t certificate_end_us;     /* wall clock; 0: no tenant has one */
	struct replication replication;
};

/* Looks, and says that this node is there. A job's. */
enum err control_watch(struct ctx *cx) MUST_USE;
/* It is not any more. */
enum err control_watch_leave(struct ctx *cx) MUST_USE;

#endif
