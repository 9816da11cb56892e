/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_ODD_PEER_H
#define CC_TESTS_ODD_PEER_H

#include "web_peer.h"

/* What the odd peer does is said by the target. */
#define ODD_EXACTLY 65536 /* bytes of the body of /exactly; /one-more has one more */
/*
 * /mirror: what was asked, as lines "Name=value"; /status/503; /moved: a redirect to /mirror; /interim: 103,
 * then 200 in chunks; /endless, /endless-head, /endless-interim; /silent; /drip: byte by byte; /half: ends
 * before its length; /garbage. Anything else: closes without a word.
 */
void odd_peer(struct web_turn *t, void *arg);

#endif
