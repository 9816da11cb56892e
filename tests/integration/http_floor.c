/* SPDX-License-Identifier: Apache-2.0 */
#include "http_floor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/base/log.h"

struct floor_seen floor_seen;

struct thing {
	int64_t id;
	const char *name;
	const char *note;
	uint64_t seen;
};
#define T struct thing
static const struct field thing_fields[] = {
	INT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server."),
	TEXT(T, name, F_RW | F_REQUIRED, 1, 40, "Name."),
	TEXT(T, note, F_RW | F_NULLABLE, 0, 100000, "Note."),
};
#undef T
static SCHEMA_IN(thing_schema, struct thing, "Thing", thing_fields);

struct hint {
	const char *note;
	uint64_t seen;
};
#define T struct hint
static const struct field hint_fields[] = {
	TEXT(T, note, F_RW | F_NULLABLE, 0, 100, "Note."),
};
#undef T
static SCHEMA_IN(hint_schema, struct hint, "Hint", hint_fields);

struct list_query {
	PAGE_MEMBERS;
};
static const struct field list_fields[] = { PAGE_FIELDS(struct list_query) };
static SCHEMA(list_schema, struct list_query, "ListQuery", list_fields);

void floor_nap(int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L };

	(void)nanosleep(&t, NULL);
}

static enum err list(struct ctx *cx, struct req *rq)
{
	static struct thing things[] = { { .id = 1, .name = "one" }, { .id = 2, .name = "two" } };
	const struct list_query *q = rq->query;
	const struct page *page;

	atomic_fetch_add(&floor_seen.handled, 1);
	TRY(req_page(cx, rq, &q->page, "id", &page));
	rq->list = (struct db_rows){ .v = things, .n = page->order.after != NULL ? 0 : 2 };
	rq->total = 42;
	return ERR_NONE;
}

static enum err create(struct ctx *cx, struct req *rq)
{
	const struct thing *in = rq->body;
	struct thing *t = ARENA_NEW(cx->arena, struct thing);

	atomic_fetch_add(&floor_seen.handled, 1);
	req_header(rq, "X-Handler", "create");
	*t = *in;
	t->id = 7;
	return reply_created(cx, rq, t, "/things/%d", 7);
}

static enum err show(struct ctx *cx, struct req *rq)
{
	struct thing *t = ARENA_NEW(cx->arena, struct thing);

	atomic_fetch_add(&floor_seen.handled, 1);
	TRY(req_id(cx, rq, 0, &t->id));
	t->name = rq->param[0];
	return reply(rq, t);
}

static enum err change(struct ctx *cx, struct req *rq)
{
	const struct thing *in = rq->body;
	struct thing *t = ARENA_NEW(cx->arena, struct thing);
	static const char *names[] = { "name" };

	/* The second run of a unit finds that somebody else has changed the thing that way already. */
	if (atomic_fetch_add(&floor_seen.handled, 1) == 0)
		rq->changed = (struct strv){ .v = names, .n = 1 };
	*t = *in;
	TRY(req_id(cx, rq, 0, &t->id));
	return reply(rq, t);
}

static enum err remove_one(struct ctx *cx, struct req *rq)
{
	(void)cx;
	(void)rq;
	atomic_fetch_add(&floor_seen.handled, 1);
	return ERR_NONE;
}

static enum err named(struct ctx *cx, struct req *rq)
{
	atomic_fetch_add(&floor_seen.handled, 1);
	rq->raw_out = arena_printf(cx->arena, "%s", rq->param[0]);
	rq->raw_type = "text/plain; charset=utf-8";
	return ERR_NONE;
}

static enum err slow(struct ctx *cx, struct req *rq)
{
	atomic_fetch_add(&floor_seen.handled, 1);
	atomic_fetch_add(&floor_seen.holding, 1);
	for (int i = 0; i < 4000 && atomic_load(&floor_seen.hold); i++)
		floor_nap(5);
	atomic_fetch_sub(&floor_seen.holding, 1);
	return remove_one(cx, rq);
}

struct run {
	int64_t at, pieces;             /* bytes, pieces */
};

