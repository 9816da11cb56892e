/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/engine.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/provision.h"
#include "cc/model/q_control.h"
#include "cc/net/http_client.h"
#include "cc/schema/doc.h"

#define ANSWER_MAX ((size_t)256 * 1024)
#define NAME_PREFIX "cc_test_"
#define NAME_RANDOM 26
#define REMOVE_MS INT64_C(1000) /* kept free for the removal, whatever the rest takes */
#define RETRY_AFTER_S 5

/* One module there, from its loading to its removal. */
struct session {
	const char *name;
	int64_t deadline_ms;
};

bool engine_is_set(const struct ctx *cx)
{
	return cx->world->settings->engine.url != NULL;
}

/* Calls ---------------------------------------------------------------------------------------------- */

static enum err refuse_down(struct ctx *cx, const char *cause)
{
	cx->problem.retry_after = RETRY_AFTER_S;
	cx->problem.cause = cause;
	return refuse(cx, ERR_ENGINE_DOWN, "the policy engine cannot be used at the moment; retry");
}

static enum err refuse_late(struct ctx *cx)
{
	return refuse(cx, ERR_ENGINE_LATE, "the policy engine did not answer in time");
}

static enum err refuse_status(struct ctx *cx, const char *what, const struct http_got *got)
{
	return refuse_down(cx, arena_printf(cx->arena, "policy engine: %s answered %d", what, got->status));
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static enum err call(struct ctx *cx, const char *method, const char *path, const char *type, const char *body,
	int64_t deadline_ms, struct http_got *ret)
{
	const struct engine_settings *s = &cx->world->settings->engine;
	const char *headers[3] = { 0 };
	struct http_ask ask = { .method = method, .headers = headers, .answer_max = ANSWER_MAX };
	enum http_result r;
	int n = 0;

	if (type != NULL)
		headers[n++] = arena_printf(cx->arena, "Content-Type: %s", type);
	if (s->token != NULL)
		headers[n++] = arena_printf(cx->arena, "Authorization: Bearer %s", s->token);
	ask.url = arena_printf(cx->arena, "%s%s", s->url, path);
	ask.body = (struct bytes){ (const unsigned char *)body, body != NULL ? strlen(body) : 0 };
	ask.deadline_ms = sooner(clock_mono_ms() + s->timeout_ms, deadline_ms);
	r = http_client_send(cx->world->http, cx->arena, &ask, ret);
	if (r == HTTP_GOT)
		return ERR_NONE;
	if (r == HTTP_LATE)
		return refuse_late(cx);
	if (r == HTTP_TOO_LARGE)
		return refuse(cx, ERR_ENGINE_LATE, "the policy engine's answer is too large");
	return refuse_down(cx, arena_printf(cx->arena, "policy engine: %s", ret->error));
}

static const char *module_path(struct ctx *cx, const char *name)
{
	return arena_printf(cx->arena, "/v1/policies/%s", name);
}

/* Loading -------------------------------------------------------------------------------------------- */

static const char *renamed(
	struct arena *a, const char *text, const struct rego_module *m, const char *name)
{
	return arena_printf(
		a, "%.*s%s%s", (int)m->package_at, text, name, text + m->package_at + m->package_len);
}

/* In the line of the package everything behind the name stands elsewhere than in the tenant's text. */
static void add_fault(
	struct engine_run *run, const struct rego_module *m, const char *name, const struct doc *error)
{
	const struct doc *where = doc_object(error, "location");
	struct rego_fault *f = &run->fault[run->nfaults];
	int64_t row = 1, column = 1;

	if (run->nfaults == REGO_FAULTS_MAX || doc_text(error, "message") == NULL)
		return;
	if (where != NULL) {
		(void)doc_int(where, "row", &row);
		(void)doc_int(where, "col", &column);
	}
	if (row == (int64_t)m->package_line && column > (int64_t)m->package_column)
		column += (int64_t)m->package_len - (int64_t)strlen(name);
	f->line = row > 0 ? (size_t)row : 1;
	f->column = column > 0 ? (size_t)column : 1;
	f->message = doc_text(error, "message");
	run->nfaults++;
}

static enum err read_faults(struct ctx *cx, const struct session *s, const struct rego_module *m,
	const struct http_got *got, struct engine_run *run)
{
	const struct doc *error;
	const char *why;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);

