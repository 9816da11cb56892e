/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_CHECK_H
#define CC_MODEL_CHECK_H

/*
 * Checks for the field tables (struct field.check): NULL when the text is fine, else the rest of a
 * sentence. Pure; any thread.
 */
const char *check_host(const char *text);               /* a host name, or an IPv4 or IPv6 address */
const char *check_host_maybe_port(const char *text);    /* the same, ":port" allowed; IPv6 in brackets then */
const char *check_host_port(const char *text);          /* ":port" required */
const char *check_http_url(const char *text);           /* http:// or https://, a host, no blanks */
/*
 * An origin as browsers write it: https://host, https://host:port in lower case without the port that goes
 * without saying; http:// of this machine alone (localhost, 127.0.0.1, [::1]).
 */
#define ORIGIN_MAX 266
const char *check_origin(const char *text);
const char *check_time_or_date(const char *text);       /* RFC 3339 date-time or date */
const char *check_not_blank(const char *text);          /* not only blanks */

#endif
