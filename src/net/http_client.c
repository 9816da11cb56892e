/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange: asked, received within bounds, its outcome put into our words. */
#include "cc/net/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "address.h"
#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"
#include "cc/base/trace.h"
#include "exchange.h"

#define CONNECT_MS 3000
#define HEAD_MAX 65536
#define CONNECTIONS_KEPT 4 /* of each thread */

struct http_client {
	pthread_key_t key; /* of the threads' lines */
	struct http_client_conf conf;
};

/* What belongs to one thread. */
struct line {
	CURL *easy;
	char error[CURL_ERROR_SIZE];
};

static void line_close(void *p)
{
	struct line *l = p;

	if (l == NULL)
		return;
	curl_easy_cleanup(l->easy);
	free(l);
}

struct http_client *http_client_create(const struct http_client_conf *conf)
{
	struct http_client *c = mem_alloc(1, sizeof(*c));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	c->conf = *conf;
	c->conf.ca_file = mem_strdup(conf->ca_file);
	if (c->conf.connect_ms <= 0)
		c->conf.connect_ms = CONNECT_MS;
	if (c->conf.head_max == 0)
		c->conf.head_max = HEAD_MAX;
	if (pthread_key_create(&c->key, line_close) != 0)
		abort();
	return c;
}

void http_client_destroy(struct http_client *c)
{
	if (c == NULL)
		return;
	/* Those of the other threads went with them. */
	line_close(pthread_getspecific(c->key));
	pthread_key_delete(c->key);
	free((char *)(uintptr_t)c->conf.ca_file);
	free(c);
	curl_global_cleanup();
}

static struct line *line_of(struct http_client *c)
{
	struct line *l = pthread_getspecific(c->key);

	if (l != NULL)
		return l;
	l = mem_alloc(1, sizeof(*l));
	l->easy = curl_easy_init();
	if (l->easy == NULL || pthread_setspecific(c->key, l) != 0)
		abort();
	return l;
}

/* What comes back ----------------------------------------------------------------------------------- */

struct incoming {
	const struct http_ask *ask;
	struct arena *arena;
	struct str body;
	struct http_header_in *headers;
	size_t nheaders, room;
	size_t head_len, head_max;
	bool too_large, forbidden, stopped;
	CURL *easy;
};

static bool take_on(struct incoming *in, const char *data, size_t n, bool *ret_taken)
{
	long status = 0;

	(void)curl_easy_getinfo(in->easy, CURLINFO_RESPONSE_CODE, &status);
	*ret_taken = in->ask->take != NULL && status < 300;
	if (!*ret_taken)
		return true;
	in->stopped = !in->ask->take(in->ask->take_arg, (int)status, data, n);
	return !in->stopped;
}

static size_t take_body(char *data, size_t one, size_t n, void *arg)
{
	struct incoming *in = arg;
	bool taken;

	(void)one;
	if (!take_on(in, data, n, &taken))
		return n == 0 ? 1 : 0;
	if (taken)
		return n;
	if (n > in->ask->answer_max - in->body.len) {
		in->too_large = true;
		return n == 0 ? 1 : 0;
	}
	str_add_n(&in->body, data, n);
	return n;
}

static void keep_header(struct incoming *in, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	const char *end = line + n, *value;

	if (colon == NULL)
		return;
	for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
		;
	while (end > value && strchr(" \t\r\n", end[-1]) != NULL)
		end--;
	if (in->nheaders == in->room) {
		struct http_header_in *more =
			ARENA_ARRAY(in->arena, struct http_header_in, 2 * in->room + 16);

		if (in->nheaders > 0)
			memcpy(more, in->headers, in->nheaders * sizeof(*more));
		in->headers = more;
		in->room = 2 * in->room + 16;
	}
	in->headers[in->nheaders++] = (struct http_header_in){
		.name = arena_strndup(in->arena, line, (size_t)(colon - line)),
		.value = arena_strndup(in->arena, value, (size_t)(end - value)),
	};
}

/* Called once a line. Interim answers (1xx) come before the final one: only its fields stay. */
static size_t take_header(char *line, size_t one, size_t n, void *arg)
{
	struct incoming *in = arg;

	(void)one;
	in->head_len += n;
	if (in->head_len > in->head_max) {
		in->too_large = true;
		return n == 0 ? 1 : 0;
	}
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
		in->nheaders = 0;
	else
		keep_header(in, line, n);
	return n;
}

