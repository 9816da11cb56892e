/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_MINT_H
#define CC_TESTS_MINT_H

#include <stdint.h>

/*
 * A certificate authority for tests, made by OpenSSL: a root, an intermediate, and leaves below it. Texts are
 * malloc'ed; a failure ends the test.
 */
struct mint;

struct mint *mint_open(void);
void mint_close(struct mint *m);                /* NULL is fine */
const char *mint_root(const struct mint *m);    /* PEM */

enum mint_key { MINT_P256, MINT_P384, MINT_RSA_2048, MINT_RSA_4096 };
struct mint_leaf {
	const char *names[4];           /* DNS names, the first also as the CN */
	enum mint_key key;
	int64_t from_s, until_s;        /* from now; until 0: ninety days */
};
/* leaf and intermediate, the key in PKCS #8; returns the leaf's serial number. */
int64_t mint_make(struct mint *m, const struct mint_leaf *leaf, char **ret_chain, char **ret_key);
/* The same as files DIR/<name>.pem and DIR/<name>.key, each replaced by a rename. */
int64_t mint_files(struct mint *m, const struct mint_leaf *leaf, const char *dir, const char *name);

#endif
