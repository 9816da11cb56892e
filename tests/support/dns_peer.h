/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_DNS_PEER_H
#define CC_TESTS_DNS_PEER_H

/*
 * A small DNS server inside the test, by UDP and TCP on one free port of 127.0.0.1. It can answer properly,
 * or as no server should.
 */
struct dns_peer;

enum dns_mood {
	DNS_PROPER,
	DNS_CUT,        /* by UDP nothing but that the answer is too long; by TCP properly */
	DNS_SERVFAIL,
	DNS_REFUSE,
	DNS_SILENT,     /* takes questions and says nothing */
	DNS_STRANGER,   /* answers with another id and name */
	DNS_RUBBISH,    /* what it sends breaks off in the middle of a name, or points at itself */
};

struct dns_peer *dns_peer_start(void);
void dns_peer_stop(struct dns_peer *p); /* NULL is fine */
const char *dns_peer_address(const struct dns_peer *p); /* "127.0.0.1:<port>" */
void dns_peer_mood(struct dns_peer *p, enum dns_mood mood);
/*
 * One record more. name "*": every name that has none of its own; "_label.*": every name that begins so. A
 * TXT goes out in strings of ten bytes; a \2 in it is a zero byte.
 */
void dns_peer_txt(struct dns_peer *p, const char *name, const char *value);
void dns_peer_cname(struct dns_peer *p, const char *name, const char *target);
void dns_peer_a(struct dns_peer *p, const char *name, const char *address);     /* of either family */
/* … that is in the first `times` answers only. */
void dns_peer_txt_times(struct dns_peer *p, const char *name, const char *value, int times);
void dns_peer_caa(struct dns_peer *p, const char *name, const char *issuer);    /* issue "…" */
void dns_peer_clear(struct dns_peer *p);
/* How many questions came by TCP. */
int dns_peer_by_tcp(struct dns_peer *p);

#endif
