/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_DNS_UPDATE_H
#define CC_DAEMON_DNS_UPDATE_H

#include <stddef.h>

#include "cc/base/ctx.h"

#include "config.h"

/*
 * Changes records of a zone by a dynamic update (RFC 2136) that is signed (TSIG): nsupdate is run, and told
 * on its standard input what to do. The key is in a file that only it reads.
 */
struct dns_change {
	const char *const *names; /* each becomes a CNAME of target, and nothing else; NULL-terminated */
	const char *target;
};

/*
 * All of them or none. zone: used where conf names none. Any thread that may wait: until cx's deadline.
 * ERR_UNAVAILABLE: it was not done, or nobody knows; the problem says what nsupdate said.
 */
enum err dns_update(struct ctx *cx, const struct dns_conf *conf, const char *zone,
	const struct dns_change *change) MUST_USE;

#endif
