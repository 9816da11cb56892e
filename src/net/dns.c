/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel of c-ares for each resolver and call: its sockets, and so its ports, are fresh, and no resolver's
 * silence is made up for by another.
 */
#include "cc/net/dns.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "cc/base/clock.h"

enum {
	TRIES = 2,
	SHARE = 3, /* the first try has a third of the time, the second the rest */
	CLASS_IN = 1,
	ADDRESS_SIZE = 46,
	HEADER_LEN = 12,
	RECORD_LEN = 10, /* between a record's name and its data */
	QUESTION_LEN = 4,
};

#define NO_RECORD "there is no such record"

static const int numbers[] = {
	[DNS_TXT] = 16, [DNS_CNAME] = 5, [DNS_A] = 1, [DNS_AAAA] = 28, [DNS_CAA] = 257,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

struct resolver {
	ares_channel channel;
	bool open;
};

struct asking {
	struct arena *arena;
	ares_channel channel;
	const struct dns_question *question;
	const char *at;         /* the name that was asked for last */
	int steps;
	struct dns_answer *ret;
	const char **values;
	int *pending;
	bool system;            /* several servers, one after the other: c-ares does not say why it gave up */
};

static void open_library(void)
{
	(void)ares_library_init(ARES_LIB_INIT_ALL);
}

/* Texts may hold anything, zero bytes as well. */
static const char *printable(struct arena *a, const char *s, size_t n)
{
	const size_t len = n < DNS_VALUE_MAX ? n : DNS_VALUE_MAX;
	char *text = arena_alloc(a, len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)(s[i] >= 0x20 && s[i] < 0x7f ? s[i] : '?');
	return text;
}

static void add(struct asking *q, const char *s, size_t n)
{
	if (q->ret->values.n < DNS_VALUES_MAX)
		q->values[q->ret->values.n++] = printable(q->arena, s, n);
}

static void fail(struct asking *q, bool failed, const char *problem)
{
	q->ret->failed = failed;
	q->ret->problem = problem;
}

static void fail_silent(struct asking *q, const char *problem)
{
	fail(q, true, problem);
	q->ret->silent = true;
}

/* Answers ---------------------------------------------------------------------------------------------- */

static void ask(struct asking *q, const char *name);

/* Nothing here: the name above says it for all below, but for that of a whole country. */
static bool climb(struct asking *q)
{
	const char *dot = strchr(q->at, '.');

	if (q->question->type != DNS_CAA || dot == NULL || strchr(dot + 1, '.') == NULL ||
	    ++q->steps >= DNS_HOPS_MAX)
		return false;
	ask(q, dot + 1);
	return true;
}

static void read_failure(struct asking *q, int status)
{
	const bool nothing = status == ARES_ENOTFOUND || status == ARES_ENODATA;

	if (nothing && climb(q))
		return;
	/* The end of a chain. */
	if (nothing && q->ret->values.n > 0)
		return;
	if (status == ARES_ENOTFOUND)
		fail(q, false, "there is no such name");
	else if (status == ARES_ENODATA)
		fail(q, false, NO_RECORD);
	else if (status == ARES_ETIMEOUT || status == ARES_ECANCELLED || status == ARES_EDESTRUCTION)
		fail_silent(q, "it did not answer in time");
	else if (status == ARES_ESERVFAIL)
		fail(q, true, "it could not find out (SERVFAIL)");
	else if (status == ARES_EREFUSED)
		fail(q, true, "it refused to answer");
	else if (status == ARES_ECONNREFUSED)
		q->system ? fail(q, true, "none of them could find out, or be reached")
			  : fail_silent(q, "it cannot be reached");
	else
		fail(q, true, "it answered without sense");
}

static void read_texts(struct asking *q, const unsigned char *answer, int len)
{
	struct ares_txt_ext *texts = NULL;
	struct str text;

	const int status = ares_parse_txt_reply_ext(answer, len, &texts);

	if (status != ARES_SUCCESS) {
		read_failure(q, status);
		return;
	}
	str_init(&text, q->arena, 256);
	for (const struct ares_txt_ext *t = texts; t != NULL; t = t->next) {
		if (text.len < DNS_VALUE_MAX)
			str_add_n(&text, (const char *)t->txt, t->length);
		if (t->next == NULL || t->next->record_start) {
			add(q, text.data, text.len);
			str_init(&text, q->arena, 256);
		}
	}
	ares_free_data(texts);
	if (q->ret->values.n == 0)
		fail(q, false, NO_RECORD);
}

static unsigned number16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Behind the name at p; NULL: there is none in what came. */
static const unsigned char *past_name(const unsigned char *answer, int len, const unsigned char *p,
				      char **ret)
{
	long n = 0;

	*ret = NULL;
	if (p >= answer + len || ares_expand_name(p, answer, len, ret, &n) != ARES_SUCCESS)
		return NULL;
	return p + n;
}

/* The data of the first CNAME among the answers, as a name to be freed. c-ares has no parser for it. */
static char *find_cname(const unsigned char *answer, int len)
{
	const unsigned char *p = answer + HEADER_LEN, *end = answer + len;
	char *name;

	if (len < HEADER_LEN)
		return NULL;
	for (unsigned n = number16(answer + 4); n > 0 && p != NULL; n--) {
		p = past_name(answer, len, p, &name);
		ares_free_string(name);
		p = p != NULL && end - p >= QUESTION_LEN ? p + QUESTION_LEN : NULL;
	}
	for (unsigned n = number16(answer + 6); n > 0 && p != NULL; n--) {
		p = past_name(answer, len, p, &name);
		ares_free_string(name);
		if (p == NULL || end - p < RECORD_LEN)
			return NULL;
		if (number16(p) == (unsigned)numbers[DNS_CNAME]) {
			(void)past_name(answer, len, p + RECORD_LEN, &name);
			return name;
		}
		p = end - p - RECORD_LEN >= (long)number16(p + 8) ? p + RECORD_LEN + number16(p + 8) : NULL;
	}
	return NULL;
}

static bool was_there(const struct asking *q, const char *name)
{
	for (size_t i = 0; i < q->ret->values.n; i++)
		if (strcasecmp(q->values[i], name) == 0)
			return true;
	return strcasecmp(q->question->name, name) == 0;
}

static void follow(struct asking *q, const unsigned char *answer, int len)
{
	char *target = find_cname(answer, len);

	if (target == NULL) {
		if (q->ret->values.n == 0)
			fail(q, false, NO_RECORD);
	} else if (was_there(q, target)) {
		fail(q, false, "the chain of CNAMEs comes back to where it was");
	} else {
		add(q, target, strlen(target));
		if (q->ret->values.n < DNS_HOPS_MAX)
			ask(q, q->values[q->ret->values.n - 1]);
	}
	ares_free_string(target);
}

static void read_addresses(struct asking *q, const unsigned char *answer, int len)
{
	struct ares_addrttl v4[DNS_VALUES_MAX];
	struct ares_addr6ttl v6[DNS_VALUES_MAX];
	const bool six = q->question->type == DNS_AAAA;
	char text[ADDRESS_SIZE];
	int n = DNS_VALUES_MAX;
	const int status = six ? ares_parse_aaaa_reply(answer, len, NULL, v6, &n)
			       : ares_parse_a_reply(answer, len, NULL, v4, &n);

	if (status != ARES_SUCCESS) {
		read_failure(q, status);
		return;
	}
	for (int i = 0; i < n; i++)
		if (ares_inet_ntop(six ? AF_INET6 : AF_INET,
				   six ? (const void *)&v6[i].ip6addr : (const void *)&v4[i].ipaddr, text,
				   sizeof(text)) != NULL)
			add(q, text, strlen(text));
	if (q->ret->values.n == 0)
		fail(q, false, NO_RECORD);
}

static void read_issuers(struct asking *q, const unsigned char *answer, int len)
{
	struct ares_caa_reply *caa = NULL;

	const int status = ares_parse_caa_reply(answer, len, &caa);

	if (status != ARES_SUCCESS) {
		read_failure(q, status);
		return;
	}
	for (const struct ares_caa_reply *c = caa; c != NULL; c = c->next) {
		const char *text = arena_printf(q->arena, "%s CAA %d %.*s \"%.*s\"", q->at, c->critical,
						(int)c->plength, (const char *)c->property, (int)c->length,
						(const char *)c->value);

		add(q, text, strlen(text));
	}
	ares_free_data(caa);
	if (q->ret->values.n == 0 && !climb(q))
		fail(q, false, NO_RECORD);
}

static void (*const readers[])(struct asking *q, const unsigned char *answer, int len) = {
	[DNS_TXT] = read_texts, [DNS_CNAME] = follow, [DNS_A] = read_addresses, [DNS_AAAA] = read_addresses,
	[DNS_CAA] = read_issuers,
};

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int len)
{
	struct asking *q = arg;

	(void)timeouts;
	(*q->pending)--;
	if (status != ARES_SUCCESS)
		read_failure(q, status);
	else
		readers[q->question->type](q, answer, len);
}

