/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_MEMORY_H
#define CC_TESTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What of a process's memory can come into a file. */

/* Sanitizers need to look in: their builds forbid nothing, and only say that they lock. */
bool memory_is_instrumented(void);
bool memory_has_core(const char *folder);
/* Whether a program that forbids nothing leaves its core in the folder that it is in, on this system. */
bool memory_cores_come_here(const char *folder);
/*
 * How many mappings have it that may be swapped out or stand in a core; *ret_locked: how many have it that
 * are neither. -1: this process may not look.
 */
int memory_times_unlocked(pid_t pid, const unsigned char *needle, size_t n, int *ret_locked);

#endif
