/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency-Key: what a request is recognised by, what is kept of its answer, and how that is repeated. */
#include "gate.h"

#include "cc/core/actor.h"
#include "cc/core/idem.h"
#include "cc/core/tenant.h"

#define REPLAYED "Idempotent-Replayed"

/* These name the context and the manner of a request, not what it asks for. */
static bool counts(const char *parameter)
{
	return !str_eq(parameter, "tenant_id") && !str_eq(parameter, "dry_run");
}

/* Of operation, path, query and body. */
static struct bytes fingerprint(struct ctx *cx, const struct req *rq)
{
	const struct http_in *in = rq->in;
	struct str text;

	str_init(&text, cx->arena, 256);
	str_addf(&text, "%s\n%s\n", rq->route->op, in->path);
	for (size_t i = 0; i < in->nquery; i++)
		if (counts(in->query[i].key))
			str_addf(&text, "%s\n%s\n", in->query[i].key, in->query[i].value);
	return idem_fingerprint(cx->arena, text.data, in->body, in->body_len);
}

/* An operator's route that only happens to be told a tenant is not about it. */
static bool is_about_tenant(const struct ctx *cx, const struct req *rq)
{
	return cx->tenant != NULL && (rq->route->auth != AUTH_OPERATOR || gate_path_tenant(rq) != NULL);
}

void gate_idem_open(struct ctx *cx, const struct req *rq)
{
	struct idem *k;

	cx->idem = NULL;
	if (rq->in->idempotency_key == NULL || rq->dry_run || !route_is_write(rq->route))
		return;
	k = ARENA_NEW(cx->arena, struct idem);
	k->data = rq->route->store == STORE_TENANT;
	k->tenant_id = is_about_tenant(cx, rq) ? cx->tenant->id : "";
	/* A tenant's credentials share their keys; each operator has its own. */
	k->scope = cx->actor->kind == ACTOR_OPERATOR ? arena_printf(cx->arena, "operator:%s", cx->actor->id)
						     : actor_kind_name(cx->actor->kind);
	k->key = rq->in->idempotency_key;
	k->fingerprint = fingerprint(cx, rq);
	cx->idem = k;
}

static struct idem_answer answer_of(struct ctx *cx, const struct req *rq)
{
	size_t n;
	const char *body = reply_text(cx->arena, rq, true, &n);

	return (struct idem_answer){
		.status = reply_status(rq),
		.body = body,
		.location = rq->location,
		.etag = reply_etag(cx->arena, rq, body, n),
	};
}

enum err gate_idem_keep(struct ctx *cx, struct req *rq)
{
	struct idem_answer a;

	if (cx->idem == NULL)
		return ERR_NONE;
	/* An answer that its handler sets only after the commit cannot be kept with it. */
	if (rq->out == NULL && rq->raw_out == NULL && rq->route->reply != NULL)
		return refuse(cx, ERR_INTERNAL, "%s sets its answer after its unit of work", rq->route->op);
	TRY(db_settle(cx->db));
	if (rq->complete != NULL)
		rq->complete(rq, rq->complete_arg);
	a = answer_of(cx, rq);
	/* What is sent now is to the byte what will be repeated, but for a secret. */
	if (!(rq->route->flags & ROUTE_NO_STORE))
		rq->raw_out = a.body;
	return idem_record_later(cx, &a);
}

static enum err resume(struct ctx *cx, struct req *rq)
{
	ctx_clear_problem(cx);
	rq->begun = cx->idem->row.subject;
	TRY(rq->route->resume(cx, rq));
	req_header(rq, REPLAYED, "true");
	return ERR_NONE;
}

static enum err begin_or_resume(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	enum err e = idem_look(cx);

	if (e == ERR_NONE)
		e = work(cx, arg);
	else if (e == ERR_IDEM_RUNNING)
		return resume(cx, rq);
	if (e != ERR_IDEM_RUNNING)
		return e;
	/* Another was first, between the look and the intent. */
	e = idem_look(cx);
	if (e == ERR_IDEM_RUNNING)
		return resume(cx, rq);
	return e != ERR_NONE ? e : refuse(cx, ERR_IDEM_RUNNING, "that request has failed meanwhile; retry");
}

enum err gate_idem_steps(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	struct idem_answer a;

	if (cx->idem == NULL)
		return work(cx, arg);
	TRY(begin_or_resume(cx, rq, work, arg));
	a = answer_of(cx, rq);
	/* All is done, and would be found to be: without this record it is looked up again. */
	if (idem_finish(cx, &a) != ERR_NONE)
		ctx_clear_problem(cx);
	return ERR_NONE;
}

void gate_idem_replay(struct ctx *cx, struct req *rq)
{
	const struct idem_row *row = &cx->idem->row;

	ctx_clear_problem(cx);
	rq->raw_out = row->body;
	rq->raw_type = NULL;
	rq->status = (int)row->status;
	rq->location = row->location;
	rq->etag = row->etag;
	req_header(rq, REPLAYED, "true");
}
