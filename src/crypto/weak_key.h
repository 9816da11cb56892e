/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CRYPTO_WEAK_KEY_H
#define CC_SRC_CRYPTO_WEAK_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "cc/base/arena.h"
#include "cc/crypto/certificate.h"

/* Keys that a server may not have: the rest of a sentence, in the arena, or NULL. */
const char *key_fault(struct arena *a, EVP_PKEY *key, const struct key_blocklist *blocked);
/* "RSA 2048", "P-256"; NULL: another kind. */
const char *key_type(struct arena *a, EVP_PKEY *key);

#endif
