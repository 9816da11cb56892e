/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_STRIPE_FORM_H
#define CC_TESTS_STRIPE_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A form or a query as Stripe reads it. */
#define FORM_MAX 64
struct form {
	char *key[FORM_MAX], *value[FORM_MAX];
	size_t n;
};
/* False: it is none. form_clear() in any case. */
bool form_read(struct form *f, const char *text);
void form_clear(struct form *f);
const char *form_get(const struct form *f, const char *key); /* NULL: absent */

/* P_SHORT: a text as metadata has; P_COUNT: of a page. */
enum param_kind { P_TEXT, P_SHORT, P_INT, P_COUNT, P_BOOL, P_ENUM };
/* A parameter: # stands for a number, * for any word. */
struct param {
	const char *name;
	enum param_kind kind;
	bool required;
	const char *values; /* P_ENUM: "a b c" */
};
/* What Stripe would say, in text (of size n), and of which parameter; NULL: all is well. */
const char *form_fault(const struct form *f, const struct param *params, char *text, size_t n,
	const char **ret_param, const char **ret_code);

#endif