/* The address is looked at when it is used, so a name that changes its mind in between gains nothing. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct incoming *in = arg;

	(void)purpose;
	if ((in->ask->flags & HTTP_PUBLIC_ONLY) && !address_is_public(&to->addr)) {
		in->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* What is asked ------------------------------------------------------------------------------------- */

static bool set_peer(CURL *easy, const struct http_client *c, const struct http_ask *ask, int64_t left_ms)
{
	const bool apart = (ask->flags & HTTP_PUBLIC_ONLY) != 0;
	const long connect_ms = (long)(left_ms < c->conf.connect_ms ? left_ms : c->conf.connect_ms);
	CURLcode e = CURLE_OK;

	e |= curl_easy_setopt(easy, CURLOPT_URL, ask->url);
	if (ask->socket != NULL)
		e |= curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, ask->socket);
	e |= curl_easy_setopt(
		easy, CURLOPT_PROTOCOLS_STR, ask->flags & HTTP_TLS_ONLY ? "https" : "http,https");
	e |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	e |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	e |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	e |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	e |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	e |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (c->conf.ca_file != NULL) {
		e |= curl_easy_setopt(easy, CURLOPT_CAINFO, c->conf.ca_file);
		e |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	e |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	e |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	e |= curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	e |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)apart);
	e |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)apart);
	e |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	e |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Else the end of an exchange waits for a name service that does not answer. */
	e |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	return e == CURLE_OK;
}

static bool takes_body(const char *method)
{
	return str_eq(method, "POST") || str_eq(method, "PUT") || str_eq(method, "PATCH");
}

static bool set_request(CURL *easy, const struct http_ask *ask, struct curl_slist *headers)
{
	CURLcode e = CURLE_OK;

	e |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "controlcored");
	e |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (ask->body.p != NULL || takes_body(ask->method)) {
		e |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.n);
		e |= curl_easy_setopt(
			easy, CURLOPT_POSTFIELDS, ask->body.p != NULL ? (const char *)ask->body.p : "");
	} else if (str_eq(ask->method, "HEAD")) {
		e |= curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	e |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
	return e == CURLE_OK;
}

static bool set_answer(CURL *easy, const struct http_ask *ask, struct incoming *in)
{
	CURLcode e = CURLE_OK;

	e |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	e |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, in);
	e |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	e |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, in);
	/* What HEAD tells the length of does not come. */
	if (ask->take == NULL && !str_eq(ask->method, "HEAD"))
		e |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ask->answer_max);
	e |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	e |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, in);
	return e == CURLE_OK;
}

static struct curl_slist *add_line(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = list != NULL ? curl_slist_append(list, line) : NULL;

	if (longer == NULL)
		curl_slist_free_all(list);
	return longer;
}

/* What is done for somebody who follows it is seen to be so. */
static struct curl_slist *add_trace(struct curl_slist *list)
{
	const struct trace *t = trace_now();
	char parent[TRACEPARENT_LEN + 1], line[TRACESTATE_MAX + 16];

	if (t == NULL)
		return list;
	trace_write(t, parent);
	(void)snprintf(line, sizeof(line), "traceparent: %s", parent);
	list = add_line(list, line);
	(void)snprintf(line, sizeof(line), "tracestate: %s", t->state != NULL ? t->state : "");
	return t->state != NULL ? add_line(list, line) : list;
}

/* Without these two libcurl adds fields of its own. NULL: out of memory. */
static struct curl_slist *header_list(const struct http_ask *ask)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"), *longer;
	bool typed = false;

	for (size_t i = 0; list != NULL && ask->headers != NULL && ask->headers[i] != NULL; i++) {
		typed = typed || strncasecmp(ask->headers[i], "Content-Type:", 13) == 0;
		longer = curl_slist_append(list, ask->headers[i]);
		if (longer == NULL)
			curl_slist_free_all(list);
		list = longer;
	}
	list = add_trace(list);
	if (list == NULL || typed)
		return list;
	longer = curl_slist_append(list, "Content-Type:");
	if (longer == NULL)
		curl_slist_free_all(list);
	return longer;
}

