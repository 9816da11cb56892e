/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_TLS_FILES_H
#define CC_DAEMON_TLS_FILES_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "cc/http/tls.h"
#include "cc/model/certificate.h"

/* A certificate of the platform in two files, and what they were when they were read. One thread. */
struct file_mark {
	dev_t device;
	ino_t inode;
	off_t size; /* -1: there is none */
	struct timespec changed;
};

struct tls_file {
	const char *chain, *key; /* paths */
	struct tls_cert *cert;   /* a reference; NULL: never read */
	struct file_mark chain_mark, key_mark;
	bool failed; /* the last reading; told */
	enum nearness told; /* of its end */
};

/* Reads it anew if it changed. True: f->cert is another one. */
bool tls_file_refresh(struct tls_file *f);
/* How near its end is, which is logged once when it comes nearer. f->cert is there. */
enum nearness tls_file_end(struct tls_file *f);

#endif
