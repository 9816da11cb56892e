/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd and GnuTLS refuse before anybody is asked, said in our words. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "call.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err err_of(unsigned status)
{
	switch (status) {
	case MHD_HTTP_CONTENT_TOO_LARGE:
		return ERR_TOO_LARGE;
	case MHD_HTTP_URI_TOO_LONG:
		return ERR_URI_TOO_LONG;
	case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
		return ERR_HEADERS_TOO_LARGE;
	case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
		return ERR_HTTP_VERSION;
	default:
		return status < 500 ? ERR_INVALID_REQUEST : ERR_INTERNAL;
	}
}

/*
 * libmicrohttpd has no hook for its refusals: it queues a page of HTML as anybody would queue an answer,
 * and for a Content-Length that is no number 0.9.7x sends the header section of that page twice. But it
 * finds this function by its name, as a program does, and the program's comes first. So the answer is said
 * straight to the socket, and the library, which is told that its page was not taken, closes the
 * connection. We ourselves call the library's own function (refused_next()) and never this one.
 */
__attribute__((visibility("default")))
enum MHD_Result MHD_queue_response(struct MHD_Connection *mhd, unsigned status, struct MHD_Response *page)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	(void)page;
	if (info != NULL && info->socket_context != NULL)
		peer_refuse(info->socket_context, err_of(status));
	return MHD_NO;
}

queue_response_fn *refused_next(void)
{
	void *found = dlsym(RTLD_NEXT, "MHD_queue_response");
	queue_response_fn *ret = NULL;

	memcpy(&ret, &found, sizeof(ret));
	return ret;
}

typedef int handshake_fn(gnutls_session_t);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static handshake_fn *handshake_next;

static void find_handshake(void)
{
	void *found = dlsym(RTLD_NEXT, "gnutls_handshake");

	memcpy(&handshake_next, &found, sizeof(handshake_next));
	if (handshake_next == NULL)
		abort();
}

/*
 * What GnuTLS refuses it says to its caller alone (gnutls_alert_send_appropriate() is the caller's), and
 * libmicrohttpd closes the connection. It finds this function in the same way.
 */
__attribute__((visibility("default")))
int gnutls_handshake(gnutls_session_t session)
{
	int e;

	(void)pthread_once(&once, find_handshake);
	e = handshake_next(session);
	tls_link_shaken(session, e);
	return e;
}