static const struct {
	CURLcode code;
	enum http_result r;
} meanings[] = {
	{CURLE_OK,			HTTP_GOT          },
	{ CURLE_URL_MALFORMAT,            HTTP_BAD_ASK      },
	{ CURLE_COULDNT_RESOLVE_HOST,     HTTP_UNKNOWN_HOST },
	{ CURLE_COULDNT_CONNECT,          HTTP_NO_CONNECTION},
	{ CURLE_OPERATION_TIMEDOUT,       HTTP_LATE         },
	{ CURLE_FILESIZE_EXCEEDED,        HTTP_TOO_LARGE    },
	{ CURLE_SSL_CONNECT_ERROR,        HTTP_NO_TRUST     },
	{ CURLE_SSL_CERTPROBLEM,          HTTP_NO_TRUST     },
	{ CURLE_SSL_CIPHER,               HTTP_NO_TRUST     },
	{ CURLE_PEER_FAILED_VERIFICATION, HTTP_NO_TRUST     },
	{ CURLE_SSL_CACERT_BADFILE,       HTTP_NO_TRUST     },
	{ CURLE_SSL_ISSUER_ERROR,         HTTP_NO_TRUST     },
	{ CURLE_SSL_INVALIDCERTSTATUS,    HTTP_NO_TRUST     },
};

static enum http_result meaning(CURLcode code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code)
			return meanings[i].r;
	return HTTP_BROKEN;
}

/* connecting: the time to connect ends before the deadline does, and no connection came about. */
static enum http_result outcome(CURLcode code, const struct incoming *in, bool connecting)
{
	const enum http_result r = meaning(code);

	if (in->stopped)
		return HTTP_STOPPED;
	if (in->too_large)
		return HTTP_TOO_LARGE;
	if (r == HTTP_NO_CONNECTION && in->forbidden)
		return HTTP_FORBIDDEN;
	return r == HTTP_LATE && connecting ? HTTP_NO_CONNECTION : r;
}

static enum http_result exchange(struct http_client *c, struct line *l, struct curl_slist *headers,
	struct incoming *in, struct http_got *ret)
{
	const int64_t left_ms = in->ask->deadline_ms - clock_mono_ms();
	curl_off_t ready_us = 0;
	enum http_result r;
	long status = 0;
	CURLcode code;

	if (left_ms <= 0)
		return HTTP_LATE;
	curl_easy_reset(l->easy);
	in->easy = l->easy;
	l->error[0] = '\0';
	if (!set_peer(l->easy, c, in->ask, left_ms) || !set_request(l->easy, in->ask, headers) ||
		!set_answer(l->easy, in->ask, in) ||
		curl_easy_setopt(l->easy, CURLOPT_ERRORBUFFER, l->error) != CURLE_OK)
		abort(); /* options of a handle of our own: memory is exhausted */
	code = curl_easy_perform(l->easy);
	(void)curl_easy_getinfo(l->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	r = outcome(code, in, ready_us == 0 && left_ms > c->conf.connect_ms);
	(void)curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	if (r != HTTP_GOT)
		ret->error =
			arena_strdup(in->arena, l->error[0] != '\0' ? l->error : curl_easy_strerror(code));
	return r;
}

enum http_result http_client_send(
	struct http_client *c, struct arena *a, const struct http_ask *ask, struct http_got *ret)
{
	struct incoming in = { .ask = ask, .arena = a, .head_max = c->conf.head_max };
	const char *fault = ask_fault(ask);
	struct curl_slist *headers;
	enum http_result r;

	*ret = (struct http_got){ .body = "", .error = "" };
	if (fault != NULL) {
		ret->error = fault;
		return HTTP_BAD_ASK;
	}
	headers = header_list(ask);
	if (headers == NULL)
		abort();
	str_init(&in.body, a, 256);
	r = exchange(c, line_of(c), headers, &in, ret);
	curl_slist_free_all(headers);
	if (r == HTTP_LATE && ret->error[0] == '\0')
		ret->error = http_result_text(r);
	if (r != HTTP_GOT)
		return r;
	ret->body = in.body.data;
	ret->len = in.body.len;
	ret->headers = in.headers;
	ret->nheaders = in.nheaders;
	return r;
}
