/* SPDX-License-Identifier: Apache-2.0 */
#include "etag.h"
#include "cc/http/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cc/base/log.h"

enum err reply(struct req *rq, const void *obj)
{
	rq->out = obj;
	return ERR_NONE;
}

enum err reply_created(struct ctx *cx, struct req *rq, const void *obj, const char *path_fmt, ...)
{
	va_list ap;
	char *path;
	int n;

	va_start(ap, path_fmt);
	n = vsnprintf(NULL, 0, path_fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	path = arena_alloc(cx->arena, (size_t)n + 1);
	va_start(ap, path_fmt);
	(void)vsnprintf(path, (size_t)n + 1, path_fmt, ap);
	va_end(ap);
	rq->location = arena_printf(cx->arena, "/api/v1%s", path);
	rq->status = 201;
	return reply(rq, obj);
}

void reply_complete(struct req *rq, void (*fn)(struct req *rq, void *arg), void *arg)
{
	rq->complete = fn;
	rq->complete_arg = arg;
}

enum err reply_stream(struct req *rq, const struct stream *s, const char *type)
{
	rq->stream = s;
	rq->raw_type = type;
	return ERR_NONE;
}

void reply_wait(struct req *rq, uint64_t topic, uint64_t mark, int64_t until_ms)
{
	rq->wait = (struct req_wait){ .topic = topic, .mark = mark, .until_ms = until_ms };
}

bool req_has_tag(struct ctx *cx, const struct req *rq, const char *tag)
{
	struct etags sent;

	return etags_parse(cx->arena, rq->in->if_none_match, &sent) && etags_have(&sent, tag, ETAG_WEAK);
}

struct strv req_tags(struct ctx *cx, const struct req *rq)
{
	static const char *const unknown[] = { "" };
	const bool sent = rq->in->if_none_match != NULL;
	struct etags tags;
	const char **v;

	if (!etags_parse(cx->arena, rq->in->if_none_match, &tags) || tags.any)
		return (struct strv){ .v = unknown, .n = sent };
	v = ARENA_ARRAY(cx->arena, const char *, tags.n);
	for (size_t i = 0; i < tags.n; i++)
		v[i] = arena_strndup(cx->arena, tags.v[i].text, tags.v[i].len);
	return (struct strv){ .v = v, .n = tags.n };
}

void req_header(struct req *rq, const char *name, const char *value)
{
	if (rq->nheaders == REQ_HEADERS_MAX) {
		LOG(LOG_ERROR, "too many headers of one answer", LOG_TEXT("dropped", name));
		return;
	}
	rq->header[rq->nheaders++] = (struct http_header){ .name = name, .value = value };
}

enum err req_id(struct ctx *cx, const struct req *rq, int i, int64_t *ret)
{
	int64_t id;

	if (i >= rq->nparams || !parse_int64(rq->param[i], &id) || id <= 0)
		return refuse_missing(cx, rq->route->object, i < rq->nparams ? rq->param[i] : NULL);
	*ret = id;
	return ERR_NONE;
}
