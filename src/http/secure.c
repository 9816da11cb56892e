/* SPDX-License-Identifier: Apache-2.0 */
/* What must come over TLS, and for which host a TLS connection is good. */
#include "call.h"
#include "tls_link.h"

#include <string.h>

enum { HTTPS_PORT = 443 };

/* Also one in the query, which nobody takes: a redirection would say it once more. */
static bool has_credential(const struct call *c)
{
	return c->in.authorization != NULL || c->in.api_key != NULL || http_query_secret(&c->in) != NULL;
}

static bool wants_html(const struct call *c)
{
	return c->in.accept != NULL && strstr(c->in.accept, "text/html") != NULL;
}

/* What probes and machines ask without a credential, and a certificate authority before there is any TLS. */
static bool is_open(const struct call *c)
{
	const struct route *r = c->rq.route;

	return r != NULL && r->auth == AUTH_PUBLIC &&
	       (r->media[0] == NULL || !str_starts(r->media[0], "text/html"));
}

/* To a host that has a certificate here, and no other: the Host header is anybody's text. */
static const char *elsewhere(struct call *c)
{
	const struct http_tls *t = &c->server->conf.tls;
	const int port = t->public_port != 0 ? t->public_port : c->server->tls.port;
	struct tls_cert *cert = t->store != NULL ? tls_store_find(t->store, c->in.host) : NULL;

	if (cert == NULL)
		return NULL;
	tls_cert_put(cert);
	return arena_printf(c->arena, "https://%s%s%s%s%s", c->in.host,
			    port != HTTPS_PORT ? arena_printf(c->arena, ":%d", port) : "", c->in.raw_target,
			    c->query != NULL ? "?" : "", c->query != NULL ? c->query : "");
}

static enum err check_plain(struct call *c)
{
	const bool asks = c->in.method == M_GET || c->in.method == M_HEAD;

	if (asks && !has_credential(c) && !is_open(c) && wants_html(c))
		c->moved = elsewhere(c);
	if (c->moved != NULL ||
	    (!has_credential(c) && (is_open(c) || c->server->conf.tls.address == NULL)))
		return ERR_NONE;
	if (has_credential(c))
		return refuse(&c->cx, ERR_HTTPS_REQUIRED,
			      "credentials are taken over https only; this one was sent in the clear: "
			      "replace it");
	if (c->rq.route == NULL)
		return ERR_NONE;
	return refuse(&c->cx, ERR_HTTPS_REQUIRED, "ask again over https");
}

static enum err check_name(struct call *c)
{
	if (str_eq(tls_link_name(c->peer->tls), c->in.host))
		return ERR_NONE;
	return refuse(&c->cx, ERR_MISDIRECTED,
		      "this TLS connection was opened for %s: open another one for the host that is meant",
		      tls_link_name(c->peer->tls));
}

/*
 * A page of anybody's, open in a browser here, can lead its own name to this address and read the answers as
 * its own (DNS rebinding). Names without a dot are nobody's in the world's DNS.
 */
static enum err check_admin_host(struct call *c)
{
	const char *host = c->in.host;
	const size_t digits = strspn(host, "0123456789.");

	if (host[0] == '[' || host[digits] == '\0' || strchr(host, '.') == NULL)
		return ERR_NONE;
	return refuse(&c->cx, ERR_MISDIRECTED,
		      "ask by an address, by localhost, or by a name without a dot; this one is %s", host);
}

enum err secure_check(struct call *c)
{
	const struct http_server *s = c->server;

	if (c->listener->net)
		return check_admin_host(c);
	if (c->peer->tls != NULL)
		return check_name(c);
	/* A browser may have come in the clear to a proxy that asks on loopback. */
	if (c->hop == HOP_TLS || (s->plain.loopback && c->hop == HOP_UNSAID))
		return ERR_NONE;
	return check_plain(c);
}
