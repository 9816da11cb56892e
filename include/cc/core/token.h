/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_TOKEN_H
#define CC_CORE_TOKEN_H

#include "cc/base/ctx.h"
#include "cc/core/actor.h"

#define TOKEN_MAX 4096

/* Has the form of a JSON Web Token: three parts. API keys hold no dot. */
bool token_is(const char *text);
/*
 * The actor that a token proves (RFC 7519 in the profile of RFC 8725): signed by a key of an issuer of its
 * tenant or of the platform, with the algorithm of that key, for this audience, now. The tenant is the one
 * that its claim names; `hint` is what the request names, for issuers whose claim has another name (NULL:
 * nothing). The actor belongs to the caller: cred_put(). ERR_INVALID_TOKEN with the reason in the problem's
 * cause; ERR_RATE_LIMITED: too many of this address were refused; ERR_UNAVAILABLE: keys of its issuer that
 * are needed cannot be had, or too many wait for such; ERR_NEED_LOAD when a worker must load or fetch.
 */
enum err token_get(struct ctx *cx, const char *text, const char *hint, bool may_load,
		   const struct actor **ret) MUST_USE;

#endif
