/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_HTTP_ROUTE_H
#define CC_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/ctx.h"
#include "cc/db/query.h"
#include "cc/db/unit.h"
#include "cc/schema/read.h"
#include "cc/schema/schema.h"
#include "cc/schema/write.h"

enum method { M_GET, M_POST, M_PUT, M_PATCH, M_DELETE, M_HEAD, M_OPTIONS, M_OTHER };
const char *method_name(enum method m);

enum auth {
	AUTH_PUBLIC,            /* no credential */
	/* in the context of one tenant: its own keys, or an operator's that hold the scope */
	AUTH_TENANT,
	/* a tenant's keys in its context, an operator's with or without one */
	AUTH_ANY,
	AUTH_OPERATOR,          /* platform credentials only, no tenant context beyond the path */
};

#define SCOPE_ANY "any"

/* Where the handler's transaction is opened by the runner. */
enum store {
	STORE_NONE,             /* the handler opens its own units of work, or needs none */
	STORE_TENANT,           /* the tenant's schema in its region, as the tenant's role */
	STORE_CONTROL,          /* the control database, row security bound to the tenant */
	STORE_PLATFORM,         /* the control database, across tenants */
};

enum {
	ROUTE_INLINE = 1 << 0,          /* answered on the I/O thread: never blocks (health) */
	ROUTE_NO_STORE = 1 << 1,        /* Cache-Control: no-store (a secret is in the answer) */
	ROUTE_PUT_KEEPS = 1 << 2,       /* PUT leaves absent fields alone (the spec's tenants) */
	ROUTE_BARE_ARRAY = 1 << 3,      /* a list without envelope (the spec's domains and alerts) */
	ROUTE_DELETED_OK = 1 << 4,      /* also while the tenant waits for its deletion */
	ROUTE_SUSPENDED_OK = 1 << 5,    /* also while the tenant is suspended */
	ROUTE_VOLATILE = 1 << 6,        /* the answer holds time-derived fields: never cached */
	ROUTE_NO_LIMIT = 1 << 7,        /* passes no rate limiter */
	ROUTE_ON_OBJECT = 1 << 8,       /* a POST that changes an object: honours If-Match */
	ROUTE_NO_VERSION = 1 << 9,      /* PUT, PATCH, DELETE of what has no row version: knows no If-Match */
	/* the same answer for all and for ever: its handler, which sets raw_out, runs once, at start */
	ROUTE_FIXED = 1 << 10,
	ROUTE_OPERATION = 1 << 11,      /* 202: begins an operation, whose place Location names */
	/* has a worker that serves nothing else: answers whatever the others wait for */
	ROUTE_EXPRESS = 1 << 12,
	/* has no body schema: its handler reads the bytes as they came, rq->in->body */
	ROUTE_RAW_BODY = 1 << 14,
	ROUTE_OR_202 = 1 << 15,         /* may also be 202: goes on, as the operation that Location names */
	ROUTE_READ_ONLY_OK = 1 << 16,   /* a write that goes on while the tenant is suspended as read_only */
	ROUTE_REPLY_503 = 1 << 13,      /* the reply may also come with 503: it says what is wrong */
	ROUTE_PROBE = 1 << 17,          /* asked by what watches: its 200 is no news to the log */
};

/* What a request takes from the meters of who asks, by the work that it makes. */
enum rate_class {
	RATE_BY_KIND,           /* as its kind of route does: list, write or read */
	RATE_NONE, RATE_READ, RATE_WRITE, RATE_LIST,
	RATE_EXPORT,            /* all that a tenant has of something */
};
struct rate_class_info {
	const char *name;
	int64_t cost;
};

struct req;
struct route;
struct http_hooks;
struct entry;
typedef enum err (*handler_fn)(struct ctx *cx, struct req *rq);

