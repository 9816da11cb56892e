/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_NET_ADDRESS_H
#define CC_SRC_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Does the address belong to the public internet? Everything that the registries of special addresses
 * (RFC 6890 and its successors) set apart does not: loopback, private, link-local, shared, documentation,
 * multicast, and what carries such an IPv4 address inside. Any other family does not either.
 */
bool address_is_public(const struct sockaddr *address);

#endif
