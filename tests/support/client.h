/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CLIENT_H
#define CC_TESTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "daemon.h"
#include "tls_wire.h"

/*
 * A small blocking HTTP/1.1 client on one kept connection (opened when needed, again when the server
 * closed it). Every wait ends after 30 s. A client belongs to one thread; answers belong to the client and
 * live until client_close() or client_forget().
 */
struct client;

struct answer {
	int status;       /* 0: none came, see `error` */
	const char *head; /* status line and header fields, as received */
	const char *body; /* NUL-terminated; "" without a body */
	size_t body_len;
	json_t *json;      /* the body, NULL when it is not JSON */
	const char *error; /* status 0: why */
	const char *asked; /* "POST /api/v1/tenants", for messages */
	int64_t us;        /* from the first byte sent to the last received */
};

struct client *client_open(int port);
void client_close(struct client *c); /* NULL is fine */
/* Frees the answers so far: for long loops. */
void client_forget(struct client *c);
/* What every further call sends. NULL: not sent (Host: then 127.0.0.1:<port>). */
void client_key(struct client *c, const char *key);       /* Authorization: Bearer … */
void client_tenant(struct client *c, const char *tenant); /* X-Tenant-ID */
void client_host(struct client *c, const char *host);
void client_request_id(struct client *c, const char *id); /* X-Request-ID */
void client_port(struct client *c, int port); /* after a restart */
/*
 * From now on over TLS, for this name, judged by this root (PEM). name NULL: in the clear again. What the
 * last handshake told is in client_told(); one that fails is status 0.
 */
void client_tls(struct client *c, const char *name, const char *root);
const struct tls_told *client_told(const struct client *c);

/*
 * One exchange. target is sent as it is ("/api/v1/tenants?limit=2"); headers: further lines, each ending in
 * \r\n, or NULL; body: sent with Content-Type: application/json (unless headers name another), or NULL.
 */
const struct answer *client_call(
	struct client *c, const char *method, const char *target, const char *headers, const char *body);
/* Below /api/v1. In bodies every ' becomes a ": client_post(c, "/policies", "{'name':'p%d'}", 1). */
const struct answer *client_get(struct client *c, const char *path_fmt, ...)
	__attribute__((format(printf, 2, 3)));
const struct answer *client_delete(struct client *c, const char *path_fmt, ...)
	__attribute__((format(printf, 2, 3)));
const struct answer *client_post(struct client *c, const char *path, const char *body_fmt, ...)
	__attribute__((format(printf, 3, 4)));
const struct answer *client_put(struct client *c, const char *path, const char *body_fmt, ...)
	__attribute__((format(printf, 3, 4)));
const struct answer *client_patch(struct client *c, const char *path, const char *body_fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Bytes as they are on a fresh connection; the first answer to them (status 0: closed without one). */
const struct answer *client_raw(struct client *c, const void *bytes, size_t n);
/*
 * The same in two halves: all but the body, then the body, whose answer it is. In between the server has
 * the head and waits.
 */
void client_begin(struct client *c, const char *method, const char *target, const char *body);
const struct answer *client_end(struct client *c);

/* Reading an answer. Paths: "settings.max_users", "details[0].field", "[2].domain"; "" is the whole. */
json_t *answer_at(const struct answer *a, const char *path);       /* NULL: absent */
const char *answer_text(const struct answer *a, const char *path); /* absent or no text: fails the test */
int64_t answer_int(const struct answer *a, const char *path);      /* absent or no integer: fails the test */
bool answer_null(const struct answer *a, const char *path);        /* present and null */
size_t answer_count(const struct answer *a, const char *path); /* items of an array: else fails the test */
/* Value of the first header field of this name (any case), or NULL; valid until the eighth call after it. */
const char *answer_header(const struct answer *a, const char *name);
/* True when details[] has this field with this error (error NULL: any). */
bool answer_fault(const struct answer *a, const char *field, const char *error);

/* Each returns the answer, so it can be used on. A failure shows what was asked and the whole answer. */
#define assert_status(expected, answer) answer_check_status((expected), (answer), __FILE__, __LINE__)
#define assert_error(expected, code, answer) \
	answer_check_error((expected), (code), (answer), __FILE__, __LINE__)
#define assert_fault(field, error, answer) answer_check_fault((field), (error), (answer), __FILE__, __LINE__)
const struct answer *answer_check_status(int expected, const struct answer *a, const char *file, int line);
const struct answer *answer_check_error(
	int expected, const char *code, const struct answer *a, const char *file, int line);
const struct answer *answer_check_fault(
	const char *field, const char *error, const struct answer *a, const char *file, int line);
#define assert_text(expected, answer, path) \
	answer_check_text((expected), (answer), (path), __FILE__, __LINE__)
#define assert_int(expected, answer, path) answer_check_int((expected), (answer), (path), __FILE__, __LINE__)
void answer_check_text(
	const char *expected, const struct answer *a, const char *path, const char *file, int line);
void answer_check_int(int64_t expected, const struct answer *a, const char *path, const char *file, int line);

/* Fixtures: fail the test when they do not succeed. */
struct tenant_fixture {
	char id[80];
	char slug[64];
	char domain[128];
	char key[80]; /* holds every tenant scope */
	char key_id[32];
};
/*
 * A tenant "<slug>.controlcore.io" on plan `plan` (NULL: pro) in `region` (NULL: us-east-1), with a key.
 * settings: JSON of the "settings" member, ' for ", or NULL: {'max_policies':3}.
 */
void fixture_tenant(struct daemon *d, const char *slug, const char *plan, const char *region,
	const char *settings, struct tenant_fixture *ret);
/* A further key: scopes "policies:read,policies:write". It and *ret_id (may be NULL) are malloc'ed. */
/* Runs a statement in the control database, as its owner. */
void fixture_control(struct daemon *d, const char *sql);
char *fixture_key(struct daemon *d, const char *tenant_id, const char *scopes, char **ret_id);
/* A client of this daemon: with the operator key; with a tenant's key. */
struct client *client_operator(struct daemon *d);
struct client *client_of(struct daemon *d, const struct tenant_fixture *t);

#endif
