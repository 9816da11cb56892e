/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_HTTP_SERVER_H
#define CC_HTTP_SERVER_H

#include "cc/base/cidr.h"
#include "cc/http/route.h"
#include "cc/http/tls.h"

/*
 * The HTTP floor: framing guard, caps, deadlines, router, bounded queue, workers, runner, answers,
 * one log line per request. It never mentions a resource; what it must ask is in the hooks.
 */
#define PAGE_MAC_LEN 16
struct http_hooks {
	/*
	 * Credential → tenant → scope → rate. Called first on the I/O thread with may_load = false: it
	 * must not block and answers ERR_NEED_LOAD when memory does not suffice; then again by a worker
	 * with may_load = true, also when a body or the queue took so long that the first answer may be out
	 * of date. Sets cx->tenant, cx->actor, rq->gate, rq->tenant_named, rate headers; however often it is
	 * asked, a request is charged once. Sets rq->payer when it is known, also with ERR_NEED_LOAD.
	 */
	enum err (*gate)(struct ctx *cx, struct req *rq, bool may_load);
	/*
	 * Runs work, which is the handler, in the unit of work that route->store and the tenant ask for
	 * (db_unit). What every write leaves beside its effect (audit) is written in the same unit.
	 */
	enum err (*unit)(struct ctx *cx, struct req *rq, db_work work, void *arg);
	/*
	 * May scripts of this origin (as a browser names it) read what is answered to rq, of which host,
	 * path and param are known? On the I/O thread with may_load = false, as gate(); before and behind
	 * it. Changes nothing of rq. NULL: none may.
	 */
	enum err (*origin)(struct ctx *cx, const struct req *rq, const char *origin, bool may_load,
			   bool *ret_allowed);
	/* A MAC of what a cursor says, for the request's tenant. NULL: lists have no cursors. */
	void (*sign)(struct ctx *cx, const struct req *rq, const void *p, size_t n,
		     unsigned char ret[PAGE_MAC_LEN]);
	/* Reads rq->data alone, the version of what a list would be read from: one round trip. */
	enum err (*data_version)(struct ctx *cx, struct req *rq);
	/*
	 * Before each further piece of a stream: would the gate still let the request pass? Called by a
	 * worker; an error cuts the answer off. Changes nothing of rq and charges nothing. NULL: nobody asks.
	 */
	enum err (*again)(struct ctx *cx, const struct req *rq);
	/*
	 * The answer is decided (status known), before it is sent (a stream: when it is over): give
	 * references back, count. Any thread.
	 * Called once for every request that gate() has seen; status 0: the client left before its answer.
	 */
	void (*done)(struct ctx *cx, struct req *rq, int status);
	/*
	 * All of the answer is on its way to the client. Behind done(), on an I/O thread: waits for nothing.
	 * Only for requests that gate() has seen, and not for answers that were cut off. NULL: nobody asks.
	 */
	void (*sent)(struct ctx *cx, const struct req *rq, int status);
};

/* The listener that speaks TLS, beside the one that does not. */
struct http_tls {
	const char *address;            /* NULL: there is none */
	int port;                       /* 0: any free one, see http_server_tls_port() */
	int public_port;                /* the one that clients see; 0: port */
	int io_threads;
	int connections_max;            /* of those of the whole server */
	int handshake_ms;               /* from the connection to the end of its handshake */
	int64_t hsts_s;                 /* how long browsers shall come back over TLS only; 0: not said */
	bool proxy_protocol;            /* as in http_conf */
	int inherited, bound;           /* as in http_conf */
	struct tls_store *store;        /* cc/http/tls.h; lives as long as the server */
};

/* The listener for those who run the daemon: whoever reaches it needs no credential. */
struct http_admin {
	const char *path;               /* of a unix socket; NULL: there is none */
	const char *address;            /* … and of a port beside it; NULL: there is none */
	int port;                       /* 0: any free one, see http_server_admin_port() */
	int bound;                      /* as in http_conf */
	const struct route_group *const *groups;        /* NULL-terminated; what is public is all there is */
};

