/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_FUZZ_H
#define CC_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cc/base/arena.h"

/* Bytes from anywhere; 0. What is wrong ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_EXPECT(holds) \
	do { \
		if (!(holds)) { \
			fprintf(stderr, "does not hold: %s\n", #holds); \
			abort(); \
		} \
	} while (0)

#endif
