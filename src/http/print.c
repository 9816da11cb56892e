/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a success, from the route's tables to text. */
#include "cc/http/route.h"

#include <string.h>

enum { STATUS_OK = 200, STATUS_NO_CONTENT = 204 };

static void write_list(const struct req *rq, struct jw *w)
{
	const struct schema *s = rq->route->reply;
	const enum write_mode mode = rq->list_full ? WRITE_FULL : WRITE_LIST;
	const bool bare = (rq->route->flags & ROUTE_BARE_ARRAY) != 0;

	if (!bare) {
		jw_object(w);
		jw_key(w, rq->route->list);
	}
	jw_array(w);
	for (size_t i = 0; i < rq->list.n; i++)
		schema_write(w, s, (const char *)rq->list.v + i * s->size, mode);
	jw_array_end(w);
	if (bare)
		return;
	jw_key(w, "total");
	jw_int(w, rq->total);
	jw_key(w, "page");
	jw_int(w, rq->page != NULL ? rq->page->number : 1);
	jw_key(w, "page_size");
	jw_int(w, rq->limit);
	jw_key(w, "next_cursor");
	jw_text(w, rq->next_cursor);
	jw_object_end(w);
}

int reply_status(const struct req *rq)
{
	const int status = rq->status != 0 ? rq->status : rq->route->status;

	/* Nothing was created or begun. */
	return rq->dry_run && status != STATUS_NO_CONTENT ? STATUS_OK : status;
}

const char *reply_text(struct arena *a, const struct req *rq, bool kept, size_t *ret_len)
{
	struct str out;
	struct jw w;

	*ret_len = 0;
	if (reply_status(rq) == STATUS_NO_CONTENT)
		return "";
	if (rq->raw_out != NULL) {
		*ret_len = rq->raw_len > 0 ? rq->raw_len : strlen(rq->raw_out);
		return rq->raw_out;
	}
	str_init(&out, a, rq->list.n > 0 ? 256 * (rq->list.n + 1) : 1024);
	jw_init(&w, &out);
	if (rq->out == NULL && rq->route->list != NULL)
		write_list(rq, &w);
	else if (rq->out != NULL)
		schema_write(&w, rq->route->reply, rq->out, kept ? WRITE_KEPT : WRITE_FULL);
	else
		str_add(&out, "{}");
	*ret_len = out.len;
	return out.data;
}
