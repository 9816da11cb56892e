/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_NET_DNS_H
#define CC_NET_DNS_H

#include "cc/base/arena.h"
#include "cc/base/str.h"

/* Questions to resolvers of the public DNS, each asked for itself. Any thread; it waits in the caller's. */

enum dns_type {
	DNS_TXT,                /* the records at the name, the strings of each joined */
	DNS_CNAME,              /* where the name leads, step by step: at most DNS_HOPS_MAX */
	DNS_A, DNS_AAAA,        /* addresses, behind CNAMEs as well where the resolver follows them */
	/*
	 * Who may issue certificates (RFC 8659): "acme.com CAA 0 issue "ca.example"", at the name or at the
	 * closest above it that says anything, at most DNS_HOPS_MAX steps.
	 */
	DNS_CAA,
};
#define DNS_HOPS_MAX 8
#define DNS_VALUES_MAX 32       /* further records are passed over */
#define DNS_VALUE_MAX 1024      /* characters of one; the rest is cut off */

struct dns_question {
	const char *name;       /* A-labels, without the dot of the root */
	enum dns_type type;
};

struct dns_answer {
	bool failed;            /* the resolver did not answer, or not with sense: nothing is known */
	bool silent;            /* it did not even answer that it does not know */
	struct strv values;     /* printable ASCII; any other character is a '?' */
	const char *problem;    /* a sentence without values, a constant; NULL: there are some */
};

/*
 * Every resolver ("192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53") is asked every question, all at the same
 * time: ret[resolver * nquestions + question]. By UDP, by TCP where an answer is cut off. It ends timeout_ms
 * after it began; what has no answer by then has failed. Without a resolver (n is 1, resolvers[0] is NULL)
 * those of the system are asked as one. Results live in the arena.
 */
void dns_ask(struct arena *a, const char *const *resolvers, size_t n, const struct dns_question *questions,
	     size_t nquestions, int timeout_ms, struct dns_answer *ret);

#endif
