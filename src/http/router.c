/* SPDX-License-Identifier: Apache-2.0 */
#include "etag.h"
#include "gzip.h"

#include <string.h>

#include "cc/base/bytes.h"

/* A trie of segments. Literals are tried before the parameter. */
struct node {
	const char *literal;            /* NULL: the root, or a parameter */
	struct node *next;              /* the next literal of the same parent */
	struct node *literals;
	struct node *param;
	struct entry *by_method[METHODS];
	const char *allow;              /* NULL: no path ends here */
};

struct router {
	struct arena *arena;
	struct node root;
	struct entry *entries, **tail;
	size_t count;
	const char *error;
};

const char *method_name(enum method m)
{
	static const char *const names[METHODS] = { "GET",    "POST", "PUT",     "PATCH",
						    "DELETE", "HEAD", "OPTIONS", "OTHER" };

	return names[m];
}

bool route_takes_body(const struct route *r)
{
	return r != NULL && (r->body != NULL || (r->flags & ROUTE_RAW_BODY) != 0);
}

bool route_is_write(const struct route *r)
{
	return r->method != M_GET && r->auth != AUTH_PUBLIC && r->mode == DB_WRITE;
}

const struct rate_class_info *route_rate(const struct route *r)
{
	static const struct rate_class_info classes[] = {
		[RATE_NONE] = { "none", 0 }, [RATE_READ] = { "read", 1 }, [RATE_WRITE] = { "write", 1 },
		[RATE_LIST] = { "list", 5 }, [RATE_EXPORT] = { "export", 50 },
	};

	if (r->auth == AUTH_PUBLIC || (r->flags & ROUTE_NO_LIMIT) != 0)
		return &classes[RATE_NONE];
	if (r->rate != RATE_BY_KIND)
		return &classes[r->rate];
	return &classes[r->list != NULL ? RATE_LIST : route_is_write(r) ? RATE_WRITE : RATE_READ];
}

static struct node *child_literal(struct router *r, struct node *parent, const char *text, size_t n)
{
	struct node *c;

	for (c = parent->literals; c != NULL; c = c->next) {
		if (strlen(c->literal) == n && memcmp(c->literal, text, n) == 0)
			return c;
	}
	c = ARENA_NEW(r->arena, struct node);
	c->literal = arena_strndup(r->arena, text, n);
	c->next = parent->literals;
	parent->literals = c;
	return c;
}

static struct node *child_param(struct router *r, struct node *parent)
{
	if (parent->param == NULL)
		parent->param = ARENA_NEW(r->arena, struct node);
	return parent->param;
}

/* Walks and makes the nodes of a path, and notes the names of its parameters. */
static struct node *path_node(struct router *r, struct entry *e)
{
	struct node *node = &r->root;

	for (const char *p = e->path; *p == '/';) {
		const char *segment = ++p;
		const size_t n = strcspn(segment, "/");

		p += n;
		if (n == 0)
			break;
		if (segment[0] != '{') {
			node = child_literal(r, node, segment, n);
			continue;
		}
		e->param_name[e->nparams++] = arena_strndup(r->arena, segment + 1, n - 2);
		node = child_param(r, node);
	}
	return node;
}

static const char *allow_of(struct arena *a, const struct node *node)
{
	struct str s;

	str_init(&s, a, 48);
	for (int m = 0; m < METHODS; m++) {
		if (node->by_method[m] == NULL)
			continue;
		str_add(&s, method_name((enum method)m));
		str_add(&s, m == M_GET ? ", HEAD, " : ", ");
	}
	str_add(&s, "OPTIONS");
	return s.data;
}

static enum read_mode read_mode_of(const struct route *route)
{
	if (route->method == M_PATCH || (route->method == M_PUT && (route->flags & ROUTE_PUT_KEEPS) != 0))
		return READ_MERGE;
	return route->method == M_PUT ? READ_REPLACE : READ_CREATE;
}

static bool has_flag(const struct schema *s, unsigned flag)
{
	for (size_t i = 0; s != NULL && i < s->nfields; i++) {
		const struct field *f = &s->fields[i];

		if ((f->flags & flag) != 0)
			return true;
		if (flag == F_SECRET && f->sub != NULL && has_flag(f->sub, flag))
			return true;
	}
	return false;
}

bool route_needs_body(const struct route *r)
{
	if (r->body == NULL)
		return false;
	return r->method == M_PUT || r->method == M_PATCH || has_flag(r->body, F_REQUIRED);
}

static void add_row(struct router *r, const struct route_group *g, const struct route *route)
{
	struct entry *e = ARENA_NEW(r->arena, struct entry);
	struct entry **place;
	struct node *node;

	e->route = route;
	e->path = arena_printf(r->arena, "%s%s", g->prefix, route->path);
	e->read_mode = read_mode_of(route);
	e->body_required = route_needs_body(route);
	e->secret = (route->flags & ROUTE_NO_STORE) != 0 || has_flag(route->body, F_SECRET) ||
		    has_flag(route->reply, F_SECRET);
	node = path_node(r, e);
	place = &node->by_method[route->method];
	if (*place != NULL) {
		r->error = arena_printf(r->arena, "%s %s (%s) and %s (%s) answer the same requests",
					method_name(route->method), (*place)->path, (*place)->route->op,
					e->path, route->op);
		return;
	}
	*place = e;
	node->allow = allow_of(r->arena, node);
	e->node = node;
	e->number = ++r->count;
	*r->tail = e;
	r->tail = &e->next;
}

