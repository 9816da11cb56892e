/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CERT_BENCH_H
#define CC_TESTS_CERT_BENCH_H

#include "certs.h"

#include "cc/crypto/certificate.h"

#define HOST "www.example.com"
#define GOOD "DNS:" HOST
#define DAY 86400

/* A CA that the trust store of the questions holds, and one that it signed. For groups. */
extern struct cert *root, *middle;
int cert_bench_setup(void **state);
int cert_bench_teardown(void **state);

/* About a certificate for HOST, self-managed; faults are at `cert`, `chain` and `key`. */
struct certificate_ask ask_of(const struct cert *c);
bool has_fault(const struct ctx *cx, const char *field, const char *error);
void print_faults(const struct ctx *cx);
/* Fails unless there is this fault; field NULL: unless it is taken. */
void expect_ask(const struct certificate_ask *ask, const char *field, const char *error);

#endif
