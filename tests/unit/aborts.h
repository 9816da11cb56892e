/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_UNIT_ABORTS_H
#define CC_TESTS_UNIT_ABORTS_H

#include <stdbool.h>

/* Whether f(arg), run in a child process with a quiet stderr, ends in abort(). */
bool aborts(void (*f)(void *arg), void *arg);

#endif
