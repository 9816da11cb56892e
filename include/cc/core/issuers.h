/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ISSUERS_H
#define CC_CORE_ISSUERS_H

#include "cc/base/ctx.h"

struct issuers;

/* A JSON array of issuer_spec, checked and compiled in cx->arena. Faults are at `issuers[i].…`. */
enum err issuers_read(struct ctx *cx, const char *json, const struct issuers **ret) MUST_USE;

#endif
