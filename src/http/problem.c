/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/http/server.h"

#include "cc/base/clock.h"

static void write_faults(struct jw *w, const struct problem *p)
{
	jw_key(w, "details");
	jw_array(w);
	for (const struct fault *f = p->faults; f != NULL; f = f->next) {
		jw_object(w);
		jw_key(w, "field");
		jw_text(w, f->field);
		jw_key(w, "error");
		jw_text(w, f->error);
		jw_key(w, "message");
		jw_text(w, f->message);
		if (f->line > 0) {
			jw_key(w, "line");
			jw_int(w, (int64_t)f->line);
			jw_key(w, "column");
			jw_int(w, (int64_t)f->column);
		}
		jw_object_end(w);
	}
	jw_array_end(w);
}

/* What went wrong inside is for the log: a client gets the sentence of the table. */
static const char *message_of(enum err e, const struct ctx *cx)
{
	const struct problem *p = &cx->problem;

	if (e == ERR_VALIDATION && p->message == NULL && p->nfaults > 0)
		return arena_printf(cx->arena, "%s%d %s not valid",
				    p->nfaults == FAULTS_MAX ? "at least " : "", p->nfaults,
				    p->nfaults == 1 ? "field is" : "fields are");
	if (e == ERR_INTERNAL || p->message == NULL)
		return err_info(e)->meaning;
	return p->message;
}

static void write_kind(struct jw *w, enum err e, const struct problem *p)
{
	if (p->retry_after > 0) {
		jw_key(w, "retry_after");
		jw_int(w, p->retry_after);
	}
	if (e == ERR_OPERATION_RUNNING) {
		jw_key(w, "operation_id");
		jw_text(w, p->operation_id);
	}
	if (e == ERR_RATE_LIMITED) {
		jw_key(w, "limit");
		jw_int(w, p->limit);
		jw_key(w, "remaining");
		jw_int(w, 0);
	}
	if (e == ERR_PRECONDITION && p->etag != NULL) {
		jw_key(w, "etag");
		jw_text(w, p->etag);
	}
	if (e == ERR_QUOTA) {
		jw_key(w, "resource");
		jw_text(w, p->resource);
		jw_key(w, "limit");
		jw_int(w, p->limit);
		if (p->hard_limit > 0) {
			jw_key(w, "hard_limit");
			jw_int(w, p->hard_limit);
		}
		jw_key(w, "used");
		jw_int(w, p->used);
	}
}

/* There is no `type`: what a refusal is, the status and `error` say. */
static void write_standard(struct jw *w, enum err e, const struct ctx *cx)
{
	jw_key(w, "title");
	jw_text(w, err_info(e)->meaning);
	jw_key(w, "status");
	jw_int(w, err_info(e)->status);
	jw_key(w, "detail");
	jw_text(w, message_of(e, cx));
}

void problem_write(struct str *out, enum err e, const struct ctx *cx, bool standard)
{
	const struct problem *p = &cx->problem;
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "error");
	jw_text(&w, err_info(e)->code);
	jw_key(&w, "message");
	jw_text(&w, message_of(e, cx));
	if (p->tenant_id != NULL) {
		jw_key(&w, "tenant_id");
		jw_text(&w, p->tenant_id);
	}
	if (standard)
		write_standard(&w, e, cx);
	write_kind(&w, e, p);
	if (p->faults != NULL)
		write_faults(&w, p);
	if (cx->request_id != NULL) {
		jw_key(&w, "request_id");
		jw_text(&w, cx->request_id);
	}
	jw_key(&w, "timestamp");
	jw_time(&w, clock_wall_us());
	jw_object_end(&w);
}
