/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_WIPE_H
#define CC_CRYPTO_WIPE_H

#include <stdbool.h>

/*
 * From now on OpenSSL wipes whatever it gives back to the heap: its decoders leave copies of private keys
 * there that nobody else can reach. For the beginning of a program: false when OpenSSL has taken memory
 * already.
 */
bool crypto_wipes(void);

#endif