	if (d == NULL)
		return refuse_status(cx, "loading a module", got);
	run->fault = ARENA_ARRAY(cx->arena, struct rego_fault, REGO_FAULTS_MAX);
	for (size_t i = 0; (error = doc_item(d, "errors", i)) != NULL; i++)
		add_fault(run, m, s->name, error);
	if (run->nfaults == 0)
		add_fault(run, m, s->name, d);
	for (int i = 0; i < run->nfaults; i++)
		run->fault[i].message = arena_strdup(cx->arena, run->fault[i].message);
	doc_free(d);
	return run->nfaults > 0 ? ERR_NONE : refuse_status(cx, "loading a module", got);
}

/* What answers 200 to everything is no policy engine. */
static bool is_json(struct ctx *cx, const struct http_got *got)
{
	const char *why;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);

	doc_free(d);
	return d != NULL;
}

static enum err load(struct ctx *cx, const struct session *s, const char *text, const struct rego_module *m,
	struct engine_run *run)
{
	struct http_got got;

	TRY(call(cx, "PUT", module_path(cx, s->name), "text/plain", renamed(cx->arena, text, m, s->name),
		s->deadline_ms, &got));
	if (got.status == 400)
		return read_faults(cx, s, m, &got, run);
	if (got.status == 200 && is_json(cx, &got))
		return ERR_NONE;
	return refuse_status(cx, "loading a module", &got);
}

/* Evaluation ----------------------------------------------------------------------------------------- */

/* OPA answers 500 when a rule contradicts itself and the like: that is the module's, not the engine's. */
static bool read_failure(struct ctx *cx, struct doc *d, struct engine_case *c)
{
	const struct doc *first = doc_item(d, "errors", 0);
	const char *code = first != NULL ? doc_text(first, "code") : NULL;

	if (code == NULL || !str_starts(code, "eval_") || doc_text(first, "message") == NULL)
		return false;
	c->error = arena_strdup(cx->arena, doc_text(first, "message"));
	c->actual = "null";
	return true;
}

static enum err read_result(struct ctx *cx, const struct http_got *got, struct engine_case *c)
{
	const char *why;
	struct doc *d = doc_parse(cx->arena, got->body, got->len, &why);
	bool good = d != NULL && (got->status == 200 || (got->status == 500 && read_failure(cx, d, c)));

	if (good && got->status == 200) {
		c->actual = doc_value(d, "result");
		if (c->actual == NULL)
			c->actual = "null";
		c->passed = str_eq(c->actual, "true") == c->expected;
	}
	doc_free(d);
	return good ? ERR_NONE : refuse_status(cx, "an evaluation", got);
}

static enum err evaluate(struct ctx *cx, const struct session *s, struct engine_case *c)
{
	const char *path = arena_printf(cx->arena, "/v1/data/%s/allow", s->name);
	const char *body = arena_printf(cx->arena, "{\"input\":%s}", c->input);
	const int64_t start_us = clock_mono_us();
	struct http_got got;

	TRY(call(cx, "POST", path, "application/json", body, s->deadline_ms, &got));
	c->us = clock_mono_us() - start_us;
	return read_result(cx, &got, c);
}

static enum err load_and_evaluate(struct ctx *cx, const struct session *s, const char *text,
	const struct rego_module *m, struct engine_run *run)
{
	TRY(load(cx, s, text, m, run));
	FAILPOINT("engine.loaded");
	for (size_t i = 0; i < run->n && run->nfaults == 0; i++) {
		if (clock_mono_ms() >= s->deadline_ms)
			return refuse_late(cx);
		TRY(evaluate(cx, s, &run->v[i]));
		run->passed += run->v[i].passed;
	}
	return ERR_NONE;
}

/* Removal -------------------------------------------------------------------------------------------- */

static enum err write_intent(struct ctx *cx, void *arg)
{
	q_engine_module_add_later(cx->db, arg);
	return ERR_NONE;
}

static enum err drop_intent(struct ctx *cx, void *arg)
{
	q_engine_module_drop_later(cx->db, arg);
	return ERR_NONE;
}

static enum err in_control(struct ctx *cx, db_work work, const char *name)
{
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, work, (void *)(uintptr_t)name);
}

