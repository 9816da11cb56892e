/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CERT_KEYS_H
#define CC_TESTS_CERT_KEYS_H

#include <openssl/bio.h>
#include <openssl/evp.h>

#include "certs.h"

struct cert_key {
	EVP_PKEY *key;
};

/* What was written to it; malloc'ed. The BIO goes. */
char *cert_text_of(BIO *bio);

#endif
