/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"

#include "tls_cert.h"

enum { NAME_MAX_LEN = 253, RECORD_HANDSHAKE = 22, SAY_EVERY_MS = 60000 };

struct tls_link {
	gnutls_session_t session;
	struct peers *peers;
	struct peer *peer;
	struct tls_store *store;
	struct tls_meter *meter;
	struct tls_cert *cert;          /* a reference; NULL: no name was accepted yet */
	bool begun;                     /* the first byte was looked at */
	bool over;                      /* it was no TLS: nothing is read any more */
	bool shaken;                    /* the handshake has ended, well or not, and is counted */
	char name[NAME_MAX_LEN + 1];    /* that was asked for; empty: none that could be one */
};

/* Which sessions of this process are a listener's: other libraries may have some. */
static char ours;

/*
 * No suite without forward secrecy or without AEAD, no way to resume a session: a ticket would have to be
 * bound to the name it was given for, and every handshake looks up its own anyway. GnuTLS has no compression
 * and renegotiates only when it is told to, which libmicrohttpd does not.
 */
const char tls_priorities[] =
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
	"+AEAD:+CTYPE-X509:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:"
	"+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:"
	"+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:+COMP-NULL:"
	"%SERVER_PRECEDENCE:%NO_TICKETS:%SAFE_RENEGOTIATION";

static struct tls_link *link_of(gnutls_session_t session)
{
	struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return ((const struct peer *)info->socket_context)->tls;
}

/* As names are kept. False: it is none that a certificate could be for. */
static bool read_name(gnutls_session_t session, char ret[NAME_MAX_LEN + 1])
{
	size_t n = NAME_MAX_LEN + 1;
	unsigned kind = 0;

	if (gnutls_server_name_get(session, ret, &n, &kind, 0) < 0 || kind != GNUTLS_NAME_DNS)
		return false;
	n = strlen(ret);
	if (n > 0 && ret[n - 1] == '.')
		ret[--n] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (ret[i] >= 'A' && ret[i] <= 'Z')
			ret[i] = (char)(ret[i] - 'A' + 'a');
		if (ret[i] != '.' && ret[i] != '-' && !(ret[i] >= 'a' && ret[i] <= 'z') &&
		    !(ret[i] >= '0' && ret[i] <= '9'))
			return false;
	}
	return n > 0;
}

/* Comes twice when the client is asked for another hello, which must then be for the same name. */
static int on_hello(gnutls_session_t session)
{
	struct tls_link *l = link_of(session);
	char name[NAME_MAX_LEN + 1];

	if (!read_name(session, name))
		return GNUTLS_E_UNRECOGNIZED_NAME;
	if (l->cert != NULL)
		return strcmp(name, l->name) == 0 ? 0 : GNUTLS_E_UNRECOGNIZED_NAME;
	memcpy(l->name, name, sizeof(name));
	l->cert = tls_store_find(l->store, name);
	return l->cert != NULL ? 0 : GNUTLS_E_UNRECOGNIZED_NAME;
}

/* Whoever scans the network must not fill the log. */
static void say_refused(struct tls_link *l, const char *why)
{
	struct tls_meter *m = l->meter;
	const int64_t now = clock_mono_ms();
	int64_t at = atomic_load(&m->say_at_ms);

	atomic_fetch_add(&m->unsaid, 1);
	if (now < at || !atomic_compare_exchange_strong(&m->say_at_ms, &at, now + SAY_EVERY_MS))
		return;
	LOG(LOG_INFO, "a TLS handshake is refused", LOG_TEXT("remote_ip", l->peer->ip),
	    LOG_TEXT("name", l->name), LOG_TEXT("cause", why),
	    LOG_INT("refused", atomic_exchange(&m->unsaid, 0)));
}

static bool is_clients(int e)
{
	return e == GNUTLS_E_PREMATURE_TERMINATION || e == GNUTLS_E_PULL_ERROR || e == GNUTLS_E_PUSH_ERROR ||
	       e == GNUTLS_E_FATAL_ALERT_RECEIVED;
}

