/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_OPA_PEER_H
#define CC_TESTS_OPA_PEER_H

/*
 * The part of OPA's REST API that the program speaks, inside the test. It keeps modules as OPA does, but
 * evaluates no Rego: allow is what the input says in "answer" (absent: undefined), an input with "fail" ends
 * in the error of a rule that contradicts itself, and a module with the word `unsafe_x` does not compile.
 */
struct opa_peer;

enum opa_mood {
	OPA_WELL,
	OPA_SLOW,         /* half a second for each answer */
	OPA_SILENT,       /* takes requests, answers none */
	OPA_BROKEN,       /* 500 and a page for people */
	OPA_NONSENSE,     /* 200 and what is no JSON */
	OPA_KEEPS,        /* well, but modules cannot be removed */
};

/* token NULL: anybody is answered. */
struct opa_peer *opa_start(const char *token);
void opa_stop(struct opa_peer *p); /* NULL is fine */
const char *opa_url(const struct opa_peer *p);
void opa_feel(struct opa_peer *p, enum opa_mood mood);
/* Modules it has, and how many it was given since the start. */
int opa_modules(struct opa_peer *p);
int opa_loads(struct opa_peer *p);

#endif
