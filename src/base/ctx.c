/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/ctx.h"

#include <stdarg.h>
#include <string.h>

#define ID_SHOWN_MAX 256 /* a domain's is the longest */

enum err refuse(struct ctx *cx, enum err e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cx->problem.message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return e;
}

/* NULL: there are as many as are kept. */
static struct fault *add_fault(struct ctx *cx, const char *field, const char *error)
{
	struct problem *p = &cx->problem;
	struct fault *f;

	if (p->nfaults >= FAULTS_MAX)
		return NULL;
	f = ARENA_NEW(cx->arena, struct fault);
	f->field = arena_strdup(cx->arena, field);
	f->error = error;
	f->kind = ERR_VALIDATION;
	/* A ctx may have been copied while its list was empty. */
	if (p->faults == NULL)
		p->faults_tail = &p->faults;
	*p->faults_tail = f;
	p->faults_tail = &f->next;
	p->nfaults++;
	return f;
}

enum err refuse_missing(struct ctx *cx, const char *kind, const char *id)
{
	char *word;

	if (kind == NULL || id == NULL || strlen(id) > ID_SHOWN_MAX)
		return refuse(cx, ERR_NOT_FOUND, "%s", err_info(ERR_NOT_FOUND)->meaning);
	word = arena_strdup(cx->arena, kind);
	for (char *p = word; (p = strchr(p, '_')) != NULL;)
		*p = ' ';
	return refuse(cx, ERR_NOT_FOUND, "%s %s does not exist", word, id);
}

enum err refuse_field(struct ctx *cx, const char *field, const char *error, const char *fmt, ...)
{
	struct fault *f = add_fault(cx, field, error);
	va_list ap;

	if (f == NULL)
		return ERR_VALIDATION;
	va_start(ap, fmt);
	f->message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return ERR_VALIDATION;
}

enum err refuse_line(
	struct ctx *cx, enum err kind, const char *field, size_t line, size_t column, const char *fmt, ...)
{
	struct fault *f = add_fault(cx, field, "syntax");
	va_list ap;

	if (f == NULL)
		return kind;
	f->kind = kind;
	f->line = line;
	f->column = column;
	va_start(ap, fmt);
	f->message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return kind;
}

enum err ctx_faults(const struct ctx *cx)
{
	const struct fault *first = cx->problem.faults;

	if (first == NULL)
		return ERR_NONE;
	for (const struct fault *f = first; f != NULL; f = f->next)
		if (f->kind != first->kind)
			return ERR_VALIDATION;
	return first->kind;
}

static bool versions_have(const struct versions *s, int64_t row_version)
{
	bool has = s->any;

	for (size_t i = 0; i < s->n; i++)
		has = has || s->v[i] == row_version;
	return has;
}

enum err ctx_check_version(struct ctx *cx, int64_t row_version)
{
	struct belief *b = &cx->belief;

	b->checked = true;
	cx->problem.row_version = row_version;
	if (b->is.sent && !versions_have(&b->is, row_version))
		return refuse(cx, ERR_PRECONDITION, "the object has changed; its ETag is not in If-Match");
	if (b->is_not.sent && versions_have(&b->is_not, row_version))
		return refuse(cx, ERR_PRECONDITION, "the object is there with an ETag in If-None-Match");
	cx->problem.row_version = 0;
	return ERR_NONE;
}

void ctx_clear_problem(struct ctx *cx)
{
	/* Whom the answer is about was settled before the work began. */
	cx->problem = (struct problem){ .tenant_id = cx->problem.tenant_id };
}
