/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CACHE_CONN_H
#define CC_SRC_CACHE_CONN_H

#include <hiredis/hiredis.h>
#include <stdint.h>

#include "cc/cache/redis.h"

/*
 * One connection, driven without blocking: the time-outs of hiredis count per read, so a server
 * that drips bytes could hold a thread for ever. Here a call as a whole has a deadline.
 */

enum conn_result { CONN_GOT, CONN_LATE, CONN_BROKEN };

/* Connected, authenticated, database selected; NULL when that did not work in conf->connect_ms. */
redisContext *conn_dial(const struct redis_conf *conf);

/* The next reply, owned by the caller; *ret is written for CONN_GOT only. */
enum conn_result conn_read(redisContext *c, int64_t deadline_ms, redisReply **ret);

/* One command and its reply. NULL: the connection is of no use any more, late answers included. */
redisReply *conn_call(redisContext *c, int64_t deadline_ms, int argc, const char **argv, const size_t *lens);

#endif
