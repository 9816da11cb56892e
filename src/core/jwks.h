/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_JWKS_H
#define CC_SRC_CORE_JWKS_H

#include "issuer.h"

/*
 * The key `kid` of the set published at url; its parts are copied to cx->arena. Fetched once for all who
 * ask, at most once a minute however many unknown ids come, again when it is ten minutes old, and kept for
 * a day while that fails. ERR_INVALID_TOKEN: no such key, or no set; ERR_NEED_LOAD when a worker must ask.
 */
enum err jwks_key(struct ctx *cx, const char *url, const char *kid, bool may_load, struct jwk *ret) MUST_USE;

#endif
