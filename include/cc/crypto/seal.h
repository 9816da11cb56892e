/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_SEAL_H
#define CC_CRYPTO_SEAL_H

#include <stdbool.h>

#include "cc/base/bytes.h"

/*
 * AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits: who does not know the key neither reads nor
 * changes what is sealed, nor opens it beside other words than it was sealed with. Any thread.
 */
#define SEAL_KEY_LEN 32
#define SEAL_NONCE_LEN 12
#define SEAL_TAG_LEN 16
#define SEAL_EXTRA (SEAL_NONCE_LEN + SEAL_TAG_LEN)      /* what a seal adds to the length */

/* nonce ‖ ciphertext ‖ tag, in the arena. `beside` is not in it, but bound to it. */
struct bytes seal_make(struct arena *a, const unsigned char key[SEAL_KEY_LEN], struct bytes beside,
		       struct bytes plain);
/* False: it was sealed with another key or beside other words, or was changed. The arena holds a secret. */
bool seal_open(struct arena *a, const unsigned char key[SEAL_KEY_LEN], struct bytes beside,
	       struct bytes sealed, struct bytes *ret);

#endif
