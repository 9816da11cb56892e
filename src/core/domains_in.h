/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_DOMAINS_IN_H
#define CC_SRC_CORE_DOMAINS_IN_H

#include "cc/core/domains.h"

/* The tenant's row, then the domain's, both locked. ERR_NOT_FOUND, ERR_PRECONDITION. */
enum err domains_hold(struct ctx *cx, const char *name, struct domain_row *ret) MUST_USE;
/*
 * Another tenant has it (held_until TIME_NULL), or had it lately: which one is nobody's business.
 * ERR_DOMAIN_ELSEWHERE.
 */
enum err refuse_held(struct ctx *cx, const char *name, int64_t held_until) MUST_USE;
/* It ended: who wants it begins with a fresh token. */
bool domains_is_over(const struct domain_row *row);

/*
 * Asks for the records of n domains at the same time; domains_show() has filled them in. Waits for
 * resolvers, at most settings->dns_ms, outside of any unit of work.
 */
void domains_ask(struct ctx *cx, const struct domain_row *const *rows, size_t n, struct domain_check *ret);
/* What it still needs, one of domain_reasons; NULL: nothing. */
const char *domains_lacks(const struct domain_row *row, const struct domain_check *c);
/* What it lacks is an answer: that says nothing against a domain that was proven. */
bool domains_is_silent(const char *lacks);
/* A resolver answered, and what it said counts against the domain. */
bool domains_is_denied(const struct domain_row *row, const struct domain_check *c);
/*
 * It lacks something: what was seen is kept, the next look comes soon, and one that was proven becomes stale
 * if that lasts. due: the look was due, and its lease ends; otherwise somebody asked for it.
 */
void domains_failed_later(struct ctx *cx, const struct domain_row *row, const struct domain_check *c,
			  bool due);
/*
 * It lacks nothing: row, which is locked, is verified or stays it, and claims of others to it are as good as
 * lost. *ret_changed: its status is another than before.
 */
enum err domains_prove(struct ctx *cx, const struct domain_check *c, struct domain_row *row,
		       bool *ret_changed) MUST_USE;

#endif
