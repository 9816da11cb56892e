/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_SCOPE_H
#define CC_CORE_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/str.h"

/* Any thread: what is touched is the caller's or constant. */

/* The table of every scope; one bit each. Scope names are the wire's; a test compares with the routes. */
extern const char *const scope_names[];         /* NULL-terminated */
/* Those of a tenant: all but platform:*. */
extern const char *const *const tenant_scope_names;

uint64_t scope_bit(const char *name);           /* 0: unknown */
uint64_t scope_bits(const struct strv *names);  /* unknown names are left out */
struct strv scope_list(struct arena *a, uint64_t bits);
uint64_t scope_all_tenant(void);
uint64_t scope_all_platform(void);

#endif