static void ask(struct asking *q, const char *name)
{
	q->at = name;
	(*q->pending)++;
	ares_query(q->channel, name, CLASS_IN, numbers[q->question->type], on_answer, q);
}

/* The wait --------------------------------------------------------------------------------------------- */

/*
 * Of one server c-ares would ask again after a SERVFAIL, and then say that nobody could be reached; of
 * those of the system it goes on to the next.
 */
static bool resolver_open(struct resolver *r, const char *address, int timeout_ms)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 (address != NULL ? ARES_FLAG_NOCHECKRESP : 0),
		.timeout = timeout_ms / SHARE,
		.tries = TRIES,
	};
	const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;

	if (ares_init_options(&r->channel, &options, mask) != ARES_SUCCESS)
		return false;
	r->open = address == NULL || ares_set_servers_ports_csv(r->channel, address) == ARES_SUCCESS;
	if (!r->open)
		ares_destroy(r->channel);
	return r->open;
}

/* How long c-ares can wait by itself, at most ms. */
static int wait_ms(const struct resolver *r, int ms)
{
	struct timeval most = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 }, own;
	const struct timeval *tv = ares_timeout(r->channel, &most, &own);

	return (int)(tv->tv_sec * 1000 + tv->tv_usec / 1000 + 1);
}

