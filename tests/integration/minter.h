/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_MINTER_H
#define CC_TESTS_MINTER_H

#include <stdint.h>

#include "signer.h"
#include "story.h"

/* Issuers of tokens for the stories about them. Texts are malloc'ed. */
#define ISS "https://id.acme.com/"
#define AUD "control-core"

/* STRANGER signs with a key of its own under the kid of RSA. */
enum { RSA, EC, ED, STRANGER, KEYS };
extern struct signer *signers[KEYS];

/* Group set-up and tear-down: the keys, and a daemon that may fetch keys from this machine. */
int minter_start(void **state);
/* The same with other options; their env sets CONTROLCORE_AUTH_PRIVATE_ISSUERS=true as well. */
int minter_start_with(void **state, const struct daemon_options *options);
int minter_stop(void **state);

char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A JWK set of some of them. */
char *jwks_of(int first, int last);
/* The body that trusts ISS; source: the member that says where its keys are. */
char *issuers_body(const char *source);
const struct answer *set_issuers(struct story *s, struct client *c, const char *body);
/* The story's tenant trusts ISS, with the keys RSA to ED. */
void trust(struct story *s);
char *header_of(int key);
/* extra: further members, each with a comma before it. */
char *claims_of(const struct story *s, int64_t exp_in_s, const char *extra);
char *good_token(struct story *s, int key, const char *extra);
/* A client that sends it; frees it. */
struct client *bearer(struct story *s, char *token);

#endif
