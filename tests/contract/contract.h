/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CONTRACT_H
#define CC_TESTS_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "client.h"
#include "daemon.h"
#include "dns_peer.h"
#include "opa_peer.h"
#include "cc/http/route.h"

/*
 * What the route and field tables promise, asked of the running program. Everything here is derived from
 * the tables: a new route is tested before anybody writes a test for it.
 */
struct contract {
	struct daemon *d;
	struct opa_peer *opa;
	struct dns_peer *dns;
	struct tenant_fixture t;
	struct client *c; /* the operator: holds every scope */
	/* A proxy between the clients and the program, if CC_CONTRACT_PROXY names one; 0: none. */
	int proxy_port;
	pid_t proxy;
};

int contract_setup(void **state); /* for groups */
int contract_teardown(void **state);

/* Route by route: 0, 1, … until NULL; *ret_prefix goes before its path. */
const struct route *route_at(size_t i, const char **ret_prefix);
/* The route of a method and path, or NULL. */
const struct route *route_find(enum method m, const char *path);
#define FOR_EACH_ROUTE(r, prefix) \
	const char *prefix = ""; \
	const struct route *r; \
	for (size_t route_i_ = 0; (r = route_at(route_i_, &prefix)) != NULL; route_i_++)

/* Sends it to the path as it stands in the table, {…} filled with names that fit but may not exist. */
struct ask {
	const struct route *r;
	const char *prefix;
	enum method method;  /* usually r->method */
	const char *query;   /* "limit=1", or NULL */
	const char *body;    /* NULL: none */
	const char *headers; /* further lines, or NULL */
	const char *tenant;  /* for {tenant_id} or the header; NULL: the contract's */
	bool beside;         /* not through a proxy: the document does not describe such a request */
	const char *id;      /* for any other {…}; NULL: one that does not exist */
};
const struct answer *contract_ask(struct contract *k, struct client *c, const struct ask *ask);
/* The same with the method, and a valid body when it takes one. */
const struct answer *contract_call(
	struct contract *k, struct client *c, const struct route *r, const char *prefix);

/* A tenant nobody else uses: its id. */
const char *contract_tenant(struct contract *k);
/* An id for the last {…} of the path, made by the POST that makes such objects. NULL: the path has none. */
const char *contract_object(struct contract *k, const struct route *r, const char *tenant);
/* An open alert of the tenant; no request raises one. */
const char *contract_deployment(struct contract *k, const char *tenant, bool over);
const char *contract_alert(struct contract *k, const char *tenant);
void contract_invoice(struct contract *k, const char *tenant); /* of a period that is over */
const char *contract_held_name(struct contract *k); /* of a tenant that is gone */
/* A bouncer that has registered: its bouncer_id. */
const char *contract_bouncer(struct contract *k, const char *tenant);

/*
 * A request that succeeds once: to a tenant and an object of its own, made for it and in the state that the
 * operation needs, with a body that has what must be sent, or all that may be.
 */
struct ready {
	struct ask ask;
};
void contract_ready(
	struct contract *k, const struct route *r, const char *prefix, bool all, struct ready *ret);
void ready_clear(struct ready *ready);

/* Values that fit a field, and objects of them. The caller owns what is returned. */
json_t *sample_value(const struct field *f);
/* What must be sent; with all: also what may (references to other objects are left out). */
json_t *sample_object(const struct schema *s, enum read_mode mode, bool all);
/* Is it the client's to send in this mode? */
bool field_is_sent(const struct field *f, enum read_mode mode);
enum read_mode route_read_mode(const struct route *r);

/* NULL when a reply is what its table says, else what is wrong with it. */
const char *reply_misfit(const struct schema *s, const json_t *v, bool list_item);
/* The same of an answer that must not show what is shown once only. */
const char *reply_misfit_kept(const struct schema *s, const json_t *v);

#endif
