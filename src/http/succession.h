/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_SUCCESSION_H
#define CC_SRC_HTTP_SUCCESSION_H

#include <stdbool.h>

/* More than two processes at a port are one too many, but not an error. */
enum { ELDERS_MAX = 7 };

/* Who else listens on a shared port, as this process has seen them come. Used by one thread at a time. */
struct succession {
	bool known;             /* place and elder hold: this process took part */
	int place;              /* where those who come later are connected to us */
	int elder[ELDERS_MAX];  /* connections to those who were there */
	int nelders;
};

/*
 * Between these two the socket, which is bound already, begins to listen: the kernel numbers the sockets of a
 * port in that order, and nobody else begins meanwhile. begin: what end is given.
 */
int succession_begin(struct succession *s, int socket);
void succession_end(int turn);
/*
 * The number of the socket that takes over when this process leaves: 0, the first, while an older process
 * serves; else 1, the second. -1: nobody does, and what the kernel was told last holds. From then on the
 * others take this process for gone.
 */
int succession_leave(struct succession *s);

#endif
