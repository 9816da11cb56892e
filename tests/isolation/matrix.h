/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_MATRIX_H
#define CC_TESTS_MATRIX_H

#include "stage.h"

/* Whom a request names, as seen by its credential. */
enum who {
	NOBODY,
	OWN,            /* the credential's own tenant; the first one, when it has none */
	NEAR, FAR,      /* another of the same region, of another region */
	NOWHERE,        /* well-formed, but no tenant's */
	LITERAL,        /* a text as it stands */
	PARTY,          /* a certain one of the stage */
};
enum form { BY_ID, BY_SLUG };

struct naming {
	enum who who;
	enum form form;
	const char *text;       /* LITERAL */
	int party;              /* PARTY */
};

enum place { IN_HOST, IN_HEADER, IN_QUERY, IN_PATH, PLACES };

enum flaw { FINE, MALFORMED, MISDIRECTED };

/* A way to say which tenant is meant. In the path: only for routes that have the tenant there. */
struct source {
	const char *label;
	struct naming at[PLACES];
	struct naming again;    /* a second header or query parameter */
	enum place again_in;
	enum flaw flaw;
};
extern const struct source sources[];
extern const size_t nsources;

/* Whose key it is. */
enum holder { HOLDER_TENANT, HOLDER_LIMITED, HOLDER_OPERATOR, HOLDER_READER, HOLDER_NONE };

struct credential {
	const char *label;
	enum holder holder;
	int party;              /* of the tenant, or the one that OWN means */
	const char *key;        /* NULL: none is sent */
	bool as_api_key;        /* X-API-Key instead of Authorization */
};

/* One request of the matrix. */
struct cell {
	struct stage *s;
	const struct route *route;
	const char *prefix;
	const struct source *source;
	const struct credential *cred;
	char host[160];
	char headers[1200];
	char target[1200];
	char *body;
	const char *sent[8];    /* texts that name tenants, as sent */
	char text[PLACES + 1][400];
	int nsent;
	int party;              /* whose objects the path names; -1: those of the credential's party */
};

/* Puts the request together; cell_clear() frees its body. False: this source does not go with this route. */
bool cell_make(struct cell *c, struct stage *s, const struct route *r, const char *prefix,
	       const struct source *source, const struct credential *cred);
const struct answer *cell_send(const struct cell *c, struct client *http);
void cell_clear(struct cell *c);
/* "GET /policies | host near by slug | operator", of the latest call. */
const char *cell_label(const struct cell *c);

/* What may come back. */
struct verdicts {
	struct {
		int status;
		const char *code;       /* NULL: any */
	} v[6];
	int n;
	bool success;                   /* among them: the operation itself */
};
void cell_expect(const struct cell *c, struct verdicts *ret);
bool verdicts_hold(const struct verdicts *v, const struct answer *a);
void verdicts_print(const struct verdicts *v, char *ret, size_t size);

/* The first text of another tenant that an answer shows and that the request did not hold itself, or NULL. */
const char *cell_leak(const struct cell *c, const struct answer *a);
/* The answer with what must differ (echoed names, request id, time) masked; malloc'ed. */
char *answer_masked(const struct cell *c, const struct answer *a);

/* The tenant's state that an operation needs before it, and is left with after it. */
void cell_prepare(const struct cell *c);
void cell_repair(const struct cell *c, const struct answer *a);

#endif
