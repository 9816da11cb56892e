/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_PREPARE_H
#define CC_DAEMON_PREPARE_H

#include "program.h"
#include "wire.h"

struct prepare {
	struct program *program;
	struct wire *wire;
	bool fresh;  /* the data of --embedded is new */
	int signals; /* signalfd of the main thread */
	bool cut;    /* out: see below */
};

/*
 * Brings the databases up to date, makes sure that it is safe to use them, and makes the first operator key
 * of --embedded. SIGTERM and SIGINT end it whatever it waits for: 128 + the signal. 0, or the exit status
 * after complaining. With cut a thread still works with program and wire: neither may be taken apart, and
 * the process must _exit(). Main thread.
 */
int prepare_databases(struct prepare *p);

#endif
