/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_peer.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS_MAX = 64, NAME_LEN = 256, VALUE_LEN = 512, MESSAGE_MAX = 8192, HEADER = 12 };
enum { FIXED = 3, CLIENTS_MAX = 16 };
enum { TXT = 16, CNAME = 5, A = 1, AAAA = 28, CAA = 257 };

struct record {
	char name[NAME_LEN], value[VALUE_LEN];
	int type;
	int left;               /* so many answers have it yet */
};

struct dns_peer {
	int udp, tcp, stop[2];
	char address[32];
	pthread_t thread;
	int fd[CLIENTS_MAX], nfds;      /* the thread's: clients by TCP */
	pthread_mutex_t lock;
	enum dns_mood mood;
	struct record record[RECORDS_MAX];
	int nrecords, by_tcp;
};

struct message {
	unsigned char data[MESSAGE_MAX];
	size_t n;
};

static void put(struct message *m, const void *p, size_t n)
{
	assert_true(m->n + n <= sizeof(m->data));
	memcpy(m->data + m->n, p, n);
	m->n += n;
}

static void put16(struct message *m, unsigned v)
{
	const unsigned char b[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	put(m, b, 2);
}

static void put_name(struct message *m, const char *name)
{
	while (*name != '\0') {
		const size_t n = strcspn(name, ".");
		const unsigned char len = (unsigned char)n;

		put(m, &len, 1);
		put(m, name, n);
		name += n + (name[n] == '.');
	}
	put(m, "", 1);
}

static void put_strings(struct message *m, const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		const unsigned char n = (unsigned char)(left < 10 ? left : 10);

		put(m, &n, 1);
		for (unsigned char i = 0; i < n; i++)
			put(m, text[i] == '\2' ? "" : &text[i], 1);
		text += n;
		left -= n;
	}
}

static void put_data(struct message *m, int type, const char *value)
{
	unsigned char address[16];

	switch (type) {
	case TXT:
		put_strings(m, value);
		break;
	case A:
	case AAAA:
		assert_int_equal(1, inet_pton(type == A ? AF_INET : AF_INET6, value, address));
		put(m, address, type == A ? 4 : 16);
		break;
	case CAA:
		put(m, "\0\5issue", 7);
		put(m, value, strlen(value));
		break;
	default:
		put_name(m, value);
	}
}

/* Name and type of the question; false: it is none. */
static bool read_question(const unsigned char *q, size_t len, char name[NAME_LEN], int *ret_type,
			  size_t *ret_end)
{
	size_t at = HEADER, n = 0;

	while (at < len && q[at] != 0) {
		if (at + 1 + q[at] >= len || n + q[at] + 2 > NAME_LEN)
			return false;
		if (n > 0)
			name[n++] = '.';
		memcpy(name + n, q + at + 1, q[at]);
		n += q[at];
		at += 1 + (size_t)q[at];
	}
	name[n] = '\0';
	if (at + 5 > len)
		return false;
	*ret_type = q[at + 1] << 8 | q[at + 2];
	*ret_end = at + 5;
	return true;
}

/* "label.*": every name that begins with this label. */
static bool begins(const char *pattern, const char *name)
{
	const size_t n = strlen(pattern);

	return n > 2 && strcmp(pattern + n - 2, ".*") == 0 && strncasecmp(pattern, name, n - 1) == 0;
}

static bool matches(const struct dns_peer *p, const struct record *r, const char *name)
{
	if (strcasecmp(r->name, name) == 0 || begins(r->name, name))
		return true;
	if (strcmp(r->name, "*") != 0)
		return false;
	for (int i = 0; i < p->nrecords; i++)
		if (strcasecmp(p->record[i].name, name) == 0)
			return false;
	return true;
}

