/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_CTX_H
#define CC_BASE_CTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/err.h"

struct db;
struct tenant;
struct actor;
struct world;
struct head;
struct idem;

/* A set of row versions, or of all there can be. */
struct versions {
	bool sent;                      /* the client names such a set */
	bool any;                       /* all */
	const int64_t *v;
	size_t n;
};

/* What the client believes of the object that it is about to change: If-Match, If-None-Match. */
struct belief {
	struct versions is, is_not;
	bool checked;                   /* ctx_check_version() was asked */
};

/* One field that is wrong; a request's faults are reported all at once. */
struct fault {
	const char *field;      /* dotted path: "settings.max_users", "test_cases[2].name" */
	const char *error;      /* machine word: required, type, length, range, enum, format, unknown, … */
	const char *message;    /* a sentence naming the field */
	enum err kind;          /* what the answer is when all faults are of this kind */
	size_t line, column;    /* of a field that is source text, from 1; 0: none */
	struct fault *next;
};

/* The words that belong to the enum err on its way up. */
struct problem {
	const char *message;            /* NULL: err_info()->meaning */
	/* as the caller wrote it; NULL when no tenant is known to the caller */
	const char *tenant_id;
	struct fault *faults;           /* details[] */
	struct fault **faults_tail;
	int nfaults;
	const char *resource;           /* ERR_QUOTA: resource, limit, used */
	int64_t limit, used;            /* ERR_QUOTA, ERR_RATE_LIMITED (limit) */
	int64_t hard_limit;             /* ERR_QUOTA: where it is refused, if beyond the limit; or 0 */
	const char *operation_id;       /* ERR_OPERATION_RUNNING: what is in the way */
	int64_t retry_after;            /* seconds; 429 and 503; 0: none */
	int64_t row_version;            /* ERR_PRECONDITION: what the object has now; 0: not known */
	const char *etag;               /* … and as it is told, in its quotes */
	const char *cause;              /* for the log only, never for the client */
	bool elsewhere;                 /* ERR_UNAVAILABLE: not ours but another server's, and logged once */
	bool no_writes;                 /* the database answers, and takes no writes: core/health.h */
};

/*
 * Who acts, for which tenant, with which lease, and why it failed. Shared by requests and
 * jobs. Owned by one thread at a time.
 */
struct ctx {
	struct arena *arena;            /* dies with the request or job */
	struct db *db;                  /* the open transaction; NULL outside db_unit() */
	const struct tenant *tenant;    /* immutable snapshot, reference held by the runner; may be NULL */
	const struct actor *actor;      /* credential with its scopes; NULL for public routes and jobs */
	struct world *world;            /* what reaches beyond the transaction (pools, cache, settings) */
	const struct head *head;        /* inside a managed write: what the gate answered (core/head.h) */
	struct belief belief;           /* of a request that changes an object */
	const char *quota_warning;      /* the write uses more than a limit that only warns: core/quota.h */
	struct idem *idem;              /* inside a write with an Idempotency-Key (core/idem.h), else NULL */
	const char *request_id;
	const char *remote_ip;
	bool rationed;                  /* it has paid for its look-ups, or need not: core/failures.h */
	int64_t deadline_ms;            /* clock_mono_ms() at which the work must be over */
	int64_t db_us;                  /* time spent waiting for PostgreSQL, for the log line */
	struct problem problem;
};

/* Records the sentence and returns e, so a refusal is one statement. */
enum err refuse(struct ctx *cx, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/*
 * ERR_NOT_FOUND in the one way it is said: "policy 7 does not exist". kind: the audit's word for such
 * objects; NULL, and an id that is NULL or too long to be one: "no such object".
 */
enum err refuse_missing(struct ctx *cx, const char *kind, const char *id);
/* Adds one fault (field is copied) and returns ERR_VALIDATION. Beyond FAULTS_MAX they are not kept. */
#define FAULTS_MAX 100
enum err refuse_field(struct ctx *cx, const char *field, const char *error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same for a place in a field that is source text: the fault is a `syntax` one of this kind. */
enum err refuse_line(struct ctx *cx, enum err kind, const char *field, size_t line, size_t column,
		     const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Of the faults recorded: ERR_NONE without any, their kind when they share one, else ERR_VALIDATION. */
enum err ctx_faults(const struct ctx *cx);
/*
 * Every change of an object asks this when it has the object's row version and holds the lock under which
 * the version can only be changed by itself. ERR_PRECONDITION: the client believes otherwise.
 */
enum err ctx_check_version(struct ctx *cx, int64_t row_version) MUST_USE;
/* Forgets what was recorded, but not the tenant: a retried unit of work starts clean. */
void ctx_clear_problem(struct ctx *cx);

#endif
