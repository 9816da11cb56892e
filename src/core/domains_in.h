/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_DOMAINS_IN_H
#define CC_SRC_CORE_DOMAINS_IN_H

#include "cc/core/domains.h"

/* The tenant's row, then the domain's, both locked. ERR_NOT_FOUND, ERR_PRECONDITION. */
enum err domains_hold(struct ctx *cx, const char *name, struct domain_row *ret) MUST_USE;

#endif
