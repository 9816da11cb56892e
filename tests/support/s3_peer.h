/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_S3_PEER_H
#define CC_TESTS_S3_PEER_H

#include <stdbool.h>

#include "cc/store/objstore.h"

/*
 * Real S3 servers on free ports of 127.0.0.1, which check every signature: OpenStack Swift with its s3api,
 * and the gateway of a Ceph made of one monitor and one disk in memory. All is gone with the test process.
 * A server that does not come up ends the test with the last lines of its log. One thread at a time.
 */
enum s3_server { S3_SWIFT, S3_CEPH };
struct s3_peer;

struct s3_peer *s3_peer_start(enum s3_server which);
void s3_peer_stop(struct s3_peer *p); /* NULL is fine */
int s3_peer_port(const struct s3_peer *p);
/* How a store reaches the bucket "objects", which is there. */
struct s3_conf s3_peer_conf(const struct s3_peer *p);

#define S3_PEER_BUCKET "objects"

/* For those two: a child in the foreground that s3_peer_stop() ends, and a command that must succeed. */
void s3_peer_child(struct s3_peer *p, const char *const *argv, const char *log);
void s3_peer_run(struct s3_peer *p, const char *const *argv, int deadline_ms);
const char *s3_peer_folder(const struct s3_peer *p);
/* Waits until something listens there. */
void s3_peer_await(struct s3_peer *p, int port, const char *log);
void s3_swift_start(struct s3_peer *p, int port);
void s3_ceph_start(struct s3_peer *p, int port);

#endif