bool route_checks_version(const struct route *r)
{
	if (r->method == M_POST)
		return route_is_write(r) && (r->flags & ROUTE_ON_OBJECT) != 0;
	return route_is_write(r) && (r->flags & ROUTE_NO_VERSION) == 0;
}

bool route_needs_version(const struct route *r)
{
	return r->auth == AUTH_TENANT && r->method != M_POST && route_checks_version(r);
}

/* What depends on the other methods of a path; those of GET come first. */
static void derive(struct router *r)
{
	for (struct entry *e = r->entries; e != NULL; e = e->next)
		if (e->route->method == M_GET)
			etag_derive(e, NULL);
	for (struct entry *e = r->entries; e != NULL; e = e->next) {
		e->checks_version = route_checks_version(e->route);
		if (e->route->method != M_GET)
			etag_derive(e, e->node->by_method[M_GET]);
	}
}

static void make_fixed(struct arena *a, struct entry *e)
{
	struct ctx cx = { .arena = a };
	struct req rq = { .route = e->route, .entry = e };

	if ((e->route->flags & ROUTE_FIXED) == 0 || e->route->handler(&cx, &rq) != ERR_NONE)
		return;
	e->fixed = rq.raw_out;
	e->fixed_header = arena_memdup(a, rq.header, sizeof(rq.header));
	e->nfixed_header = rq.nheaders;
	e->fixed_etag = etag_of_body(a, e, NULL, e->fixed, strlen(e->fixed));
	if (!gzip_make(a, e->fixed, strlen(e->fixed), &e->fixed_gzip, &e->fixed_gzip_len))
		e->fixed_gzip = NULL;
}

struct router *router_create(struct arena *a, const struct route_group *const *groups, const char **ret_error)
{
	struct router *r = ARENA_NEW(a, struct router);

	r->arena = a;
	r->tail = &r->entries;
	for (; *groups != NULL && r->error == NULL; groups++) {
		for (size_t i = 0; i < (*groups)->n && r->error == NULL; i++) {
			r->error = route_self_check(a, *groups, &(*groups)->routes[i]);
			if (r->error == NULL)
				add_row(r, *groups, &(*groups)->routes[i]);
		}
	}
	if (r->error != NULL) {
		*ret_error = r->error;
		return NULL;
	}
	derive(r);
	for (struct entry *e = r->entries; e != NULL; e = e->next)
		make_fixed(a, e);
	return r;
}

size_t router_count(const struct router *r)
{
	return r->count;
}

const struct entry *router_next(const struct router *r, const struct entry *e)
{
	return e == NULL ? r->entries : e->next;
}

/* False: a segment that no path of ours can have. */
static bool segment_decode(struct arena *a, const char *p, size_t n, const char **ret)
{
	const char *s = percent_decode(a, p, n, false);

	if (s == NULL || s[0] == '\0' || !utf8_valid(s, strlen(s)))
		return false;
	if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return false;
	for (const char *c = s; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c == 0x7f)
			return false;
	}
	*ret = s;
	return true;
}

/* The number of segments, -1: not a path that can exist. */
static int split(struct arena *a, const char *target, const char *ret[SEGMENTS_MAX])
{
	int n = 0;

	if (strcmp(target, "/") == 0)
		return 0;
	for (const char *p = target; *p == '/';) {
		const size_t len = strcspn(++p, "/");

		if (n == SEGMENTS_MAX || !segment_decode(a, p, len, &ret[n]))
			return -1;
		n++;
		p += len;
	}
	return n;
}

/* Depth is bounded by SEGMENTS_MAX; param collects the values on the way down. */
static const struct node *match(const struct node *node, const char *const *segment, int n,
				const char **param)
{
	const struct node *found;

	if (n == 0)
		return node->allow != NULL ? node : NULL;
	for (const struct node *c = node->literals; c != NULL; c = c->next) {
		if (strcmp(c->literal, segment[0]) != 0)
			continue;
		found = match(c, segment + 1, n - 1, param);
		if (found != NULL)
			return found;
		break;
	}
	if (node->param == NULL)
		return NULL;
	*param = segment[0];
	return match(node->param, segment + 1, n - 1, param + 1);
}

const struct entry *router_look(const struct router *r, enum method m, const char *target, struct arena *a,
				struct req *ret_params, const char **ret_allow, bool *ret_path_known)
{
	const char *segment[SEGMENTS_MAX];
	const char *param[SEGMENTS_MAX] = { NULL };
	const int n = split(a, target, segment);
	const struct node *node = n < 0 ? NULL : match(&r->root, segment, n, param);
	const struct entry *e;

	*ret_path_known = node != NULL;
	*ret_allow = node != NULL ? node->allow : NULL;
	if (node == NULL)
		return NULL;
	e = node->by_method[m == M_HEAD ? M_GET : m];
	if (e == NULL)
		return NULL;
	ret_params->nparams = e->nparams;
	for (int i = 0; i < e->nparams; i++) {
		ret_params->param[i] = param[i];
		ret_params->param_name[i] = e->param_name[i];
	}
	return e;
}

const struct route *router_find(const struct router *r, enum method m, const char *path, struct arena *a,
				struct req *ret_params, const char **ret_allow, bool *ret_path_known)
{
	const struct entry *e = router_look(r, m, path, a, ret_params, ret_allow, ret_path_known);

	return e != NULL ? e->route : NULL;
}
