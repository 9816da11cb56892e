/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_FAILPOINT_H
#define CC_BASE_FAILPOINT_H

/*
 * Named points where a test build can be told to die. CC_FAILPOINT=[start+]name:nth in the environment
 * kills the process (SIGKILL) when `name`, a pattern as for file names, is passed for the nth time. With
 * `start` a thread counts only after it has itself passed that point. Steps are named by what they belong
 * to (tenant.*, schema.*, spare.*), messages to PostgreSQL db.*, requests by their operation.
 * CC_FAILPOINT=@file reads the same from a file at each point: nothing is armed while there is none.
 * Compiled out unless CC_FAILPOINTS is defined (test presets only; release has none of it).
 */
#ifdef CC_FAILPOINTS
void failpoint_pass(const char *name);
#define FAILPOINT(name) failpoint_pass(name)
#else
#define FAILPOINT(name) ((void)(name))
#endif

#endif