static enum err next_piece(struct ctx *cx, void *arg, struct str *out, bool *ret_last)
{
	struct run *r = arg;
	const int n = atomic_fetch_add(&floor_seen.pieces, 1) + 1;
	char *text = arena_alloc(cx->arena, FLOOR_PIECE);

	if (atomic_load(&floor_seen.fail_at) == n)
		return refuse(cx, ERR_UNAVAILABLE, "piece %d is lost", n);
	for (int i = 0; i < FLOOR_PIECE && r->pieces > 0; i++)
		text[i] = (char)('a' + r->at++ % 26);
	if (r->pieces > 0)
		str_add_n(out, text, FLOOR_PIECE);
	*ret_last = --r->pieces <= 0;
	return ERR_NONE;
}

static enum err stream(struct ctx *cx, struct req *rq)
{
	struct run *r = ARENA_NEW(cx->arena, struct run);
	struct stream *s = ARENA_NEW(cx->arena, struct stream);

	atomic_fetch_add(&floor_seen.handled, 1);
	if (!parse_int64(rq->param[1], &r->pieces))
		return ERR_NOT_FOUND;
	*s = (struct stream){ .more = next_piece, .arg = r, .owner = rq->param[0] };
	return reply_stream(rq, s, "text/x-letters");
}

static enum err broken(struct ctx *cx, struct req *rq)
{
	(void)rq;
	cx->problem.cause = "the disk of node seven";
	return refuse(cx, ERR_INTERNAL, "a word for the log");
}

static enum err hello(struct ctx *cx, struct req *rq)
{
	(void)cx;
	atomic_fetch_add(&floor_seen.handled, 1);
	rq->raw_out = "{\"ok\":true}";
	return ERR_NONE;
}

static enum err whoami(struct ctx *cx, struct req *rq)
{
	req_header(rq, "X-Client", arena_strdup(cx->arena, cx->remote_ip));
	return hello(cx, rq);
}

static enum err fixed(struct ctx *cx, struct req *rq)
{
	rq->raw_out = arena_printf(cx->arena, "{\"made\":%d}", atomic_fetch_add(&floor_seen.made, 1) + 1);
	return ERR_NONE;
}