static nfds_t add_sockets(const struct resolver *r, struct pollfd *fds)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	const int bits = ares_getsock(r->channel, sockets, ARES_GETSOCK_MAXNUM);
	nfds_t n = 0;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		const short events = (short)((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
					     (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));

		if (events != 0)
			fds[n++] = (struct pollfd){ .fd = sockets[i], .events = events };
	}
	return n;
}

static void process(const struct resolver *r, const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++) {
		const bool broken = (fds[i].revents & (POLLERR | POLLHUP)) != 0;
		const bool in = broken || (fds[i].revents & POLLIN) != 0;
		const bool out = broken || (fds[i].revents & POLLOUT) != 0;

		ares_process_fd(r->channel, in ? fds[i].fd : ARES_SOCKET_BAD,
				out ? fds[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void wait_all(struct arena *a, const struct resolver *r, size_t n, int64_t until_ms,
		     const int *pending)
{
	struct pollfd *fds = ARENA_ARRAY(a, struct pollfd, n * ARES_GETSOCK_MAXNUM);
	nfds_t *counts = ARENA_ARRAY(a, nfds_t, n);

	while (*pending > 0) {
		int left = (int)(until_ms - clock_mono_ms());
		nfds_t total = 0, at = 0;

		if (left <= 0)
			return;
		for (size_t i = 0; i < n; i++) {
			counts[i] = r[i].open ? add_sockets(&r[i], fds + total) : 0;
			total += counts[i];
			left = r[i].open ? wait_ms(&r[i], left) : left;
		}
		(void)poll(fds, total, left);
		for (size_t i = 0; i < n; at += counts[i++])
			if (r[i].open)
				process(&r[i], fds + at, counts[i]);
	}
}

void dns_ask(struct arena *a, const char *const *resolvers, size_t n, const struct dns_question *questions,
	     size_t nquestions, int timeout_ms, struct dns_answer *ret)
{
	struct resolver *r = ARENA_ARRAY(a, struct resolver, n);
	struct asking *asking = ARENA_ARRAY(a, struct asking, n * nquestions);
	const int64_t until_ms = clock_mono_ms() + timeout_ms;
	int pending = 0;

	(void)pthread_once(&once, open_library);
	for (size_t i = 0; i < n * nquestions; i++) {
		struct resolver *to = &r[i / nquestions];
		struct asking *q = &asking[i];

		ret[i] = (struct dns_answer){ 0 };
		*q = (struct asking){ .arena = a, .question = &questions[i % nquestions], .ret = &ret[i],
				      .values = ARENA_ARRAY(a, const char *, DNS_VALUES_MAX),
				      .pending = &pending,
				      .system = resolvers[i / nquestions] == NULL };
		ret[i].values.v = q->values;
		if (i % nquestions == 0)
			*to = (struct resolver){ 0 };
		if (!to->open && !resolver_open(to, resolvers[i / nquestions], timeout_ms)) {
			fail_silent(q, "it cannot be asked from here");
			continue;
		}
		q->channel = to->channel;
		ask(q, q->question->name);
	}
	wait_all(a, r, n, until_ms, &pending);
	for (size_t i = 0; i < n; i++)
		if (r[i].open)
			ares_destroy(r[i].channel);
}
