/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ENGINE_H
#define CC_CORE_ENGINE_H

#include "cc/base/ctx.h"
#include "cc/model/rego.h"

/*
 * A policy engine beside the daemon, spoken to by the REST API of OPA. A module is loaded there under a name
 * of its own that nobody can guess, and its package is replaced by that name: tenants' modules never meet,
 * whatever they call themselves. It is removed at the end, and whatever dies in between, by engine_sweep():
 * the name is recorded in the control database before the module is loaded.
 *
 * Never called inside a transaction. Every call and all of them together have a deadline. Waits: for workers
 * and jobs, several at a time.
 */

struct engine_settings {
	const char *url;   /* "http://127.0.0.1:8181"; NULL: there is none */
	const char *token; /* Authorization: Bearer; NULL: none is sent */
	int timeout_ms;    /* of one call */
	int test_ms;       /* of all calls for one request */
	int concurrent;    /* requests of this node at a time, of one tenant at most half; ≤ SLOTS_MAX */
};

struct engine_case {
	const char *name, *input; /* input: JSON */
	bool expected;
	/* The answer: */
	bool passed;
	const char *actual; /* JSON; "null" where the rule is undefined */
	const char *error;  /* the evaluation failed: why; or NULL */
	int64_t us;         /* with the way there and back */
};

struct engine_run {
	struct rego_fault *fault; /* the module does not compile: nothing was evaluated */
	int nfaults;
	struct engine_case *v;
	size_t n, passed;
};

bool engine_is_set(const struct ctx *cx);
/*
 * Loads a module without syntax faults and evaluates its rule `allow` for each of run->v; without any it is
 * only compiled. A case passes when the rule is true exactly if that is expected; undefined is not true.
 * ERR_ENGINE_MISSING, ERR_ENGINE_DOWN, ERR_ENGINE_LATE, ERR_OVERLOADED.
 */
enum err engine_run(struct ctx *cx, const char *text, const struct rego_module *m,
	struct engine_run *run) MUST_USE;
/* Reads stored test cases (JSON array of test_case) into run. */
enum err engine_cases(struct ctx *cx, const char *test_cases, struct engine_run *run) MUST_USE;
/* Removes modules that were left behind; some at a time. *ret_removed counts them. */
enum err engine_sweep(struct ctx *cx, int *ret_removed) MUST_USE;

#endif