#define TENANT .auth = AUTH_TENANT, .store = STORE_TENANT
#define PUBLIC .auth = AUTH_PUBLIC, .store = STORE_NONE
static const struct route routes[] = {
	{ M_GET, "/things", "listThings", "things:read", TENANT, .mode = DB_READ, .status = 200,
	  .handler = list, .query = &list_schema, .reply = &thing_schema, .list = "things",
	  .summary = "List things" },
	{ M_POST, "/things", "createThing", "things:write", TENANT, .mode = DB_WRITE, .status = 201,
	  .handler = create, .body = &thing_schema, .reply = &thing_schema, .errors = { ERR_NAME_TAKEN },
	  .body_max = 64 * 1024, .summary = "Create a thing" },
	{ M_GET, "/things/{id}", "getThing", "things:read", TENANT, .mode = DB_READ, .status = 200,
	  .handler = show, .reply = &thing_schema, .summary = "Get a thing" },
	{ M_PUT, "/things/{id}", "replaceThing", "things:write", TENANT, .mode = DB_WRITE, .status = 200,
	  .handler = change, .body = &thing_schema, .reply = &thing_schema, .summary = "Replace a thing" },
	{ M_PATCH, "/things/{id}", "changeThing", "things:write", TENANT, .mode = DB_WRITE, .status = 200,
	  .handler = change, .body = &thing_schema, .reply = &thing_schema, .summary = "Change a thing" },
	{ M_DELETE, "/things/{id}", "deleteThing", "things:write", TENANT, .mode = DB_WRITE, .status = 204,
	  .handler = remove_one, .summary = "Delete a thing" },
	{ M_GET, "/things/plain", "plainThings", "things:read", TENANT, .mode = DB_READ, .status = 200,
	  .flags = ROUTE_BARE_ARRAY, .handler = list, .query = &list_schema, .reply = &thing_schema,
	  .list = "things", .summary = "List things without an envelope" },
	{ M_GET, "/names/{name}", "getName", "things:read", TENANT, .mode = DB_READ, .status = 200,
	  .handler = named, .flags = ROUTE_NO_STORE, .summary = "Echo a path parameter" },
	{ M_POST, "/hints", "createHint", NULL, PUBLIC, .status = 200, .handler = remove_one,
	  .body = &hint_schema, .summary = "Take a hint, or none" },
	{ M_GET, "/stream/{owner}/{pieces}", "stream", "things:read", .auth = AUTH_TENANT, .status = 200,
	  .handler = stream, .rate = RATE_EXPORT, .media = { "text/x-letters" }, .summary = "Letters" },
	{ M_GET, "/slow", "slow", NULL, PUBLIC, .status = 200, .handler = slow, .summary = "Wait" },
	{ M_GET, "/broken", "broken", NULL, PUBLIC, .status = 200, .handler = broken, .summary = "Fail" },
	{ M_GET, "/hello", "hello", NULL, PUBLIC, .flags = ROUTE_INLINE, .status = 200, .handler = hello,
	  .summary = "Answer at once" },
	{ M_GET, "/whoami", "whoami", NULL, PUBLIC, .flags = ROUTE_INLINE, .status = 200, .handler = whoami,
	  .summary = "Say who asks" },
	{ M_GET, "/vital", "vital", NULL, PUBLIC, .flags = ROUTE_EXPRESS, .status = 200, .handler = hello,
	  .summary = "Answer whatever the workers do" },
	{ M_GET, "/fixed", "fixed", NULL, PUBLIC, .flags = ROUTE_INLINE | ROUTE_FIXED, .status = 200,
	  .handler = fixed, .summary = "Answer as ever" },
};
static ROUTE_GROUP(floor_group, "Things", "/t", routes);
const struct route_group *const floor_groups[] = { &floor_group, NULL };

static enum err known(struct ctx *cx, const char *key, bool may_load)
{
	if (atomic_load(&floor_seen.revoked))
		return ERR_UNAUTHORIZED;
	if (str_eq(key, "Bearer good"))
		return ERR_NONE;
	if ((str_eq(key, "Bearer cold") || str_eq(key, "Bearer nobody")) && !may_load)
		return ERR_NEED_LOAD;
	if (str_eq(key, "Bearer cold"))
		return ERR_NONE;
	if (str_eq(key, "Bearer limited")) {
		cx->problem.limit = 1000;
		cx->problem.retry_after = 60;
		return refuse(cx, ERR_RATE_LIMITED, "Rate limit exceeded for tenant tenant-acme-123");
	}
	return ERR_UNAUTHORIZED;
}

static enum err gate(struct ctx *cx, struct req *rq, bool may_load)
{
	enum err e;

	atomic_fetch_add(may_load ? &floor_seen.loaded : &floor_seen.gated, 1);
	if (rq->route->auth == AUTH_PUBLIC)
		return ERR_NONE;
	e = known(cx, rq->in->authorization, may_load);
	if (e == ERR_NONE)
		rq->tenant_named = "tenant-acme-123";
	if (e == ERR_NONE || e == ERR_RATE_LIMITED)
		req_header(rq, "X-RateLimit-Limit", "1000");
	return e;
}

/* Runs the work twice, as a serialization failure would; what opens its own units runs once. */
static enum err unit(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	const struct arena_mark mark = arena_mark(cx->arena);
	enum err e;

	if (rq->route->store == STORE_NONE)
		return work(cx, arg);
	atomic_fetch_add(rq->route->mode == DB_WRITE ? &floor_seen.writes : &floor_seen.reads, 1);
	if (work(cx, arg) == ERR_NONE) {
		arena_rewind(cx->arena, mark);
		ctx_clear_problem(cx);
	}
	e = work(cx, arg);
	atomic_store(&floor_seen.changed, (int)rq->changed.n);
	return e;
}