/* libmicrohttpd closes without a word; the client shall know why. */
void tls_link_shaken(gnutls_session_t session, int e)
{
	struct tls_link *l;

	if (gnutls_db_get_ptr(session) != &ours || (e < 0 && gnutls_error_is_fatal(e) == 0))
		return;
	l = link_of(session);
	if (l->shaken)
		return;
	l->shaken = true;
	if (e >= 0) {
		atomic_fetch_add(&l->meter->done, 1);
	} else if (l->over) {
		atomic_fetch_add(&l->meter->refused, 1);
		say_refused(l, "it is no TLS");
	} else if (is_clients(e)) {
		atomic_fetch_add(&l->meter->broken_off, 1);
	} else {
		(void)gnutls_alert_send_appropriate(session, e);
		atomic_fetch_add(&l->meter->refused, 1);
		say_refused(l, gnutls_strerror(e));
	}
}

/* The client has proven its end of the handshake: its first request may come. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
		       const gnutls_datum_t *msg)
{
	struct tls_link *l = link_of(session);

	(void)type;
	(void)when;
	(void)msg;
	if (incoming != 0)
		peer_idle(l->peers, l->peer);
	return 0;
}

int tls_link_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			 gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_ocsp_data_st **ret_ocsp,
			 unsigned *ret_nocsp, gnutls_privkey_t *ret_key, unsigned *ret_flags)
{
	const struct tls_link *l = link_of(session);
	struct tls_shown shown;

	(void)info;
	if (l->cert == NULL)
		return -1;
	shown = tls_cert_shown(l->cert);
	*ret_chain = shown.chain;
	*ret_n = shown.n;
	*ret_key = shown.key;
	*ret_ocsp = NULL;
	*ret_nocsp = 0;
	*ret_flags = 0;         /* all of it stays the link's */
	return 0;
}

/* Somebody speaks HTTP to this port: what is there is read, so that the answer is not lost in a reset. */
static void answer_plain(struct tls_link *l)
{
	char away[4096];

	peer_last_words(l->peer, NULL, ERR_HTTPS_REQUIRED);
	for (int i = 0; i < 16 && recv(l->peer->fd, away, sizeof(away), MSG_DONTWAIT) > 0; i++)
		continue;
}

static ssize_t pull(gnutls_transport_ptr_t at, void *data, size_t n)
{
	struct tls_link *l = at;
	unsigned char first = 0;

	if (!l->begun) {
		const ssize_t got = recv(l->peer->fd, &first, 1, MSG_PEEK);

		if (got <= 0)
			return got;
		l->begun = true;
		l->over = first != RECORD_HANDSHAKE;
		if (l->over && first >= 'A' && first <= 'Z')
			answer_plain(l);
	}
	return l->over ? 0 : recv(l->peer->fd, data, n, 0);
}

void tls_link_open(struct MHD_Connection *mhd, struct peers *t, struct peer *peer, struct tls_store *store,
		   struct tls_meter *meter)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct tls_link *l = mem_alloc(1, sizeof(*l));

	*l = (struct tls_link){ .session = info->tls_session, .peers = t, .peer = peer, .store = store,
				.meter = meter };
	peer->tls = l;
	gnutls_db_set_ptr(l->session, &ours);
	gnutls_handshake_set_post_client_hello_function(l->session, on_hello);
	gnutls_handshake_set_hook_function(l->session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
					   on_finished);
	gnutls_transport_set_ptr2(l->session, l, (gnutls_transport_ptr_t)(intptr_t)peer->fd);
	gnutls_transport_set_pull_function(l->session, pull);
}

void tls_link_close(struct tls_link *l)
{
	if (l == NULL)
		return;
	if (!l->shaken)
		atomic_fetch_add(&l->meter->broken_off, 1);
	tls_cert_put(l->cert);
	free(l);
}

const char *tls_link_name(const struct tls_link *l)
{
	return l->name;
}

void tls_link_say(struct tls_link *l, const char *text, size_t n)
{
	if (l->over)
		(void)send(l->peer->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		(void)gnutls_record_send(l->session, text, n);
}
