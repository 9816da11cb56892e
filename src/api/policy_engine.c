/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy engine beside the daemon is asked: does it compile, and what does it decide? */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cc/core/engine.h"
#include "cc/model/policy_test.h"
#include "cc/model/q_tenant.h"
#include "cc/schema/write.h"
#include "gate.h"
#include "groups.h"
#include "managed.h"
#include "policy_parts.h"

static enum err need_engine(struct ctx *cx)
{
	if (engine_is_set(cx))
		return ERR_NONE;
	return refuse(cx, ERR_ENGINE_MISSING, "no policy engine is configured (engine.url)");
}

/* Validation ---------------------------------------------------------------------------------------- */

static const char *remarks(struct ctx *cx, const struct rego_fault *f, int n, const char *severity)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 256);
	jw_init(&w, &out);
	jw_array(&w);
	for (int i = 0; i < n; i++) {
		const struct policy_remark r = {
			.line = (int64_t)f[i].line,
			.column = (int64_t)f[i].column,
			.message = f[i].message,
			.severity = severity,
		};

		schema_write(&w, &policy_remark_schema, &r, WRITE_FULL);
	}
	jw_array_end(&w);
	return out.data;
}

static const char *warnings(struct ctx *cx, const struct rego_module *m)
{
	const struct rego_fault none = { 1, 1, "no rule is called allow, so it allows nothing" };

	return remarks(cx, &none, m->nfaults == 0 && !m->has_allow, "warning");
}

/* What our own check finds is not sent on: the engine is never given a text that is none. */
static enum err policy_validate(struct ctx *cx, struct req *rq)
{
	const struct policy_source *sent = rq->body;
	struct policy_verdict *v = ARENA_NEW(cx->arena, struct policy_verdict);
	struct rego_module *m = ARENA_NEW(cx->arena, struct rego_module);
	struct engine_run run = { 0 };

	TRY(need_engine(cx));
	rego_check(cx->arena, sent->rego_code, strlen(sent->rego_code), m);
	if (m->nfaults == 0)
		TRY(engine_run(cx, sent->rego_code, m, &run));
	v->valid = m->nfaults + run.nfaults == 0;
	v->message = v->valid ? "Policy is valid" : "Policy is not valid";
	v->errors = m->nfaults > 0 ? remarks(cx, m->fault, m->nfaults, "error")
				   : remarks(cx, run.fault, run.nfaults, "error");
	v->warnings = warnings(cx, m);
	return reply(rq, v);
}

/* Test cases ---------------------------------------------------------------------------------------- */

struct look {
	int64_t id;
	struct policy policy;
	bool found;
};

static enum err find_policy(struct ctx *cx, void *arg)
{
	struct look *l = arg;

	return q_policy_find(cx->db, &l->policy, &l->found, l->id);
}

/* Its module compiled here once, and nothing else has been accepted since. */
static enum err run_cases(struct ctx *cx, const char *rego_code, const char *cases, struct engine_run *run)
{
	struct rego_module *m = ARENA_NEW(cx->arena, struct rego_module);

	TRY(engine_cases(cx, cases, run));
	rego_check(cx->arena, rego_code, strlen(rego_code), m);
	if (m->nfaults > 0)
		return refuse(cx, ERR_INTERNAL, "a policy that was stored has a syntax error");
	return engine_run(cx, rego_code, m, run);
}

static enum err refuse_module(struct ctx *cx, const struct engine_run *run)
{
	for (int i = 0; i < run->nfaults; i++)
		(void)refuse_line(cx, ERR_REGO_INVALID, "rego_code", run->fault[i].line, run->fault[i].column,
			"`rego_code` line %zu, column %zu: %s", run->fault[i].line, run->fault[i].column,
			run->fault[i].message);
	return ctx_faults(cx);
}

static const char *results(struct ctx *cx, const struct engine_run *run)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	jw_array(&w);
	for (size_t i = 0; i < run->n; i++) {
		const struct engine_case *c = &run->v[i];
		const struct policy_case_result r = {
			.name = c->name,
			.passed = c->passed,
			.expected = c->expected,
			.actual = c->actual,
			.error = c->error,
			.evaluation_time_ms = (double)c->us / 1000,
		};

		schema_write(&w, &policy_case_result_schema, &r, WRITE_FULL);
	}
	jw_array_end(&w);
	return out.data;
}

static enum err reply_report(struct ctx *cx, struct req *rq, const struct look *l,
			     const struct engine_run *run)
{
	struct policy_test_report *r = ARENA_NEW(cx->arena, struct policy_test_report);

	r->policy_id = l->id;
	r->version = l->policy.version;
	r->results = results(cx, run);
	r->summary = (struct policy_test_summary){
		.total = (int64_t)run->n,
		.passed = (int64_t)run->passed,
		.failed = (int64_t)(run->n - run->passed),
		.pass_rate = run->n > 0 ? (double)run->passed / (double)run->n : (double)NAN,
	};
	return reply(rq, r);
}

static enum err policy_test(struct ctx *cx, struct req *rq)
{
	const char *cases = ((const struct policy_cases *)rq->body)->test_cases;
	struct look *l = ARENA_NEW(cx->arena, struct look);
	struct engine_run run;

