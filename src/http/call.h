/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_CALL_H
#define CC_SRC_HTTP_CALL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "body.h"
#include "peers.h"
#include "etag.h"
#include "forwarded.h"
#include "guard.h"
#include "queue.h"
#include "router.h"
#include "shelf.h"
#include "listener.h"
#include "negotiate.h"
#include "meters.h"
#include "stream.h"
#include "tls_link.h"
#include "waits.h"


#include "cc/base/trace.h"
#include "cc/http/answers.h"
#include "cc/http/server.h"

/* What is read and thrown away of a body that nobody wants, so that the connection can be kept. */
enum { DRAIN_MAX = 64 * 1024 };

/*
 * Who may touch a call: the I/O thread, but in CALL_GATE, CALL_WORK and CALL_STREAM the worker that popped
 * it. The I/O thread gives it away through the queue; the worker gives it back by storing (release) a stage
 * that the I/O thread loads (acquire) before it looks at anything else.
 */
enum call_stage {
	CALL_HEAD,              /* request line seen, headers on their way */
	CALL_GATE,              /* suspended before its body: a worker asks the gate */
	CALL_ADMITTED,          /* resumed from CALL_GATE: the body may come */
	CALL_BODY,              /* body on its way */
	CALL_WORK,              /* suspended and complete: queued, or run by a worker */
	CALL_STREAM,            /* suspended in its answer: a worker makes the next piece */
	CALL_DONE,              /* answered (or the next piece is there), or given up */
};

/* One request, from its request line to the last byte of its answer. Lives in its own arena. */
struct call {
	struct queue_item place;        /* first: the queue's items are calls */
	struct http_server *server;
	const struct listener *listener;
	struct MHD_Connection *mhd;
	struct peer *peer;
	struct arena *arena;
	_Atomic enum call_stage stage;

	struct ctx cx;
	struct trace trace;             /* the client's, or one of our own */
	struct http_in in;
	struct req rq;
	const struct entry *entry;      /* NULL: no route */
	const char *method;             /* as it came, for the log */
	const char *target;             /* raw, with query; cut when too long */
	const char *target_at, *target_end;     /* where libmicrohttpd keeps it: compared, never read */
	char *query;                    /* raw, inside of target */
	const char *allow;              /* for 405 and OPTIONS */

	enum err refusal;               /* decided, to be answered when the body has passed */
	bool gated;                     /* the gate hook was asked: done() is owed */
	bool need_load;                 /* … and wants to be asked again by a worker */
	bool live;                      /* counted as in flight */
	bool close;                     /* Connection: close */
	bool one_zero;                  /* HTTP/1.0 */
	bool options;                   /* OPTIONS: 204 with Allow */
	bool preflight;                 /* … asked by a browser before a script's request that we know */
	bool origin_known, origin_ok;   /* it is decided: scripts of its origin may read the answer */
	bool origin_waits;              /* a worker is to decide it */
	enum client_hop hop;            /* in the words of trusted proxies */
	const char *moved;              /* 308: the same over TLS; NULL: answered here */
	uint64_t content_length;
	bool has_body, expects_continue;
	struct body body;
	size_t body_seen;               /* bytes that came, also those thrown away */

	struct etags if_match, if_none_match;
	bool not_modified;              /* decided before anything was read */
	const struct kept *kept;        /* the answer, a reference; NULL: it must be made */
	int64_t asked_us;               /* when the database was asked for it */
	const char *etag;               /* of the answer, or of the object that a 412 is about; no quotes */
	enum coding coding;             /* what the client takes, of an answer that may be compressed */
	bool coded;                     /* … and is: the answer, or what its stream will be */
	bool problem_json;              /* a refusal, for a client that names its media type */

	int64_t arrived_us, queued_us, queue_us;
	int status;
	const char *answer;
	size_t answer_len;
	struct wait_place waits;        /* while it waits for something to happen */
	bool gone;                      /* its client left meanwhile */
	uint64_t ticket;                /* of conf.turnover */
	struct flow *flow;              /* of a stream; NULL: none */
	bool streaming;                 /* the answer is the flow, not the text */
};

/* Its memory is wiped. */
static inline bool call_holds_secret(const struct call *c)
{
	return c->entry != NULL && c->entry->secret;
}

