/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_PAGE_H
#define CC_SRC_HTTP_PAGE_H

#include "cc/http/server.h"

/* All rows are there: what is beyond the page goes, and the cursor of the next one is made. */
void page_end(struct ctx *cx, struct req *rq);
/* The Link header that leads to it, of the request's own path and query; NULL: there is none. */
const char *page_link(struct arena *a, const struct req *rq);

#endif
