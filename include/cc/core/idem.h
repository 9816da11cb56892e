/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_IDEM_H
#define CC_CORE_IDEM_H

#include "cc/base/bytes.h"
#include "cc/base/ctx.h"
#include "cc/model/idem.h"

#define IDEM_KEY_MAX 255
#define IDEM_BODY_MAX ((size_t)2 * 1024 * 1024) /* as the tables have it */

/*
 * An Idempotency-Key at work (cx->idem). It is asked for in front of the effect and recorded behind it,
 * in one transaction, in the database of the effect. Nothing of this does anything while cx->idem is NULL.
 * All of it on the thread that runs the unit of work; duplicates elsewhere meet in the database.
 */
struct idem {
	bool data;                      /* kept in the tenant's schema, else in the control database */
	const char *tenant_id;          /* control database: whose it is; "": of a call about no tenant */
	const char *scope;              /* who shares keys: "api_key", "operator:key-…" */
	const char *key;
	struct bytes fingerprint;       /* SHA-256 of what is asked */

	/* Of the unit of work that runs: what was found. */
	int64_t locked;
	bool found;
	struct idem_row row;
	int64_t version;                /* the head's, for the record in the tenant's schema */
};

/* Of a head (texts) and a body (bytes, may be NULL with n 0). */
struct bytes idem_fingerprint(struct arena *a, const char *head, const void *body, size_t n);
/*
 * Queued as the first statements of a write: duplicates wait here for the first of them (at most a
 * second), then the record is looked up.
 */
void idem_ask_later(struct ctx *cx);
/*
 * Behind the work, whose outcome is e: what was found counts more. ERR_REPLAY: the answer is in
 * cx->idem->row, and all that the work did is to be rolled back. ERR_IDEM_RUNNING, ERR_IDEM_REUSED; else e.
 */
enum err idem_decide(struct ctx *cx, enum err e) MUST_USE;
/* What is kept of an answer; texts outlive the commit. */
struct idem_answer {
	int status;
	const char *body, *location, *etag;
};
/* Queued behind the effect. ERR_TOO_LARGE: the answer cannot be kept. */
enum err idem_record_later(struct ctx *cx, const struct idem_answer *a) MUST_USE;

/*
 * Operations in several units of work. Asked before the first, in a unit of its own: ERR_NONE: nothing is
 * known; ERR_IDEM_RUNNING: it was begun, cx->idem->row.subject says what; else as idem_decide().
 */
enum err idem_look(struct ctx *cx) MUST_USE;
/* Queued with the intent, behind the tenant `subject`: a duplicate fails there (ERR_IDEM_RUNNING). */
void idem_reserve_later(struct ctx *cx, const char *subject);
/* When all is done, in a unit of its own. Until then, or if this fails, the operation answers for itself. */
enum err idem_finish(struct ctx *cx, const struct idem_answer *a) MUST_USE;

#endif
