/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/plan.h"

#include "cc/base/str.h"

const struct plan *plan_find(const struct plan_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}
