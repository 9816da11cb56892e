/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_PEM_H
#define CC_CRYPTO_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "cc/base/bytes.h"

/*
 * Text that holds DER (RFC 7468). Strict inside of its lines of BEGIN and END; what stands outside of them
 * is for people and passed over. Everything made is in the arena, which is to hold secrets when the text is
 * one. Any thread.
 */
struct pem_block {
	const char *label;              /* "CERTIFICATE" */
	struct bytes der;
	bool encrypted;                 /* it says so in its header (RFC 1421); der is then worth nothing */
};

/*
 * The blocks of a text, at most max. False: *ret_why is the rest of a sentence about the text, and shows
 * nothing of it.
 */
bool pem_read(struct arena *a, const char *text, struct pem_block *ret, size_t max, size_t *ret_n,
	      const char **ret_why);
/* One block, in lines of 64 characters. */
const char *pem_write(struct arena *a, const char *label, struct bytes der);

#endif
