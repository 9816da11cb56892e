/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_NET_HOSTNAME_H
#define CC_NET_HOSTNAME_H

#include <stdbool.h>

#include "cc/base/arena.h"

/* Names of the public DNS, as people write them and as they are looked up. Any thread; no network. */

/*
 * The name as it is looked up: A-labels (IDNA 2008, UTS 46 without transition) in lower case, without the
 * dot of the root. NULL: it is none; *ret_why is then the rest of a sentence. Whether letters, digits and
 * lengths of a name in ASCII are those of a host is the caller's to check. Both live in the arena.
 */
const char *hostname_ascii(struct arena *a, const char *text, const char **ret_why);
/*
 * Is the name one that many register below, by the Public Suffix List: a registry's ("co.uk") or somebody
 * else's ("github.io")? name: as hostname_ascii() gives it. The list is the newer one of the library's own
 * and the Debian package publicsuffix's, as of the first question.
 */
bool hostname_is_suffix(const char *name);

#endif
