/* SPDX-License-Identifier: Apache-2.0 */
#include "etag.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/bytes.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Any visible character but the quote itself, and bytes beyond ASCII. */
static bool is_tag_char(char c)
{
	return (unsigned char)c >= 0x21 && c != '"' && c != 0x7f;
}

/* One entity tag at *p, which moves behind it. */
static bool take_tag(const char **p, struct etag *ret)
{
	const size_t form = sizeof(ETAG_GZIP) - 1;
	const char *s = *p;

	ret->weak = s[0] == 'W' && s[1] == '/';
	s += ret->weak ? 2 : 0;
	if (*s++ != '"')
		return false;
	ret->text = s;
	while (is_tag_char(*s))
		s++;
	ret->len = (size_t)(s - ret->text);
	ret->gzip = ret->len > form && memcmp(s - form, ETAG_GZIP, form) == 0;
	ret->len -= ret->gzip ? form : 0;
	*p = s + 1;
	return *s == '"';
}

static size_t count_commas(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == ',';
	return n;
}

bool etags_parse(struct arena *a, const char *value, struct etags *ret)
{
	*ret = (struct etags){ .sent = value != NULL };
	if (value == NULL)
		return true;
	if (strcmp(value, "*") == 0) {
		ret->any = true;
		return true;
	}
	ret->v = ARENA_ARRAY(a, struct etag, count_commas(value) + 1);
	for (const char *p = value;;) {
		while (is_blank(*p))
			p++;
		/* Empty elements of a list are passed over. */
		if (*p != ',' && *p != '\0' && !take_tag(&p, &ret->v[ret->n++]))
			return false;
		while (is_blank(*p))
			p++;
		if (*p == '\0')
			return ret->n > 0;
		if (*p++ != ',')
			return false;
	}
}

bool etags_have(const struct etags *l, const char *tag, enum etag_compare how)
{
	const size_t len = strlen(tag);

	for (size_t i = 0; i < l->n; i++) {
		const struct etag *e = &l->v[i];

		if (e->len == len && memcmp(e->text, tag, len) == 0 && (how == ETAG_WEAK || !e->weak))
			return true;
	}
	return l->any;
}

bool etags_have_form(const struct etags *l, const char *tag, bool gzip)
{
	const size_t len = strlen(tag);

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].gzip == gzip && l->v[i].len == len && memcmp(l->v[i].text, tag, len) == 0)
			return true;
	return l->any;
}

/* INT_NULL: it names none. */
static int64_t version_of(struct arena *a, const struct etag *e)
{
	const char *dash = memchr(e->text, '-', e->len);
	const size_t n = dash != NULL ? (size_t)(dash - e->text) : e->len;
	int64_t v;

	if (n == 0 || n > 19 || !parse_int64(arena_strndup(a, e->text, n), &v))
		return INT_NULL;
	return v;
}

struct versions etags_versions(struct arena *a, const struct etags *l, enum etag_compare how)
{
	int64_t *v = ARENA_ARRAY(a, int64_t, l->n);
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (how == ETAG_WEAK || !l->v[i].weak)
			v[n] = version_of(a, &l->v[i]);
		else
			v[n] = INT_NULL;
		n += v[n] != INT_NULL;
	}
	return (struct versions){ .sent = l->sent, .any = l->any, .v = v, .n = n };
}

static const struct field *field_with(const struct schema *s, unsigned flag)
{
	for (size_t i = 0; s != NULL && i < s->nfields; i++)
		if ((s->fields[i].flags & flag) != 0)
			return &s->fields[i];
	return NULL;
}

/* Whether more shows in the answer than the object's own row. */
static bool shows_more(const struct route *r)
{
	return (r->flags & ROUTE_VOLATILE) != 0 || (r->method == M_GET && r->query != NULL) ||
	       field_with(r->reply, F_VOLATILE) != NULL;
}

static enum etag_kind kind_of(const struct entry *e)
{
	const struct route *r = e->route;

	if ((r->flags & ROUTE_NO_STORE) != 0 || (r->auth == AUTH_PUBLIC && (r->flags & ROUTE_VOLATILE) != 0))
		return ETAG_NONE;
	/* Made while it is sent: the tag would have to go before what it is made of. */
	if (r->media[0] != NULL)
		return ETAG_NONE;
	if (r->list == NULL && e->row_version != NULL)
		return shows_more(r) ? ETAG_ROW_AND_BODY : ETAG_ROW;
	if (r->method != M_GET)
		return ETAG_NONE;
	if (r->list != NULL && r->store == STORE_TENANT && (r->flags & ROUTE_VOLATILE) == 0)
		return ETAG_LIST;
	return ETAG_BODY;
}

