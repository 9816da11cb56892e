/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ISSUERS_H
#define CC_CORE_ISSUERS_H

#include "cc/base/ctx.h"

struct issuers;

/*
 * A JSON array of issuer_spec, checked and compiled in cx->arena. Faults are at `issuers[i].…`.
 * anywhere: a jwks_url may be http:// and at an address that is not public. Any thread. ERR_VALIDATION.
 */
enum err issuers_read(struct ctx *cx, const char *json, bool anywhere, const struct issuers **ret) MUST_USE;

#endif
