/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_FAILPOINT_H
#define CC_BASE_FAILPOINT_H

/*
 * Named points where a test build can be told to die: CC_FAILPOINT=name:nth in the environment
 * kills the process (SIGKILL) when `name` is passed for the nth time; name `*` counts every point.
 * Compiled out unless CC_FAILPOINTS is defined (test presets only; release has none of it).
 */
#ifdef CC_FAILPOINTS
void failpoint_pass(const char *name);
#define FAILPOINT(name) failpoint_pass(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