static unsigned put_records(struct dns_peer *p, struct message *m, const char *name, int type,
			    bool *ret_known)
{
	unsigned count = 0;

	for (int i = 0; i < p->nrecords; i++) {
		struct record *r = &p->record[i];
		size_t at;

		if (!matches(p, r, name))
			continue;
		*ret_known = true;
		if (r->type != type || r->left <= 0)
			continue;
		r->left--;
		put(m, p->mood == DNS_RUBBISH ? "\xC0\xFF" : "\xC0\x0C", 2);
		put16(m, (unsigned)type);
		put(m, "\0\1\0\0\0\5\0\0", 8);
		at = m->n;
		put_data(m, type, r->value);
		m->data[at - 2] = (unsigned char)((m->n - at) >> 8);
		m->data[at - 1] = (unsigned char)(m->n - at);
		count++;
	}
	return count;
}

static bool answer(struct dns_peer *p, const unsigned char *q, size_t len, bool tcp, struct message *m)
{
	char name[NAME_LEN];
	bool known = false;
	size_t end;
	int type;

	m->n = 0;
	if (p->mood == DNS_SILENT || !read_question(q, len, name, &type, &end))
		return false;
	put(m, q, end);
	memset(m->data + 6, 0, 6);
	m->data[2] = 0x81;
	m->data[3] = 0x80;
	if (p->mood == DNS_STRANGER) {
		m->data[0] ^= 0x55;
		m->data[HEADER + 1] ^= 1;
	}
	if (p->mood == DNS_CUT && !tcp) {
		m->data[2] |= 2;
	} else if (p->mood == DNS_SERVFAIL || p->mood == DNS_REFUSE) {
		m->data[3] |= p->mood == DNS_SERVFAIL ? 2 : 5;
	} else {
		m->data[7] = (unsigned char)put_records(p, m, name, type, &known);
		if (!known)
			m->data[3] |= 3;
	}
	if (p->mood == DNS_RUBBISH && m->n > end + 14)
		m->n -= 3;
	return true;
}

static void serve_udp(struct dns_peer *p)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	unsigned char q[512];
	const ssize_t n = recvfrom(p->udp, q, sizeof(q), 0, (struct sockaddr *)&from, &size);
	struct message m;

	if (n > 0 && answer(p, q, (size_t)n, false, &m))
		(void)sendto(p->udp, m.data, m.n, 0, (struct sockaddr *)&from, size);
}

/* One question of a connection. False: it is over. */
static bool serve_tcp(struct dns_peer *p, int fd)
{
	unsigned char q[514], prefix[2];
	struct message m;
	size_t len;

	if (recv(fd, q, 2, MSG_WAITALL) != 2)
		return false;
	len = (size_t)(q[0] << 8 | q[1]);
	if (len > 512 || recv(fd, q, len, MSG_WAITALL) != (ssize_t)len)
		return false;
	p->by_tcp++;
	if (!answer(p, q, len, true, &m))
		return false;
	prefix[0] = (unsigned char)(m.n >> 8);
	prefix[1] = (unsigned char)m.n;
	return send(fd, prefix, 2, MSG_NOSIGNAL) == 2 && send(fd, m.data, m.n, MSG_NOSIGNAL) >= 0;
}

static void take_tcp(struct dns_peer *p)
{
	const struct timeval most = { .tv_sec = 2 };
	const int fd = accept(p->tcp, NULL, NULL);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	p->fd[p->nfds++] = fd;
}

/* Connections stay open as long as their clients like, and keep nobody else waiting. */
static void serve(struct dns_peer *p, const struct pollfd *fds, int nfds)
{
	if (fds[1].revents != 0)
		serve_udp(p);
	for (int i = nfds - 1; i >= 0; i--) {
		if (fds[FIXED + i].revents == 0 || serve_tcp(p, p->fd[i]))
			continue;
		close(p->fd[i]);
		p->fd[i] = p->fd[--p->nfds];
	}
	if (fds[2].revents != 0)
		take_tcp(p);
}