static enum err again(struct ctx *cx, const struct req *rq)
{
	(void)rq;
	return atomic_load(&floor_seen.revoked) ? refuse(cx, ERR_KEY_REVOKED, "revoked") : ERR_NONE;
}

static void done(struct ctx *cx, struct req *rq, int status)
{
	(void)cx;
	(void)rq;
	atomic_fetch_add(status != 0 ? &floor_seen.done : &floor_seen.abandoned, 1);
}

/* No secret: only that a cursor that was changed is seen. */
static void sign(struct ctx *cx, const struct req *rq, const void *p, size_t n,
		 unsigned char ret[PAGE_MAC_LEN])
{
	const uint64_t sum[2] = { hash64_fixed(p, n, 1), hash64_fixed(p, n, 2) };

	(void)cx;
	(void)rq;
	memcpy(ret, sum, PAGE_MAC_LEN);
}

void floor_conf(struct http_conf *ret)
{
	static const struct http_hooks hooks = {
		.gate = gate, .unit = unit, .sign = sign, .done = done, .again = again,
	};

	*ret = (struct http_conf){
		.address = "127.0.0.1", .io_threads = 2, .workers = 2, .queue_max = 64,
		.tenant_workers = 512, .tenant_queue_max = 64,
		.connections_max = 500,
		.body_max = 16 * 1024, .header_max = 8 * 1024, .header_ms = 20000, .request_ms = 20000,
		.idle_ms = 20000, .server_name = "controlcored", .hooks = &hooks, .groups = floor_groups,
	};
}

void floor_forget(void)
{
	memset(&floor_seen, 0, sizeof(floor_seen));
}

void floor_start_with(struct floor *f, const struct http_conf *conf)
{
	const char *why = NULL;

	floor_forget();
	/* The lines of a run are thousands: they go where the caller can have them. */
	(void)log_start(open(getenv("CC_TEST_LOG") != NULL ? getenv("CC_TEST_LOG") : "/dev/null",
			     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), LOG_INFO);
	f->arena = arena_create(4096);
	f->conf = *conf;
	f->server = http_server_start(f->arena, conf, &why);
	if (f->server == NULL)
		fail_msg("the server does not start: %s", why);
	f->port = http_server_port(f->server);
}

void floor_start(struct floor *f)
{
	struct http_conf conf;

	floor_conf(&conf);
	floor_start_with(f, &conf);
}

void floor_certify(struct floor *f, const struct mint_leaf *v, size_t n)
{
	struct tls_entry *entries = calloc(n + 1, sizeof(*entries));

	assert_non_null(entries);
	for (size_t i = 0; i < n; i++) {
		const char *why = NULL;
		char *chain, *key;

		(void)mint_make(f->mint, &v[i], &chain, &key);
		entries[i].name = v[i].names[0];
		entries[i].cert = tls_cert_create(
			f->arena, (struct bytes){ (const unsigned char *)chain, strlen(chain) },
			(struct bytes){ (const unsigned char *)key, strlen(key) }, &why);
		if (entries[i].cert == NULL)
			fail_msg("no certificate: %s", why);
		free(chain);
		free(key);
	}
	tls_store_replace(f->store, entries, n);
	for (size_t i = 0; i < n; i++)
		tls_cert_put(entries[i].cert);
	free(entries);
}

void floor_start_tls(struct floor *f, const struct http_conf *conf)
{
	struct http_conf with = *conf;

	f->mint = mint_open();
	f->store = tls_store_create();
	with.tls.address = "127.0.0.1";
	with.tls.store = f->store;
	if (with.tls.connections_max == 0)
		with.tls.connections_max = 250;
	if (with.tls.handshake_ms == 0)
		with.tls.handshake_ms = 20000;
	floor_start_with(f, &with);
	f->tls = true;
	f->port = http_server_tls_port(f->server);
	floor_certify(f, &(struct mint_leaf){ .names = { "t.example" } }, 1);
}

void floor_stop(struct floor *f)
{
	atomic_store(&floor_seen.hold, false);
	http_server_destroy(f->server);
	tls_store_destroy(f->store);
	mint_close(f->mint);
	arena_destroy(f->arena);
	log_stop();
}