struct route {
	enum method method;
	/* below /api/v1, or absolute when ROUTE's group says so: "/policies/{id}" */
	const char *path;
	const char *op;                 /* operationId, log `op`, audit action: "createPolicy" */
	const char *scope;              /* NULL only for AUTH_PUBLIC; SCOPE_ANY: every credential does */
	const char *scope_or;           /* a second scope that does as well; may be NULL */
	enum auth auth;
	enum store store;
	enum db_mode mode;
	unsigned flags;
	int status;                     /* on success */
	handler_fn handler;
	/*
	 * Runs once, outside of any unit of work, before that of the handler: for what waits for others.
	 * What it learns it leaves in rq->prepared. NULL: nothing.
	 */
	handler_fn before;
	/*
	 * Of a write in several units of work: answers for what an earlier request with the same idempotency
	 * key began (rq->begun), as the handler would have. ERR_IDEM_RUNNING: it is not done yet.
	 */
	handler_fn resume;
	const struct schema *query, *body, *reply;
	const char *list;               /* plural of the envelope: "policies"; NULL: one object */
	const char *media[2];           /* content types of an answer that is no JSON object */
	size_t body_max;                /* 0: the server's default */
	enum rate_class rate;
	enum err errors[8];             /* beyond those every route of its class can give */
	const char *object;             /* what it is about, for the audit of a write and for 404: "policy" */
	/* writes: what the unit hook reserves first (core/head.h); 0: nothing */
	int takes;
	const char *summary;
	const char *doc;                /* longer text for the reference; may be NULL */
};

/* A write: its method is one, it is not public, its unit of work writes. */
bool route_is_write(const struct route *r);

/* Its body is kept, for a table or for its handler. NULL is no route. */
bool route_takes_body(const struct route *r);

/* Where its class and its cost are said. */
const struct rate_class_info *route_rate(const struct route *r);

struct route_group {
	const char *tag;                /* "Policies" */
	const char *prefix;             /* "/api/v1", or "" */
	const struct route *routes;
	size_t n;
};
#define ROUTE_GROUP(sym, title, pre, table) \
	const struct route_group sym = { .tag = (title), .prefix = (pre), .routes = (table), \
					 .n = sizeof(table) / sizeof((table)[0]) }

#define REQ_PARAMS_MAX 4
#define REQ_HEADERS_MAX 8

/* What came in, as the guard let it pass. Texts live in the arena. */
struct http_in {
	enum method method;
	const char *path;               /* decoded, validated; begins with '/' */
	const char *raw_target;         /* for the log (query removed when it may hold a secret) */
	const char *host;               /* lower case, without port and trailing dot; never NULL */
	const char *authorization;      /* header values, NULL when absent */
	const char *api_key;            /* X-API-Key */
	const char *tenant_header;      /* X-Tenant-ID */
	const char *forwarded_for;      /* X-Forwarded-For: for the HTTP floor alone, see ctx.remote_ip */
	const char *forwarded_proto;    /* X-Forwarded-Proto: likewise */
	const char *forwarded;          /* Forwarded: likewise */
	const char *accept;
	const char *origin;             /* Origin: of the script that asks, in a browser */
	const char *traceparent, *tracestate;
	const char *cors_method;        /* Access-Control-Request-Method */
	int n_authorization, n_api_key, n_tenant_header; /* how often each came */
	const char *content_type, *content_encoding, *accept_encoding;
	const char *stripe_signature;
	const char *prefer;             /* Prefer (RFC 7240) */
	const char *idempotency_key, *if_match, *if_none_match, *cache_control;
	int n_idempotency_key, n_origin, n_traceparent;
	struct kv *query;               /* decoded pairs, in order; nquery ≤ 64 */
	size_t nquery;
	const char *body;
	size_t body_len;
};
/*
 * The name of a query parameter that is called as credentials are ("access_token", "key", …) or has one of
 * ours, or a token, for its value; or NULL. None is read from there, but somebody may have written one. Any
 * thread.
 */
const char *http_query_secret(const struct http_in *in);

struct http_header {
	const char *name, *value;
};

/*
 * An answer that is made while it is sent, piece by piece: for what may be larger than memory. `more` adds
 * the next piece to out; it is called by workers, one at a time and not always the same, outside of any unit
 * of work, when all before it is gone. cx->arena is emptied before each call; what must last is in arg, which
 * the handler took from its own. An empty piece is fine. An error after the first piece ends the connection
 * without the end of the answer, so that the client sees that it is not whole.
 */
struct stream {
	enum err (*more)(struct ctx *cx, void *arg, struct str *out, bool *ret_last);
	void *arg;
	const char *owner;              /* of two at a time at most: the tenant's id; may be NULL */
};

/* What a request waits for, see reply_wait(). until_ms 0: nothing. */
struct req_wait {
	uint64_t topic, mark;
	int64_t until_ms;
};

