/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/ctx.h"

#include <stdarg.h>

enum err refuse(struct ctx *cx, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cx->problem.message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return e;
}

enum err refuse_field(struct ctx *cx, const char *field, const char *error, const char *fmt, ...)
{
	struct problem *p = &cx->problem;
	struct fault *f;
	va_list ap;

	if (p->nfaults >= FAULTS_MAX)
		return ERR_VALIDATION;
	f = ARENA_NEW(cx->arena, struct fault);
	f->field = arena_strdup(cx->arena, field);
	f->error = error;
	va_start(ap, fmt);
	f->message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	/* A ctx may have been copied while its list was empty. */
	if (p->faults == NULL)
		p->faults_tail = &p->faults;
	*p->faults_tail = f;
	p->faults_tail = &f->next;
	p->nfaults++;
	return ERR_VALIDATION;
}

enum err ctx_faults(const struct ctx *cx)
{
	return cx->problem.nfaults > 0 ? ERR_VALIDATION : ERR_NONE;
}

void ctx_clear_problem(struct ctx *cx)
{
	/* Whom the answer is about was settled before the work began. */
	cx->problem = (struct problem){ .tenant_id = cx->problem.tenant_id };
}
