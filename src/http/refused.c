/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd refuses before anybody is asked, said in our words. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "call.h"

#include <dlfcn.h>
#include <stdio.h>
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
