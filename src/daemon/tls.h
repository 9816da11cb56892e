/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_TLS_H
#define CC_DAEMON_TLS_H

#include "cc/http/tls.h"

#include "config.h"

/*
 * Who keeps the certificates of the TLS listener as they are now: those of the platform from files, which are
 * read again when they change. What cannot be read leaves what is shown as it was, and is logged once.
 */
struct tls_keeper;

/* Reads all of it. NULL: *ret_error (arena a). conf must outlive it. */
struct tls_keeper *tls_keeper_open(struct arena *a, const struct tls_conf *conf, const char **ret_error);
struct tls_store *tls_keeper_store(const struct tls_keeper *k);
/* From now on a thread of its own looks for changes. */
bool tls_keeper_start(struct tls_keeper *k);
void tls_keeper_stop(struct tls_keeper *k);     /* NULL is fine */
/* After the listener. NULL is fine. */
void tls_keeper_close(struct tls_keeper *k);

/* A certificate with its key from two files: a reference, or NULL with a sentence that names the file. */
struct tls_cert *tls_file_read(struct arena *a, const char *chain, const char *key, const char **ret_error);

#endif
