/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_FORWARDED_H
#define CC_SRC_HTTP_FORWARDED_H

#include "cc/base/arena.h"
#include "cc/base/cidr.h"

/*
 * Who asks: the peer, or behind trusted proxies the rightmost address of X-Forwarded-For that is not one of
 * them. What stands left of it anybody could have written. A hop that is no address ends the search at the
 * proxy that reported it. forwarded: the header's list, or NULL. The text is peer, or in the arena.
 */
const char *forwarded_for(struct arena *a, const char *peer, const char *forwarded,
			  const struct cidr *trusted, size_t ntrusted);

/* How the client's own connection came, in the words of trusted proxies. */
enum client_hop {
	HOP_UNSAID,             /* there is no proxy, or it says nothing of this */
	HOP_CLEAR,              /* in the clear, or in words that are not understood */
	HOP_TLS,
};
/* proto: X-Forwarded-Proto, one word, or NULL. */
enum client_hop forwarded_hop(const char *peer, const char *proto, const struct cidr *trusted,
			      size_t ntrusted);
/*
 * Both from Forwarded (RFC 7239): `for` and `proto` of its elements, from the right. One that is not
 * well-formed says of nobody who it is.
 */
const char *forwarded_standard(struct arena *a, const char *peer, const char *forwarded,
			       const struct cidr *trusted, size_t ntrusted, enum client_hop *ret_hop);

#endif
