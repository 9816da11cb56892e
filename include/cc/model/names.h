/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_NAMES_H
#define CC_MODEL_NAMES_H

#include <stdbool.h>

#include "cc/base/arena.h"

/*
 * The names tenants answer to. Checks are NULL when the text is fine, else the rest of a sentence
 * (struct field.check). Pure; any thread.
 */
const char *check_slug(const char *text);               /* [a-z0-9-], 1 to 40, not reserved, not like an id */
const char *check_tenant_domain(const char *text);      /* a host name that begins with a slug */
const char *check_custom_domain(const char *text);      /* the same with at least two labels */
/* Could be written for one: what check_custom_domain() takes once it is in A-labels. */
#define FAULT_DOMAIN "invalid_domain" /* what is said of such a name for programs */
const char *check_foreign_domain(const char *text);
const char *check_email(const char *text);

/* Could be an id or a slug: 1 to 63 of [a-z0-9-], neither beginning nor ending with '-'. */
bool name_is_wellformed(const char *text);
/* The part of host before ".<base>"; NULL when it is not below base. In lower case on both sides. */
const char *host_label(struct arena *a, const char *host, const char *base);

#endif
