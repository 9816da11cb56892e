/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_GO_JSON_H
#define CC_TESTS_GO_JSON_H

#include <stddef.h>

#include "cc/base/arena.h"

/*
 * JSON as OPA writes it before it makes a digest: members in the order of their names' bytes, no spaces,
 * numbers as they stand, texts as Go's encoder has them without HTML escapes. Neither library nor code that
 * the service reads or writes JSON with has a part in it. In the arena; what is no JSON, or names a member
 * twice, ends the test.
 */
char *go_json(struct arena *a, const char *text, size_t n);

#endif
