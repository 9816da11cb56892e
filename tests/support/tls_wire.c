/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_wire.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

struct tls_wire {
	SSL_CTX *ctx;
	SSL *ssl;
	int alert;
	SSL_SESSION *session;           /* the last that the server offered */
};

int tls_dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const struct timeval limit = { .tv_sec = 20 };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	assert_int_equal(0, connect(fd, (const struct sockaddr *)&to, sizeof to));
	return fd;
}

static void on_info(const SSL *ssl, int where, int value)
{
	struct tls_wire *t = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL)
		t->alert = value & 0xff;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_wire *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1;
}

static void trust(SSL_CTX *ctx, const char *root)
{
	BIO *b = BIO_new_mem_buf(root, -1);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	assert_non_null(x);
	assert_int_equal(1, X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x));
	X509_free(x);
	BIO_free(b);
}

static struct tls_wire *prepare(int fd, const struct tls_ask *ask)
{
	struct tls_wire *t = calloc(1, sizeof *t);

	assert_non_null(t);
	t->alert = -1;
	t->ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(t->ctx);
	/* What is refused must be the server's doing. */
	SSL_CTX_set_security_level(t->ctx, 0);
	if (ask->version != 0) {
		SSL_CTX_set_min_proto_version(t->ctx, ask->version);
		SSL_CTX_set_max_proto_version(t->ctx, ask->version);
	}
	if (ask->suites != NULL)
		assert_int_equal(1, SSL_CTX_set_cipher_list(t->ctx, ask->suites));
	if (ask->root != NULL)
		trust(t->ctx, ask->root);
	signal(SIGPIPE, SIG_IGN);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(t->ctx, on_session);
	t->ssl = SSL_new(t->ctx);
	SSL_set_app_data(t->ssl, t);
	SSL_set_info_callback(t->ssl, on_info);
	SSL_set_fd(t->ssl, fd);
	if (ask->name != NULL) {
		/* As SSL_set_tlsext_host_name(), whose cast clang takes for an accident. */
		SSL_ctrl(t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			 (void *)(uintptr_t)ask->name);
		SSL_set1_host(t->ssl, ask->name);
	}
	if (ask->resume != NULL)
		SSL_set_session(t->ssl, (SSL_SESSION *)(uintptr_t)ask->resume);
	return t;
}

static void tell(struct tls_wire *t, struct tls_told *ret)
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);

	ret->alert = t->alert;
	ret->verified = SSL_get_verify_result(t->ssl);
	ret->resumed = SSL_session_reused(t->ssl) != 0;
	snprintf(ret->protocol, sizeof ret->protocol, "%s", SSL_get_version(t->ssl));
	snprintf(ret->suite, sizeof ret->suite, "%s", SSL_get_cipher_name(t->ssl));
	if (x != NULL)
		ASN1_INTEGER_get_int64(&ret->serial, X509_get0_serialNumber(x));
}

struct tls_wire *tls_wire_open(int fd, const struct tls_ask *ask, struct tls_told *ret)
{
	struct tls_wire *t = prepare(fd, ask);

	memset(ret, 0, sizeof *ret);
	ret->good = SSL_connect(t->ssl) == 1;
	tell(t, ret);
	if (ret->good)
		return t;
	tls_wire_close(t);
	return NULL;
}

void tls_wire_close(struct tls_wire *t)
{
	if (t == NULL)
		return;
	(void)SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	SSL_SESSION_free(t->session);
	SSL_CTX_free(t->ctx);
	ERR_clear_error();
	free(t);
}

bool tls_wire_send(struct tls_wire *t, const void *p, size_t n)
{
	return n == 0 || SSL_write(t->ssl, p, (int)n) == (int)n;
}

ssize_t tls_wire_recv(struct tls_wire *t, void *p, size_t n, int ms)
{
	struct pollfd at = { .fd = SSL_get_fd(t->ssl), .events = POLLIN };
	int got;

	if (SSL_pending(t->ssl) == 0 && poll(&at, 1, ms) <= 0)
		return -1;
	got = SSL_read(t->ssl, p, (int)n);
	return got > 0 ? got : 0;
}

void *tls_wire_session(struct tls_wire *t)
{
	return t->session != NULL ? SSL_SESSION_dup(t->session) : SSL_get1_session(t->ssl);
}

void tls_session_free(void *session)
{
	SSL_SESSION_free(session);
}

bool tls_wire_renegotiate(struct tls_wire *t)
{
	char byte;

	if (SSL_renegotiate(t->ssl) != 1 || SSL_do_handshake(t->ssl) != 1)
		return false;
	(void)SSL_read(t->ssl, &byte, 1);
	return SSL_renegotiate_pending(t->ssl) == 0 && t->alert == -1;
}