struct http_conf {
	const char *address;            /* "127.0.0.1", "::", … */
	int port;                       /* 0: any free one, see http_server_port() */
	/*
	 * a socket that listens, from whoever started the process: address and port say nothing then; 0:
	 * none
	 */
	int inherited;
	int bound;                      /* from http_server_bind() for address and port; 0: none */
	bool shared_ports;              /* other processes may listen there too, and do at a restart */
	int io_threads, workers;
	int queue_max;                  /* requests waiting for a worker; more are 503 */
	/* of one tenant: workers at a time, requests waiting; 0: a quarter, of the latter at least 16 */
	int tenant_workers, tenant_queue_max;
	/* payers that wait for one server are a group: how many groups; workers of one, 0: three quarters */
	int payer_groups, group_workers;
	int streams_max;                /* answers made while they are sent, at a time; 0: 16 */
	int connections_max;
	int connections_per_address;    /* 0: no bound */
	/* proxies that say who asks, and whether over TLS; 0: none. They live as long as the server. */
	const struct cidr *trusted;
	size_t ntrusted;
	bool proxy_protocol;            /* they begin each connection with who it is for (version 2) */
	bool forwarded_standard;        /* they say it in Forwarded, else in X-Forwarded-For and -Proto */
	size_t body_max;                /* bytes */
	int64_t bodies_max;             /* bytes of all that are on their way; more are 503; 0: no bound */
	/* bytes of one header section: MHD's memory per connection follows it */
	size_t header_max;
	/* from the first byte to the end of the headers; absolute end of a request */
	int header_ms, request_ms;
	int idle_ms;                    /* keep-alive without a request */
	const char *server_name;        /* Server header; NULL: none */
	const struct http_hooks *hooks;
	const struct route_group *const *groups;        /* NULL-terminated */
	struct world *world;
	struct http_tls tls;
	struct http_admin admin;
	struct answers *answers;        /* cc/http/answers.h; NULL: every answer is made anew */
	struct turnover *turnover;      /* that each request enters while it lives; NULL: none */
};

struct http_server;

/*
 * NULL: *ret_error says why (arena a). Tables are checked: a doubled or shadowed path is an error naming both
 * rows.
 */
struct http_server *http_server_start(struct arena *a, const struct http_conf *conf, const char **ret_error);
/* Whether it could listen there now, without doing so: NULL, or why not. */
const char *http_server_probe(struct arena *a, const char *address, int port, bool shared);
/*
 * Takes the address for a server that is started later, perhaps when this process may no longer: NULL, or why
 * not. *fd is -1 or the caller's to close, unless a server takes it.
 */
const char *http_server_bind(struct arena *a, const char *address, int port, bool shared, int *fd);
int http_server_port(const struct http_server *s);
int http_server_tls_port(const struct http_server *s);
int http_server_admin_port(const struct http_server *s);
/* Whether this machine alone reaches the clear listener, so that credentials are taken there. Any thread. */
bool http_server_is_local(const struct http_server *s);
/* … or that of admin; also where there is none but by a path. */
bool http_server_admin_is_local(const struct http_server *s);
/* Once a second or so: the path of a shared unix socket whose holder is gone becomes ours. Until the end. */
void http_server_upkeep(struct http_server *s);
/*
 * The end is near: answers say `Connection: close`, and where ports are shared new connections go to the
 * other process that is there. All else goes on as ever.
 */
void http_server_leave(struct http_server *s);
/*
 * Stop without a lost answer: stop accepting, let what is queued finish (at most drain_ms), join the
 * workers, then stop libmicrohttpd. New requests on kept connections get `Connection: close`.
 */
void http_server_drain(struct http_server *s, int drain_ms);
void http_server_destroy(struct http_server *s);
/* Requests that wait for the topic with another mark go on. Any thread, until it is destroyed. */
void http_server_wake(struct http_server *s, uint64_t topic, uint64_t mark);

struct http_stats {
	int64_t requests, refused_overload;
	int queued, in_work, connections;
	int64_t body_bytes;             /* held of bodies */
	/* of TLS: that went well, that this side refused, that the client left or was late with */
	int64_t handshakes, handshakes_refused, handshakes_broken_off;
};
void http_server_stats(struct http_server *s, struct http_stats *ret);
/* The same and more, for Prometheus: cc/base/expo.h. Any thread. */
void http_server_metrics(struct http_server *s, struct str *out);

/* Path → route. ret_allow: methods the path takes (for 405). Pure; also used by tests. */
struct router;
struct router *router_create(struct arena *a, const struct route_group *const *groups,
			     const char **ret_error);
const struct route *router_find(const struct router *r, enum method m, const char *path, struct arena *a,
				struct req *ret_params, const char **ret_allow, bool *ret_path_known);

/* docs/routes.md and docs/errors.md */
void routes_markdown(struct str *out, const struct route_group *const *groups);
void errors_markdown(struct str *out);

/*
 * The one error body: error, message, tenant_id, request_id, timestamp, details, and the members of its kind.
 * standard: and what RFC 9457 names so: title, status, detail.
 */
void problem_write(struct str *out, enum err e, const struct ctx *cx, bool standard);

#endif