static void *run(void *arg)
{
	struct dns_peer *p = arg;

	for (;;) {
		const int nfds = p->nfds;
		struct pollfd fds[FIXED + CLIENTS_MAX] = {
			{ p->stop[0], POLLIN, 0 }, { p->udp, POLLIN, 0 },
			{ nfds < CLIENTS_MAX ? p->tcp : -1, POLLIN, 0 }
		};

		for (int i = 0; i < nfds; i++)
			fds[FIXED + i] = (struct pollfd){ p->fd[i], POLLIN, 0 };
		(void)poll(fds, (nfds_t)(FIXED + nfds), -1);
		if (fds[0].revents != 0)
			return NULL;
		pthread_mutex_lock(&p->lock);
		serve(p, fds, nfds);
		pthread_mutex_unlock(&p->lock);
	}
}

/* The same port for both; false: somebody else has it for TCP. */
static bool open_ports(struct dns_peer *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);

	p->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	p->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(0, bind(p->udp, (struct sockaddr *)&at, size));
	assert_int_equal(0, getsockname(p->udp, (struct sockaddr *)&at, &size));
	snprintf(p->address, sizeof(p->address), "127.0.0.1:%d", ntohs(at.sin_port));
	if (bind(p->tcp, (struct sockaddr *)&at, size) == 0 && listen(p->tcp, 16) == 0)
		return true;
	close(p->udp);
	close(p->tcp);
	return false;
}

struct dns_peer *dns_peer_start(void)
{
	struct dns_peer *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	while (!open_ports(p))
		;
	assert_int_equal(0, pipe(p->stop));
	pthread_mutex_init(&p->lock, NULL);
	assert_int_equal(0, pthread_create(&p->thread, NULL, run, p));
	return p;
}

void dns_peer_stop(struct dns_peer *p)
{
	if (p == NULL)
		return;
	/* The end of a pipe would not do: programs that were started meanwhile may hold it open. */
	assert_int_equal(1, write(p->stop[1], "", 1));
	pthread_join(p->thread, NULL);
	while (p->nfds > 0)
		close(p->fd[--p->nfds]);
	close(p->stop[0]);
	close(p->stop[1]);
	close(p->udp);
	close(p->tcp);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

const char *dns_peer_address(const struct dns_peer *p)
{
	return p->address;
}

void dns_peer_mood(struct dns_peer *p, enum dns_mood mood)
{
	pthread_mutex_lock(&p->lock);
	p->mood = mood;
	pthread_mutex_unlock(&p->lock);
}

static void add_times(struct dns_peer *p, const char *name, int type, const char *value, int times)
{
	pthread_mutex_lock(&p->lock);
	assert_true(p->nrecords < RECORDS_MAX);
	snprintf(p->record[p->nrecords].name, NAME_LEN, "%s", name);
	snprintf(p->record[p->nrecords].value, VALUE_LEN, "%s", value);
	p->record[p->nrecords].left = times;
	p->record[p->nrecords++].type = type;
	pthread_mutex_unlock(&p->lock);
}

static void add(struct dns_peer *p, const char *name, int type, const char *value)
{
	add_times(p, name, type, value, INT_MAX);
}

void dns_peer_txt_times(struct dns_peer *p, const char *name, const char *value, int times)
{
	add_times(p, name, TXT, value, times);
}

void dns_peer_txt(struct dns_peer *p, const char *name, const char *value)
{
	add(p, name, TXT, value);
}

void dns_peer_cname(struct dns_peer *p, const char *name, const char *target)
{
	add(p, name, CNAME, target);
}

void dns_peer_a(struct dns_peer *p, const char *name, const char *address)
{
	add(p, name, strchr(address, ':') != NULL ? AAAA : A, address);
}

void dns_peer_caa(struct dns_peer *p, const char *name, const char *issuer)
{
	add(p, name, CAA, issuer);
}

void dns_peer_clear(struct dns_peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->nrecords = 0;
	p->mood = DNS_PROPER;
	pthread_mutex_unlock(&p->lock);
}

int dns_peer_by_tcp(struct dns_peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->by_tcp;
	pthread_mutex_unlock(&p->lock);
	return n;
}
