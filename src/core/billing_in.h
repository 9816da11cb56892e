/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_BILLING_IN_H
#define CC_SRC_CORE_BILLING_IN_H

#include "cc/core/billing.h"

/* ERR_INTERNAL: the plans file lacks the tenant's plan. */
enum err billing_plan(struct ctx *cx, const char *name, const struct plan **ret) MUST_USE;

#endif
