/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_OUTBOX_IN_H
#define CC_SRC_CORE_OUTBOX_IN_H

#include "cc/core/outbox.h"
#include "stripe_in.h"

/* OP_COUNT: none of ours. */
enum outbox_op outbox_op_of(const struct outbox_row *row);
/*
 * Has the call had its effect? *ret_id: of what it made. FOUND_UNKNOWN: Stripe does not say now. Waits
 * for Stripe, outside of any unit.
 */
enum outbox_found outbox_find(struct ctx *cx, const struct outbox_row *row, const char **ret_id);
/* Inside the unit that notes the success: what is true here from now on. */
enum err outbox_apply(struct ctx *cx, const struct outbox_row *row, const char *result_id) MUST_USE;
/* A value of a form, decoded; NULL: it is not there. */
const char *form_value(struct arena *a, const char *form, const char *key);

#endif
