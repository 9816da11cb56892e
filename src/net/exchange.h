/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_NET_EXCHANGE_H
#define CC_SRC_NET_EXCHANGE_H

#include "cc/net/http_client.h"

/* NULL when it may be sent, else a sentence for the log. */
const char *ask_fault(const struct http_ask *ask);

#endif