struct req {
	const struct route *route;
	const struct http_hooks *hooks;
	const struct entry *entry;              /* the HTTP floor's own: what it derived from the route */
	const struct http_in *in;
	const char *param[REQ_PARAMS_MAX];      /* {…} parts of the path, in order, decoded */
	const char *param_name[REQ_PARAMS_MAX];
	int nparams;
	const void *query, *body;               /* structs of route->query and route->body, valid */
	enum read_mode read_mode;               /* how the body was read: for schema_overlay() */
	const char *begun;                      /* for route->resume: the id of what was begun */
	const void *prepared;                   /* what route->before left; or NULL */
	bool dry_run;                           /* ?dry_run=true: all checks, and nothing is written */

	/* The answer; reset when a unit of work is run again. */
	const void *out;                        /* struct of route->reply */
	struct db_rows list;                    /* rows of route->reply */
	int64_t total, limit;                   /* of a list: how many there are, how many are shown */
	bool list_full;
	const struct page *page;                /* of a list, see req_page() */
	const char *next_cursor;                /* NULL: the list is at its end */
	struct strv changed;                    /* names of the fields a write changed, for the audit */
	const char *object_id;                  /* of what a write changed, where its answer has no id */
	const char *environment;                /* of what a write changed, where the answer has none */
	const char *reason;                     /* why, in the caller's words, for the audit; or NULL */
	const char *detail;                     /* what the audit says beside, a JSON object; or NULL */
	const char *key_beside;                 /* a key that changed beside the one in the path; or NULL */
	const char *raw_out;                    /* ready-made body … */
	size_t raw_len;                         /* … of so many bytes; 0: up to its NUL … */
	const char *raw_type;                   /* … and its content type; NULL: application/json */
	void (*raw_put)(void *held);            /* … which raw_held keeps until it is sent; or NULL */
	void *raw_held;
	const struct stream *stream;            /* instead of all of these but raw_type */
	struct req_wait wait;                   /* before it is answered; see reply_wait() */
	int status;                             /* 0: route->status */
	const char *location;
	const char *etag;                       /* of an answer that is repeated; NULL: from the tables */
	void (*complete)(struct req *rq, void *arg);    /* see reply_complete() */
	void *complete_arg;
	/* Of the tenant's data that the answer was read from; set by the unit of a read in its schema. */
	struct data_version {
		int64_t epoch, version;
		bool known;
	} data;
	/* For the log, once the credential is known: its id, and whose it is; NULL: an operator's. */
	const char *caller, *caller_tenant;
	const char *tenant_named;               /* for errors: its id, or, unknown, as written; or NULL */

	/* Headers that are sent with every answer, refusals too (rate limits): set by the gate. */
	struct http_header header[REQ_HEADERS_MAX];
	int nheaders;
	int64_t arrived_ms;                     /* clock_mono_ms() */
	int64_t behind_ms;                      /* the handler's own: since when it waits in vain; or 0 */

	/* What answers may depend on beside the request itself: tenant and scopes. Set by the gate. */
	const char *audience;
	const char *tenant_id;                  /* whose data is meant; NULL: nobody's. Set by the gate. */
	/* Who takes turns with others for the workers: a tenant, an operator; NULL: not known yet. */
	const char *payer;
	int payer_group;                        /* which of http_conf.payer_groups: from 1; 0: none */
	void *gate;                             /* the gate's own, from gate() to done() */
};

/*
 * Does it change an object that has a row version? Then If-Match and If-None-Match are honoured, and its
 * handler asks ctx_check_version() before it changes anything. PUT, PATCH and DELETE do unless they say no.
 */
bool route_checks_version(const struct route *r);
/* Of these the ones that are refused without If-Match where a tenant wants that: all but actions. */
bool route_needs_version(const struct route *r);

