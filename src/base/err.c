/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/err.h"

const struct err_info *err_info(enum err e)
{
	static const struct err_info table[] = {
#define X(sym, status, code, meaning) [ERR_##sym] = { status, code, meaning },
		ERR_LIST(X)
#undef X
	};

	return (unsigned)e < ERR_COUNT ? &table[e] : &table[ERR_INTERNAL];
}
