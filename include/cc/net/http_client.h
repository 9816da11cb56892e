/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_NET_HTTP_CLIENT_H
#define CC_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/bytes.h"
#include "cc/base/err.h"

/*
 * The program as a client of other servers. Any number of threads may share one client: each gets a
 * handle of its own at its first exchange, with the connections it keeps, and gives it back when it ends.
 *
 * An exchange is one request and one answer, HTTP/1.1 over TCP or TLS 1.2 and later. It ends at its
 * deadline whatever the peer or the name service do. Certificates and host names are always verified.
 * Redirects are answers like any other; proxies, cookies, .netrc and passwords in URLs are not used; the
 * answer is taken as it is sent, uncompressed. A kept connection that the peer had closed is replaced by a
 * fresh one without a word: what must not arrive twice carries a key of its own.
 *
 * It never logs. The last result is in the hands of the caller with words for the log.
 */
struct http_client;

struct http_client_conf {
	const char *ca_file; /* PEM, instead of the system's authorities; NULL: those */
	int connect_ms;      /* 0: 3000 */
	size_t head_max;     /* bytes of an answer's header fields; 0: 65536 */
};

enum {
	/*
	 * The peer is chosen by a client of ours: its address, as it is when the connection is opened, must
	 * be a public one, and no connection is shared with other exchanges.
	 */
	HTTP_PUBLIC_ONLY = 1 << 0,
	HTTP_TLS_ONLY = 1 << 1, /* https:// only */
};

struct http_ask {
	const char *method; /* "GET" */
	const char *url;
	const char *socket; /* of a unix socket, where whoever the URL names is asked; NULL: by the network */
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	struct bytes body;          /* p NULL: none */
	int64_t deadline_ms;        /* clock_mono_ms() */
	size_t answer_max;          /* bytes of the answer's body */
	unsigned flags;
	/*
	 * What the body of an answer below 300 is handed to as it comes, however long it is, instead of being
	 * kept; false: no more is wanted, HTTP_STOPPED. NULL: it is kept.
	 */
	bool (*take)(void *arg, int status, const void *p, size_t n);
	void *take_arg;
};

enum http_result {
	HTTP_GOT,           /* an answer, whatever its status */
	HTTP_BAD_ASK,       /* the URL or a header cannot be sent; nothing was */
	HTTP_UNKNOWN_HOST,  /* the name does not resolve */
	HTTP_FORBIDDEN,     /* HTTP_PUBLIC_ONLY: the address is not public */
	HTTP_NO_CONNECTION, /* nobody answers there, or refuses */
	HTTP_NO_TRUST,      /* TLS: the certificate or the handshake is not acceptable */
	HTTP_LATE,          /* the deadline passed */
	HTTP_TOO_LARGE,     /* head or body are beyond their bounds */
	HTTP_STOPPED,       /* take said no */
	HTTP_BROKEN,        /* not HTTP, or the connection broke in the middle */
};

struct http_header_in {
	const char *name, *value;
};

struct http_got {
	int status;
	const char *body; /* NUL-terminated; "" without one */
	size_t len;
	const struct http_header_in *headers; /* as they came, without blanks around the value */
	size_t nheaders;
	/* for the log, never for a client; "" for HTTP_GOT: "Failed to connect to 127.0.0.1 port 1 …" */
	const char *error;
};

/* Before threads that use it are started. conf is copied. */
struct http_client *http_client_create(const struct http_client_conf *conf);
/* All other threads that used it have ended. NULL is fine. */
void http_client_destroy(struct http_client *c);

/* Blocks until the answer is complete. Texts of *ret live in the arena; error is set in any case. */
enum http_result http_client_send(
	struct http_client *c, struct arena *a, const struct http_ask *ask, struct http_got *ret) MUST_USE;
/* The value of the first field of this name, in any case; NULL: there is none. */
const char *http_got_header(const struct http_got *got, const char *name);
/* "the deadline passed" */
const char *http_result_text(enum http_result r);
/*
 * NULL when an exchange may be tried with this URL, else the rest of a sentence: "must be …". Looks nothing
 * up: with HTTP_PUBLIC_ONLY an address that is not public is found here, what a name stands for when it is
 * used. Any thread.
 */
const char *http_url_fault(const char *url, unsigned flags);

#endif
