/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/actor.h"

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
