/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_TLS_H
#define CC_DAEMON_TLS_H

#include "cc/core/health.h"
#include "cc/core/world.h"
#include "cc/http/tls.h"

#include "config.h"

/*
 * Who keeps the certificates of the TLS listener as they are now: those of the platform from files, which
 * are read again when they change, and those that tenants brought, from the database, when the change feed
 * says so. What cannot be read leaves what is shown as it was, and is logged.
 */
struct tls_keeper;

/* Reads nothing yet. conf and world must outlive it. */
struct tls_keeper *tls_keeper_open(const struct tls_conf *conf, struct world *w);
struct tls_store *tls_keeper_store(const struct tls_keeper *k);
/*
 * Reads all of it; from now on a thread of its own looks for changes. False: *ret_error says why (arena a).
 */
bool tls_keeper_start(struct arena *a, struct tls_keeper *k, const char **ret_error);
/* Of the certificates from files the one that ends first; false: there are none. Any thread. */
bool tls_keeper_end(struct tls_keeper *k, struct platform_end *ret);
/* Something about this tenant has changed; NULL: about any. Any thread, also before the start. */
void tls_keeper_changed(struct tls_keeper *k, const char *tenant_id);
void tls_keeper_stop(struct tls_keeper *k); /* NULL is fine */
/* After the listener and whoever calls tls_keeper_changed(). NULL is fine. */
void tls_keeper_close(struct tls_keeper *k);

/* A certificate with its key from two files: a reference, or NULL with a sentence that names the file. */
struct tls_cert *tls_file_read(struct arena *a, const char *chain, const char *key, const char **ret_error);

#endif
