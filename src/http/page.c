/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists: by skip, or from behind the row that a cursor names. */
#include "page.h"

#include <string.h>

#include "cc/base/bytes.h"

#define FORMAT 1                /* first byte of a cursor */

/* Parameters that are another's business, or may differ from one page to the next. */
static bool is_bound(const char *parameter)
{
	static const char *const free[] = { "cursor", "limit", "skip", "tenant_id" };

	for (size_t i = 0; i < sizeof(free) / sizeof(free[0]); i++)
		if (strcmp(free[i], parameter) == 0)
			return false;
	return true;
}

static void add_part(struct str *s, const void *p, size_t n)
{
	str_addf(s, "%zu:", n);
	str_add_n(s, p, n);
}

static void add_text(struct str *s, const char *text)
{
	add_part(s, text, strlen(text));
}

/* The parameters in the order of their names: it does not matter how a client writes them. */
static void add_parameters(struct str *s, const struct http_in *in)
{
	const char *last = NULL;

	for (;;) {
		const struct kv *next = NULL;

		for (size_t i = 0; i < in->nquery; i++) {
			const struct kv *pair = &in->query[i];

			if (is_bound(pair->key) && (last == NULL || strcmp(pair->key, last) > 0) &&
			    (next == NULL || strcmp(pair->key, next->key) < 0))
				next = pair;
		}
		if (next == NULL)
			return;
		add_text(s, next->key);
		add_text(s, next->value);
		last = next->key;
	}
}

/* What a cursor is good for: this list, with these filters and this order. */
static void sign(struct ctx *cx, const struct req *rq, const unsigned char *p, size_t n,
		 unsigned char ret[PAGE_MAC_LEN])
{
	struct str s;

	str_init(&s, cx->arena, 256 + n);
	add_text(&s, rq->route->op);
	for (int i = 0; i < rq->nparams; i++)
		if (is_bound(rq->param_name[i]))
			add_text(&s, rq->param[i]);
	add_parameters(&s, rq->in);
	add_part(&s, p, n);
	rq->hooks->sign(cx, rq, s.data, s.len, ret);
}

static void put_number(struct str *s, int64_t v)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		str_add_char(s, (char)((uint64_t)v >> shift & 255));
}

static void put_value(struct str *s, enum db_type t, const struct db_arg *v)
{
	if (t == DB_BOOL) {
		put_number(s, v->flag);
	} else if (t != DB_TEXT) {
		put_number(s, v->number);
	} else if (v->text == NULL) {
		put_number(s, -1);
	} else {
		put_number(s, (int64_t)strlen(v->text));
		str_add(s, v->text);
	}
}

/* What is left to read of a cursor. */
struct intake {
	const unsigned char *p;
	size_t n;
	bool bad;
};

static int64_t take_number(struct intake *in)
{
	uint64_t v = 0;

	in->bad = in->bad || in->n < 8;
	if (in->bad)
		return 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | in->p[i];
	in->p += 8;
	in->n -= 8;
	return (int64_t)v;
}

static const char *take_text(struct arena *a, struct intake *in)
{
	const int64_t n = take_number(in);
	const char *text;

	if (in->bad || n == -1)
		return NULL;
	in->bad = n < 0 || (uint64_t)n > in->n;
	if (in->bad)
		return NULL;
	text = arena_strndup(a, (const char *)in->p, (size_t)n);
	in->p += n;
	in->n -= (size_t)n;
	return text;
}

static struct db_arg take_value(struct arena *a, struct intake *in, enum db_type t)
{
	if (t == DB_TEXT)
		return (struct db_arg){ .text = take_text(a, in) };
	if (t == DB_BOOL)
		return (struct db_arg){ .flag = take_number(in) != 0 };
	return (struct db_arg){ .number = take_number(in) };
}

