/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of one handshake in memory: what the listener would say, and a client that knows no name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/mem.h"

#include "tls_cert.h"
#include "tls_link.h"

/* Of a handshake; a chain of ten large certificates has less. */
enum { PIPE_MAX = 256 * 1024, TURNS_MAX = 64 };

struct pipe {
	size_t n, at;
	unsigned char data[PIPE_MAX];
};

struct end {
	gnutls_session_t session;
	gnutls_certificate_credentials_t own;
	struct pipe *in, *out;
	int result;             /* of its last turn */
};

static ssize_t push(gnutls_transport_ptr_t at, const void *data, size_t n)
{
	struct end *e = at;

	if (n > PIPE_MAX - e->out->n) {
		gnutls_transport_set_errno(e->session, EIO);
		return -1;
	}
	memcpy(e->out->data + e->out->n, data, n);
	e->out->n += n;
	return (ssize_t)n;
}

static ssize_t pull(gnutls_transport_ptr_t at, void *data, size_t n)
{
	struct end *e = at;
	const size_t left = e->in->n - e->in->at;

	if (left == 0) {
		gnutls_transport_set_errno(e->session, EAGAIN);
		return -1;
	}
	n = n < left ? n : left;
	memcpy(data, e->in->data + e->in->at, n);
	e->in->at += n;
	return (ssize_t)n;
}

static int show(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
		gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_ocsp_data_st **ret_ocsp,
		unsigned *ret_nocsp, gnutls_privkey_t *ret_key, unsigned *ret_flags)
{
	const struct tls_cert *cert = gnutls_session_get_ptr(session);
	const struct tls_shown shown = tls_cert_shown(cert);

	(void)info;
	*ret_chain = shown.chain;
	*ret_n = shown.n;
	*ret_key = shown.key;
	*ret_ocsp = NULL;
	*ret_nocsp = 0;
	*ret_flags = 0;
	return 0;
}

static void open_end(struct end *e, unsigned role, const char *priorities, struct pipe *in, struct pipe *out)
{
	*e = (struct end){ .in = in, .out = out, .result = GNUTLS_E_AGAIN };
	if (gnutls_init(&e->session, role | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0 ||
	    gnutls_certificate_allocate_credentials(&e->own) < 0 ||
	    gnutls_priority_set_direct(e->session, priorities, NULL) < 0 ||
	    gnutls_credentials_set(e->session, GNUTLS_CRD_CERTIFICATE, e->own) < 0)
		abort();
	gnutls_transport_set_ptr(e->session, e);
	gnutls_transport_set_push_function(e->session, push);
	gnutls_transport_set_pull_function(e->session, pull);
	gnutls_handshake_set_timeout(e->session, 0);
}

static void close_end(struct end *e)
{
	gnutls_deinit(e->session);
	gnutls_certificate_free_credentials(e->own);
}

static bool goes_on(const struct end *e)
{
	return e->result < 0 && gnutls_error_is_fatal(e->result) == 0;
}

static void shake(struct end *client, struct end *server)
{
	for (int i = 0; i < TURNS_MAX && (goes_on(client) || goes_on(server)); i++) {
		struct end *e = i % 2 == 0 ? client : server;

		if (goes_on(e))
			e->result = gnutls_handshake(e->session);
		if (e->result < 0 && !goes_on(e))
			return;
	}
}

/* A signature that is not made, or not good, is the key's. */
static bool is_of_key(int e)
{
	return e == GNUTLS_E_PK_SIGN_FAILED || e == GNUTLS_E_PK_SIG_VERIFY_FAILED ||
	       e == GNUTLS_E_PRIVKEY_VERIFICATION_ERROR;
}

static const char *try_version(struct arena *a, struct tls_cert *cert, const char *version, bool *ret_at_key)
{
	const char *all = arena_printf(a, "NORMAL:-VERS-ALL:+%s:%%DISABLE_TLS13_COMPAT_MODE", version);
	struct pipe *to_server = mem_alloc(1, sizeof(*to_server));
	struct pipe *to_client = mem_alloc(1, sizeof(*to_client));
	struct end client, server;
	const char *why = NULL;
	int e;

	open_end(&client, GNUTLS_CLIENT, all, to_client, to_server);
	open_end(&server, GNUTLS_SERVER, tls_priorities, to_server, to_client);
	gnutls_session_set_ptr(server.session, cert);
	gnutls_certificate_set_retrieve_function3(server.own, show);
	shake(&client, &server);
	/* Who fails first says why; the other one is told no more than that. */
	e = server.result < 0 && !goes_on(&server) ? server.result : client.result;
	if (client.result < 0 || server.result < 0) {
		*ret_at_key = is_of_key(e);
		why = arena_printf(a, "no handshake of %s succeeds with it (%s)", version + strlen("VERS-"),
				   gnutls_strerror(e));
	}
	close_end(&client);
	close_end(&server);
	free(to_server);
	free(to_client);
	return why;
}

const char *tls_cert_fault(struct arena *a, struct bytes chain, struct bytes key, bool *ret_at_key)
{
	static const char *const versions[] = { "VERS-TLS1.3", "VERS-TLS1.2" };
	const char *why = NULL;
	struct tls_cert *cert;

	*ret_at_key = false;
	cert = tls_cert_read(a, chain, key, &why, ret_at_key);
	for (size_t i = 0; why == NULL && i < sizeof(versions) / sizeof(versions[0]); i++)
		why = try_version(a, cert, versions[i], ret_at_key);
	tls_cert_put(cert);
	return why;
}
