/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_BASE_SIPHASH_H
#define CC_SRC_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 under an explicit key; hash64_of() draws the key once per process. */
uint64_t siphash24(const void *p, size_t n, const uint64_t key[2]);

#endif