	TRY(need_engine(cx));
	TRY(req_id(cx, rq, 0, &l->id));
	TRY(gate_look(cx, rq, find_policy, l));
	if (!l->found)
		return ERR_NOT_FOUND;
	if (cases == NULL)
		cases = l->policy.test_cases;
	TRY(run_cases(cx, l->policy.rego_code, cases, &run));
	return run.nfaults > 0 ? refuse_module(cx, &run) : reply_report(cx, rq, l, &run);
}

/* Before a promotion -------------------------------------------------------------------------------- */

struct policy_trial {
	int64_t version;        /* the one that was tried */
	enum err e;             /* the engine could not be asked: then problem says why */
	struct problem problem;
	struct engine_run run;
};

/* What could not be asked is told only where it matters: under the lock, by policy_tried(). */
enum err policy_try(struct ctx *cx, struct req *rq)
{
	struct look *l = ARENA_NEW(cx->arena, struct look);
	struct policy_trial *t;

	if (!engine_is_set(cx))
		return ERR_NONE;
	TRY(req_id(cx, rq, 0, &l->id));
	TRY(gate_look(cx, rq, find_policy, l));
	if (!l->found || str_eq(l->policy.environment, "production") || str_eq(l->policy.test_cases, "[]"))
		return ERR_NONE;
	t = ARENA_NEW(cx->arena, struct policy_trial);
	t->version = l->policy.version;
	t->e = run_cases(cx, l->policy.rego_code, l->policy.test_cases, &t->run);
	t->problem = cx->problem;
	ctx_clear_problem(cx);
	rq->prepared = t;
	return ERR_NONE;
}

static enum err not_tried(struct ctx *cx, const struct policy *p, const char **ret_tests)
{
	*ret_tests = "not_run";
	if (!cx->tenant->require_tests)
		return ERR_NONE;
	return refuse(cx, ERR_TESTS_FAILED,
		"the test cases of policy %" PRId64
		" cannot be run without a policy engine, and the tenant requires them",
		p->id);
}

static enum err refuse_failed(struct ctx *cx, const struct policy *p, const struct engine_run *run)
{
	if (run->nfaults > 0)
		return refuse(cx, ERR_TESTS_FAILED,
			"policy %" PRId64 " does not compile: line %zu, column %zu: %s", p->id,
			run->fault[0].line, run->fault[0].column, run->fault[0].message);
	for (size_t i = 0; i < run->n; i++)
		if (!run->v[i].passed)
			return refuse(cx, ERR_TESTS_FAILED,
				"%zu of %zu test cases of policy %" PRId64 " fail, the first is '%s'",
				run->n - run->passed, run->n, p->id, run->v[i].name);
	return ERR_NONE;
}

static bool has_failed(const struct engine_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->v[i].actual != NULL && !run->v[i].passed)
			return true;
	return run->nfaults > 0;
}

enum err policy_tried(struct ctx *cx, const struct req *rq, const struct policy *p, const char **ret_tests)
{
	const struct policy_trial *t = rq->prepared;

	*ret_tests = "none";
	if (str_eq(p->test_cases, "[]") && cx->tenant->require_tests)
		return refuse(cx, ERR_TESTS_FAILED,
			"policy %" PRId64 " has no test cases, and the tenant requires them", p->id);
	if (str_eq(p->test_cases, "[]"))
		return ERR_NONE;
	if (t == NULL)
		return not_tried(cx, p, ret_tests);
	/* Only an engine that is away excuses; what the policy itself can bring about does not. */
	if (t->e == ERR_ENGINE_DOWN && !cx->tenant->require_tests && !has_failed(&t->run))
		return not_tried(cx, p, ret_tests);
	if (t->e != ERR_NONE) {
		cx->problem = t->problem;
		return t->e;
	}
	if (t->version != p->version)
		return refuse(cx, ERR_CONFLICT,
			"policy %" PRId64 " was changed while its test cases ran; retry", p->id);
	*ret_tests = "passed";
	return refuse_failed(cx, p, &t->run);
}

#define ASKS .auth = AUTH_TENANT, .store = STORE_NONE, .mode = DB_READ, .object = "policy", .status = 200
#define ENGINE_ERRORS ERR_ENGINE_MISSING, ERR_ENGINE_DOWN, ERR_ENGINE_LATE

static const struct route routes[] = {
	{ M_POST, "/policies/validate", "validatePolicy", "policies:test", ASKS,
	  .handler = policy_validate, .body = &policy_source_schema, .reply = &policy_verdict_schema,
	  .errors = { ENGINE_ERRORS },
	  .summary = "Check a policy without keeping it",
	  .doc = "Our own syntax check first, then the compiler of the configured policy engine. 501 without "
		 "one: saving a policy checks its syntax too." },
	{ M_POST, "/policies/{id}/test", "testPolicy", "policies:test", ASKS,
	  .handler = policy_test, .body = &policy_cases_schema, .reply = &policy_test_report_schema,
	  .errors = { ENGINE_ERRORS, ERR_REGO_INVALID },
	  .summary = "Evaluate test cases of a policy",
	  .doc = "By the configured policy engine; 501 without one. Each case is the value of the rule allow "
		 "for its input. Nothing is kept. 422 when the policy does not compile." },
};
ROUTE_GROUP(policy_engine_routes, "Policy life cycle", "/api/v1", routes);