typedef enum MHD_Result queue_response_fn(struct MHD_Connection *, unsigned, struct MHD_Response *);

struct http_server {
	struct http_conf conf;
	struct arena *arena;            /* as long as the server: settings and router */
	struct router *router, *admin_router;
	struct listener plain, tls, admin, admin_net;
	struct meters meters;           /* of router */
	const char *cors_allowed, *cors_exposed;        /* names of headers: of requests, of answers */
	queue_response_fn *queue_response;      /* the library's: see refused.c */
	struct peers peers;
	struct queue queue;
	struct queue express;           /* of what answers also when everything else waits */
	struct shelf shelf;
	struct flows flows;
	struct waits waits;
	struct body_budget bodies;
	pthread_t *worker;              /* the last one is for the express queue */
	int workers;                    /* started */
	bool drained;
	atomic_bool draining, hurry;    /* hurry: what still waits in the queue is 503 */
	_Atomic int64_t requests, refused_overload;
	struct tls_meter handshakes;
	atomic_int live, in_work;
};

/* head.c: everything that is decided before the body. */
void head_target(struct call *c, const char *raw);
/* Returns what stands against the request; c->close when the answer cannot wait for the body. */
enum err head_check(struct call *c, const char *method, const char *version);
/* After the gate has let the call pass: its idempotency key, the announced body, its conditions. */
enum err head_check_rest(struct call *c);

/* secure.c: what may not come without TLS, or not over this connection. Decides c->moved too. */
enum err secure_check(struct call *c);

/* encode.c: how the answer is coded. */
/* Reads what the client takes, once its route is known. */
void encode_ask(struct call *c);
/* The answer may be another where another coding is asked for. */
bool encode_is_open(const struct call *c);
/* Whether the stream that it is will be compressed. */
bool encode_stream(const struct call *c);
/* Compresses a finished answer, if that is wanted and worth it. */
void encode_answer(struct call *c);
/* Of an answer with an ETag: is it that of the compressed form? */
bool encode_etag_is_gzip(const struct call *c);

/* cors.c: whether scripts of other origins may read the answer. */
void cors_init(struct http_server *s);
/* OPTIONS, and meant as the question whether another request may be made. */
bool cors_is_preflight(const struct call *c);
/* Decides it, once. ERR_NEED_LOAD: not from memory. */
enum err cors_look(struct call *c, bool may_load);
void cors_headers(struct MHD_Response *r, const struct call *c);

/* run.c: gate, input, unit of work. */
enum err run_gate(struct call *c, bool may_load);
/* What the gate has not said yet, or too long ago. */
enum err run_admission(struct call *c);
/* The rest of it. Without a worker only what is certain to be answered from memory. */
enum err run_route(struct call *c);

/* refused.c */
/* libmicrohttpd's MHD_queue_response(); NULL: it has none. */
queue_response_fn *refused_next(void);

/* answer.c */
/* Decides the answer: text, done(), log line. */
void answer_make(struct call *c, enum err e);
/* Hands it to libmicrohttpd: from the I/O thread, or from a worker while suspended. */
enum MHD_Result answer_send(struct call *c);
void answer_log(const struct call *c, enum err e, const char *code);
void answer_meter(struct call *c);

/* glue.c: what libmicrohttpd calls. */
void *glue_target(void *cls, const char *uri, struct MHD_Connection *mhd);
size_t glue_unescape(void *cls, struct MHD_Connection *mhd, char *text);
enum MHD_Result glue_call(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
			  const char *version, const char *data, size_t *size, void **state);
void glue_completed(void *cls, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode how);
void glue_connection(void *cls, struct MHD_Connection *mhd, void **state,
		     enum MHD_ConnectionNotificationCode how);

/* workers.c */
bool workers_init(struct http_server *s);
void workers_finish(struct http_server *s);
bool workers_start(struct http_server *s);
/* Whatever waits is served, or refused when there is a hurry; then the threads end. */
void workers_join(struct http_server *s);
/* False: there is no place for it in the queue. Suspends the connection first. */
bool workers_hand_over(struct call *c, enum call_stage stage);
/* The same of one that is suspended already, and goes on. */
bool workers_again(struct call *c);
/* … which is said so. */
enum err refuse_crowd(struct call *c);

#endif