static bool cursor_read(struct ctx *cx, const struct req *rq, const char *text, struct page *page)
{
	unsigned char mac[PAGE_MAC_LEN];
	struct intake in;
	struct bytes b;

	if (!base64url_decode(cx->arena, text, strlen(text), &b))
		return false;
	if (b.n < 1 + PAGE_MAC_LEN || b.p[0] != FORMAT)
		return false;
	b.n -= PAGE_MAC_LEN;
	sign(cx, rq, b.p, b.n, mac);
	if (!bytes_equal_ct(mac, b.p + b.n, PAGE_MAC_LEN))
		return false;
	in = (struct intake){ .p = b.p + 1, .n = b.n - 1 };
	page->number = take_number(&in);
	for (int i = 0; i < page->order.n; i++)
		page->after[i] = take_value(cx->arena, &in, db_order_type(page->order.by[i].field));
	page->order.after = page->after;
	return !in.bad && in.n == 0;
}

static const char *cursor_write(struct ctx *cx, const struct req *rq, const void *row)
{
	const struct page *page = rq->page;
	struct db_arg values[DB_ORDER_MAX + 1];
	unsigned char mac[PAGE_MAC_LEN];
	struct str s;

	db_order_values(&page->order, row, values);
	str_init(&s, cx->arena, 128);
	str_add_char(&s, FORMAT);
	put_number(&s, page->number + 1);
	for (int i = 0; i < page->order.n; i++)
		put_value(&s, db_order_type(page->order.by[i].field), &values[i]);
	sign(cx, rq, (const unsigned char *)s.data, s.len, mac);
	str_add_n(&s, (const char *)mac, sizeof(mac));
	return base64url_encode(cx->arena, s.data, s.len);
}

static bool has_parameter(const struct http_in *in, const char *name)
{
	for (size_t i = 0; i < in->nquery; i++)
		if (strcmp(in->query[i].key, name) == 0)
			return true;
	return false;
}

static enum err read_cursor(struct ctx *cx, struct req *rq, const char *text, struct page *page)
{
	if (has_parameter(rq->in, "skip"))
		return refuse_field(cx, "cursor", "conflict",
				    "`cursor` says where the page begins; it cannot be sent with skip");
	if (rq->hooks->sign != NULL && cursor_read(cx, rq, text, page))
		return ERR_NONE;
	return refuse_field(cx, "cursor", "invalid",
			    "`cursor` must be the next_cursor of this list, with the same sort and filters");
}

enum err req_page(struct ctx *cx, struct req *rq, const struct page_ask *ask, const char *by_default,
		  const struct page **ret)
{
	struct page *page = ARENA_NEW(cx->arena, struct page);
	const char *sort = ask->sort != NULL ? ask->sort : by_default, *why = NULL;

	if (!db_order_parse(cx->arena, rq->route->reply, sort, &page->order, &why))
		return refuse_field(cx, "sort", "enum", "`sort` %s", why);
	page->skip = ask->skip;
	page->rows = ask->limit + 1;
	page->number = ask->skip / ask->limit + 1;
	if (ask->cursor != NULL) {
		enum err e = read_cursor(cx, rq, ask->cursor, page);

		if (e != ERR_NONE)
			return e;
	}
	rq->page = page;
	rq->limit = ask->limit;
	rq->list_full = ask->full;
	*ret = page;
	return ERR_NONE;
}

void page_end(struct ctx *cx, struct req *rq)
{
	const size_t size = rq->route->reply != NULL ? rq->route->reply->size : 0;

	if (rq->page == NULL || rq->list.n <= (size_t)rq->limit)
		return;
	rq->list.n = (size_t)rq->limit;
	if (rq->hooks->sign != NULL)
		rq->next_cursor = cursor_write(cx, rq, (const char *)rq->list.v + (rq->list.n - 1) * size);
}

const char *page_link(struct arena *a, const struct req *rq)
{
	const struct http_in *in = rq->in;
	struct str s;

	if (rq->next_cursor == NULL)
		return NULL;
	str_init(&s, a, 256);
	str_addf(&s, "<%s?", percent_encode(a, in->raw_target, "/%!$&'()*+,;=:@"));
	for (size_t i = 0; i < in->nquery; i++) {
		const struct kv *pair = &in->query[i];

		if (strcmp(pair->key, "cursor") != 0 && strcmp(pair->key, "skip") != 0)
			str_addf(&s, "%s=%s&", percent_encode(a, pair->key, ""),
				 percent_encode(a, pair->value, ","));
	}
	str_addf(&s, "cursor=%s>; rel=\"next\"", rq->next_cursor);
	return s.data;
}