/* The name is forgotten only when the module is known to be gone. */
static enum err remove_module(struct ctx *cx, const char *name)
{
	struct http_got got;

	TRY(call(cx, "DELETE", module_path(cx, name), NULL, NULL, clock_mono_ms() + REMOVE_MS, &got));
	if (got.status != 200 && got.status != 404)
		return refuse_status(cx, "removing a module", &got);
	return in_control(cx, drop_intent, name);
}

/* What went wrong before is what the caller hears of. */
static void remove_quietly(struct ctx *cx, const char *name)
{
	const struct problem kept = cx->problem;
	enum err e;

	ctx_clear_problem(cx);
	e = remove_module(cx, name);
	(void)e; /* then engine_sweep() does it */
	cx->problem = kept;
}

static enum err run_session(
	struct ctx *cx, const char *text, const struct rego_module *m, struct engine_run *run)
{
	const struct settings *s = cx->world->settings;
	const int64_t end_ms = cx->deadline_ms > 0 ? cx->deadline_ms : clock_mono_ms() + s->request_ms;
	const struct session session = {
		.name = id_new(cx->arena, NAME_PREFIX, NAME_RANDOM),
		.deadline_ms = sooner(clock_mono_ms() + s->engine.test_ms, end_ms - REMOVE_MS),
	};
	enum err e;

	TRY(in_control(cx, write_intent, session.name));
	e = load_and_evaluate(cx, &session, text, m, run);
	remove_quietly(cx, session.name);
	return e;
}

enum err engine_run(struct ctx *cx, const char *text, const struct rego_module *m, struct engine_run *run)
{
	enum err e;
	int slot;

	if (!engine_is_set(cx))
		return refuse(cx, ERR_ENGINE_MISSING, "no policy engine is configured (engine.url)");
	slot = slots_take(&cx->world->engine_slots, cx->world->settings->engine.concurrent, cx->tenant->id);
	if (slot < 0) {
		cx->problem.retry_after = 1;
		return refuse(cx, ERR_OVERLOADED, "the policy engine has enough to do; retry");
	}
	e = run_session(cx, text, m, run);
	slots_give(&cx->world->engine_slots, slot);
	return e;
}

enum err engine_cases(struct ctx *cx, const char *test_cases, struct engine_run *run)
{
	const char *why, *text = arena_printf(cx->arena, "{\"cases\":%s}", test_cases);
	struct doc *d = doc_parse(cx->arena, text, strlen(text), &why);
	const struct doc *item;

	*run = (struct engine_run){ 0 };
	if (d == NULL)
		return refuse(cx, ERR_INTERNAL, "test cases that were stored cannot be read: %s", why);
	while (doc_item(d, "cases", run->n) != NULL)
		run->n++;
	run->v = ARENA_ARRAY(cx->arena, struct engine_case, run->n);
	for (size_t i = 0; (item = doc_item(d, "cases", i)) != NULL; i++) {
		run->v[i].name = arena_strdup(cx->arena, doc_text(item, "name"));
		run->v[i].input = doc_value(item, "input");
		run->v[i].expected = str_eq(doc_value(item, "expected"), "true");
	}
	doc_free(d);
	return ERR_NONE;
}

/* What was left behind ------------------------------------------------------------------------------- */

struct left {
	struct db_rows rows;
	int64_t age_ms;
};

static enum err find_left(struct ctx *cx, void *arg)
{
	struct left *l = arg;

	q_engine_module_left_later(cx->db, &l->rows, l->age_ms);
	return ERR_NONE;
}

enum err engine_sweep(struct ctx *cx, int *ret_removed)
{
	const struct engine_settings *s = &cx->world->settings->engine;
	/* By then no request can still be at it. */
	struct left l = { .age_ms = s->test_ms + 3 * (int64_t)s->timeout_ms + 2 * REMOVE_MS };
	struct db_place place;

	*ret_removed = 0;
	if (!engine_is_set(cx))
		return ERR_NONE;
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, find_left, &l));
	for (size_t i = 0; i < l.rows.n; i++) {
		TRY(remove_module(cx, DB_ROW(&l.rows, struct engine_module, i)->name));
		++*ret_removed;
	}
	return ERR_NONE;
}
