/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/actor.h"

bool actor_at_home(const struct actor *a, const char *address)
{
	struct cidr here;

	if (!a->bound)
		return true;
	if (address == NULL || !cidr_parse(address, &here))
		return false;
	for (size_t i = 0; i < a->ncidrs; i++)
		if (cidr_within(&here, &a->cidrs[i]))
			return true;
	return false;
}

const char *actor_kind_name(enum actor_kind k)
{
	switch (k) {
	case ACTOR_KEY:
		return "api_key";
	case ACTOR_USER:
		return "user";
	case ACTOR_OPERATOR:
		return "operator";
	case ACTOR_SYSTEM:
		break;
	}
	return "system";
}
