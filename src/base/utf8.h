/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_BASE_UTF8_H
#define CC_SRC_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at the start of s (at most n bytes long); 0: there is none. */
size_t utf8_step(const char *s, size_t n);

#endif
