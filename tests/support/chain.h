/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CHAIN_H
#define CC_TESTS_CHAIN_H

#include "daemon.h"

/*
 * Reads both chains of a tenant's audit from the databases and fails the test unless they have no gap,
 * times that never go back, the macs that the key gives, and heads that hold the last of them.
 */
void chain_check_tenant(struct daemon *d, const char *tenant_id, const char *region);

#endif
