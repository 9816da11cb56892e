/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_JWKS_H
#define CC_SRC_CORE_JWKS_H

#include "issuer.h"

/*
 * The key `kid` of the set published at url; its parts are copied to cx->arena. A set that has it is used at
 * once; when it is older than settings->keys_fresh_s it is asked for again in the background
 * (core/issuer_keys.h), and serves for a day while that fails. Otherwise one request fetches for all who ask,
 * within two seconds; settings->key_waits requests at most wait for that in the whole node. No URL is asked
 * within keys_pause_s of a fetch, nor within keys_retry_s of one that failed, whatever ids come.
 * ERR_INVALID_TOKEN: no such key; ERR_UNAVAILABLE with retry_after: it is not known, because the set cannot
 * be had or too many wait; ERR_NEED_LOAD when a worker must ask.
 */
enum err jwks_key(struct ctx *cx, const char *url, const char *kid, bool may_load, struct jwk *ret) MUST_USE;

#endif