/* For handlers: keep the pointer, the runner prints after the commit. */
enum err reply(struct req *rq, const void *obj);
/* 201 with Location: /api/v1<path>. */
enum err reply_created(struct ctx *cx, struct req *rq, const void *obj, const char *path_fmt, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * What the commit does not fill in: fn completes the answer when all results are there. It may be called
 * more than once, and what arg points to must last as long as the unit of work.
 */
void reply_complete(struct req *rq, void (*fn)(struct req *rq, void *arg), void *arg);
/* type: the content type. Only where route->store is STORE_NONE. */
enum err reply_stream(struct req *rq, const struct stream *s, const char *type);
/*
 * Not yet: the handler is asked again, after the gate, when http_server_wake() is called with this topic
 * and another mark, or at until_ms (clock_mono_ms()). What it has decided meanwhile is the answer if nobody
 * can wait any more. No thread is held. Only where route->store is STORE_NONE.
 */
void reply_wait(struct req *rq, uint64_t topic, uint64_t mark, int64_t until_ms);
/* For the unit hook, when every result is there: status and body of the success as they are sent. */
int reply_status(const struct req *rq);
/* kept: without F_SECRET fields, as it may be shown again. "" for 204. */
const char *reply_text(struct arena *a, const struct req *rq, bool kept, size_t *ret_len);
/* The entity tag of such an answer, without quotes, or NULL. */
const char *reply_etag(struct arena *a, const struct req *rq, const char *body, size_t n);
/* If-None-Match names this entity tag (without quotes): the client has it. */
bool req_has_tag(struct ctx *cx, const struct req *rq, const char *tag);
/* All that it names, in the arena; what names none for certain ("*") counts as one "". */
struct strv req_tags(struct ctx *cx, const struct req *rq);
void req_header(struct req *rq, const char *name, const char *value);
/* An integer id from the path; anything else is ERR_NOT_FOUND (ids are opaque to clients). */
enum err req_id(struct ctx *cx, const struct req *rq, int i, int64_t *ret) MUST_USE;

/* Query parameters of every list: `PAGE_MEMBERS;` stands first in its struct, PAGE_FIELDS in its table. */
struct page_ask {
	int64_t skip, limit;
	const char *sort, *cursor;
	bool full;
};
#define PAGE_MEMBERS struct page_ask page
#define PAGE_LIMIT_DEFAULT "100"
#define PAGE_LIMIT_MAX 1000
#define PAGE_SKIP_MAX 1000000
#define PAGE_CURSOR_MAX 2048
#define PAGE_LIMIT_FIELD(T) \
	{ .name = "limit", .kind = K_INT, .flags = F_CREATE, .offset = FIELD_AT(T, page.limit, int64_t), \
	  .min = 1, .max = PAGE_LIMIT_MAX, .def = PAGE_LIMIT_DEFAULT, \
	  .doc = "How many items to return at most." }
#define PAGE_SKIP_FIELD(T, most, words) \
	{ .name = "skip", .kind = K_INT, .flags = F_CREATE, .offset = FIELD_AT(T, page.skip, int64_t), \
	  .min = 0, .max = (most), .def = "0", .doc = (words) }
#define PAGE_CURSOR_FIELD(T) \
	{ .name = "cursor", .kind = K_TEXT, .flags = F_CREATE, \
	  .offset = FIELD_AT(T, page.cursor, const char *), .min = 1, .max = PAGE_CURSOR_MAX, \
	  .doc = "next_cursor of the page before, asked for with the same parameters but for limit." }
#define PAGE_FIELDS(T) \
	PAGE_SKIP_FIELD(T, PAGE_SKIP_MAX, "How many items to pass over."), \
	PAGE_LIMIT_FIELD(T), \
	PAGE_CURSOR_FIELD(T), \
	{ .name = "sort", .kind = K_TEXT, .flags = F_CREATE, \
	  .offset = FIELD_AT(T, page.sort, const char *), .min = 1, .max = 200, \
	  .doc = "Fields to sort by, comma-separated; a leading - sorts descending." }, \
	{ .name = "full", .kind = K_BOOL, .flags = F_CREATE, .offset = FIELD_AT(T, page.full, bool), \
	  .def = "false", .doc = "Include the long fields that lists leave out." }

/* What a list has to read for a page. */
struct page {
	struct db_order order;          /* with the row to begin behind, for a cursor */
	int64_t skip;
	int64_t rows;                   /* one more than is shown: then there is a next page */
	struct db_arg after[DB_ORDER_MAX + 1];
	int64_t number;                 /* from 1 */
};
/*
 * The page of rows of the route's reply that is asked for. Sets what the envelope says of it; the handler
 * reads page->rows rows to rq->list and how many there are in all to rq->total, by the commit at the latest.
 * Faults of `sort` and `cursor`. Cursors are signed, and good for this tenant, route, order and filters.
 */
enum err req_page(struct ctx *cx, struct req *rq, const struct page_ask *ask, const char *by_default,
		  const struct page **ret) MUST_USE;

#endif