/* A release that shows other fields has other tags. */
static uint64_t shape_of(const struct schema *s)
{
	uint64_t h;

	if (s == NULL)
		return 0;
	h = hash64_fixed(s->name, strlen(s->name), 0);
	for (size_t i = 0; i < s->nfields; i++)
		if ((s->fields[i].flags & F_OUT) != 0)
			h = hash64_fixed(s->fields[i].name, strlen(s->fields[i].name), h);
	return h;
}

void etag_derive(struct entry *e, const struct entry *get)
{
	const struct route *r = e->route;

	e->row_version = field_with(r->reply, F_ROW_VERSION);
	e->etag = kind_of(e);
	e->shape = shape_of(r->reply);
	/* What a write answers is what a GET of the same path would if it is no list: it has the same tag. */
	if (e->etag != ETAG_NONE && get != NULL && get != e && get->route->reply == r->reply &&
	    get->route->list == r->list)
		e->etag = get->etag;
	e->object = get != NULL && get->row_version != NULL && get->route->list == NULL ? get : e;
}

static uint64_t hash_of(const struct entry *e, const char *audience)
{
	if (audience == NULL)
		audience = "";
	return hash64_fixed(audience, strlen(audience), e->shape);
}

const char *etag_of_row(struct arena *a, const struct entry *e, const char *audience, int64_t row_version,
	const char *body, size_t body_len)
{
	uint64_t h = hash_of(e, audience);

	if (e->etag == ETAG_ROW_AND_BODY && body == NULL)
		return arena_printf(a, "%" PRId64, row_version);
	if (e->etag == ETAG_ROW_AND_BODY)
		h = hash64_fixed(body, body_len, h);
	return arena_printf(a, "%" PRId64 "-%016" PRIx64, row_version, h);
}

const char *etag_of_body(
	struct arena *a, const struct entry *e, const char *audience, const char *body, size_t body_len)
{
	return arena_printf(a, "%016" PRIx64, hash64_fixed(body, body_len, hash_of(e, audience)));
}

const char *etag_list_hash(struct arena *a, const struct entry *e, const struct req *rq)
{
	uint64_t h = hash_of(e, rq->audience);

	h = hash64_fixed(e->path, strlen(e->path), h);
	for (int i = 0; i < rq->nparams; i++)
		h = hash64_fixed(rq->param[i], strlen(rq->param[i]), h);
	for (size_t i = 0; i < rq->in->nquery; i++) {
		h = hash64_fixed(rq->in->query[i].key, strlen(rq->in->query[i].key), h);
		h = hash64_fixed(rq->in->query[i].value, strlen(rq->in->query[i].value), h);
	}
	return arena_printf(a, "%016" PRIx64, h);
}

const char *etag_of_list(struct arena *a, const struct req *rq, const char *hash)
{
	return arena_printf(a, "%" PRId64 "-%" PRId64 "-%s", rq->data.epoch, rq->data.version, hash);
}

bool etags_may_be_list(const struct etags *l, const char *hash)
{
	const size_t n = strlen(hash);

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].len > n && memcmp(l->v[i].text + l->v[i].len - n, hash, n) == 0)
			return true;
	/* "*" asks only whether the request is a good one, which is not known before it is done. */
	return false;
}

const char *reply_etag(struct arena *a, const struct req *rq, const char *body, size_t n)
{
	const struct entry *e = rq->entry;

	/* What a dry run answers is nowhere. */
	if (rq->etag != NULL || rq->dry_run)
		return rq->etag;
	switch (e->etag) {
	case ETAG_NONE:
		return NULL;
	case ETAG_ROW:
	case ETAG_ROW_AND_BODY:
		if (rq->out == NULL)
			return NULL;
		return etag_of_row(a, e, rq->audience,
			*(const int64_t *)schema_member_const(rq->out, e->row_version), body, n);
	case ETAG_LIST:
		if (rq->data.known)
			return etag_of_list(a, rq, etag_list_hash(a, e, rq));
		break;
	case ETAG_BODY:
		break;
	}
	return etag_of_body(a, e, rq->audience, body, n);
}
