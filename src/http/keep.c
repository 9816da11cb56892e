/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are given again without asking a database, and those that will be. */
#include "keep.h"

#include <string.h>
#include <strings.h>

#include "cc/base/clock.h"

/* A directive of Cache-Control that wants the answer to be made now. */
static bool is_fresh_directive(const char *p, size_t n)
{
	static const char *const words[] = { "no-cache", "no-store", "max-age=0" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && strncasecmp(words[i], p, n) == 0)
			return true;
	return false;
}

static bool wants_fresh(const char *cache_control)
{
	for (const char *p = cache_control; p != NULL && *p != '\0';) {
		size_t n;

		p += strspn(p, " \t,");
		n = strcspn(p, " \t,");
		if (is_fresh_directive(p, n))
			return true;
		p += n;
	}
	return false;
}

bool keep_may(const struct call *c)
{
	const struct route *r = c->rq.route;

	return c->server->conf.answers != NULL && c->rq.tenant_id != NULL && !c->has_body &&
	       r->method == M_GET && r->store == STORE_TENANT && r->mode == DB_READ &&
	       (r->flags & (ROUTE_VOLATILE | ROUTE_NO_STORE)) == 0 && !c->entry->secret;
}

static void add_part(struct str *s, const char *text)
{
	str_addf(s, "%zu:%s", strlen(text), text);
}

static const char *key_of(const struct call *c)
{
	const struct req *rq = &c->rq;
	struct str s;

	str_init(&s, c->arena, 256);
	add_part(&s, c->entry->path);
	add_part(&s, rq->audience);
	str_add_int(&s, c->coding);
	for (int i = 0; i < rq->nparams; i++)
		add_part(&s, rq->param[i]);
	for (size_t i = 0; i < c->in.nquery; i++) {
		add_part(&s, c->in.query[i].key);
		add_part(&s, c->in.query[i].value);
	}
	return s.data;
}

bool keep_list_is_unchanged(struct call *c)
{
	struct req *rq = &c->rq;
	const char *hash;

	if (c->entry->etag != ETAG_LIST || !c->if_none_match.sent || c->if_match.sent)
		return false;
	hash = etag_list_hash(c->arena, c->entry, rq);
	if (!rq->data.known || !etags_may_be_list(&c->if_none_match, hash))
		return false;
	c->etag = etag_of_list(c->arena, rq, hash);
	c->not_modified = etags_have(&c->if_none_match, c->etag, ETAG_WEAK);
	return c->not_modified;
}

enum keep keep_take(struct call *c)
{
	struct answers *a = c->server->conf.answers;
	struct req *rq = &c->rq;
	bool stale;

	if (c->kept != NULL || !keep_may(c) || wants_fresh(c->in.cache_control))
		return KEEP_NONE;
	c->kept = answers_find(a, rq->tenant_id, key_of(c), &stale);
	if (c->kept == NULL && stale)
		return KEEP_STALE;
	if (c->kept == NULL) {
		if (!rq->data.known)
			(void)answers_version(a, rq->tenant_id, &rq->data);
		return keep_list_is_unchanged(c) ? KEEP_TAKEN : KEEP_NONE;
	}
	rq->total = c->kept->total;
	rq->next_cursor = c->kept->next_cursor;
	return KEEP_TAKEN;
}

enum err keep_ask(struct call *c)
{
	const struct http_hooks *hooks = c->server->conf.hooks;
	const int64_t asked_us = clock_mono_us();
	enum err e;

	if (hooks->data_version == NULL)
		return ERR_NONE;
	e = hooks->data_version(&c->cx, &c->rq);
	if (e == ERR_NONE && keep_may(c))
		answers_learn(c->server->conf.answers, c->rq.tenant_id, c->rq.data, asked_us);
	return e;
}

void keep_answer(const struct call *c)
{
	const struct req *rq = &c->rq;
	const struct kept k = {
		.body = c->answer,
		.body_len = c->answer_len,
		.etag = c->etag,
		.next_cursor = rq->next_cursor,
		.total = rq->total,
		.gzip = c->coded,
	};

	if (!rq->data.known || c->status != MHD_HTTP_OK || !keep_may(c))
		return;
	answers_learn(c->server->conf.answers, rq->tenant_id, rq->data, c->asked_us);
	answers_keep(c->server->conf.answers, rq->tenant_id, rq->data, key_of(c), &k);
}
