/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/lock.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"

#include "tls_files.h"
#include "tls_tenants.h"

#define LOOK_MS 500
#define CHANGED_MAX 64 /* tenants; when more have changed all are read */

struct tls_keeper {
	struct tls_store *store;
	struct tls_file *file;
	size_t nfiles;
	struct tls_tenants tenants;
	struct lock lock;
	struct cond wake;
	/* guarded by: lock */
	bool stop, all_changed;
	char *changed[CHANGED_MAX];
	size_t nchanged;
	struct platform_end end;
	bool running;
	pthread_t thread;
};

/* Of those from files. */
static void look_at_ends(struct tls_keeper *k)
{
	struct platform_end end = { .until = INT64_MAX };

	for (size_t i = 0; i < k->nfiles; i++) {
		const struct tls_cert *cert = k->file[i].cert;
		const enum nearness near = tls_file_end(&k->file[i]);
		const struct strv names = tls_cert_names(cert);
		const int64_t until = tls_cert_until(cert) * TIME_SECOND;

		if (until >= end.until)
			continue;
		end = (struct platform_end){ .until = until, .nearness = near };
		(void)memccpy(end.name, names.n > 0 ? names.v[0] : "no name", '\0', sizeof(end.name) - 1);
	}
	lock_take(&k->lock);
	k->end = end;
	lock_drop(&k->lock);
}

bool tls_keeper_end(struct tls_keeper *k, struct platform_end *ret)
{
	lock_take(&k->lock);
	*ret = k->end;
	lock_drop(&k->lock);
	return k->nfiles > 0;
}

/* Of two with one name the platform's counts, and of its own the first file. */
static void fill_store(struct tls_keeper *k)
{
	size_t n = tls_tenants_count(&k->tenants);
	struct tls_entry *v;

	for (size_t i = 0; i < k->nfiles; i++)
		n += tls_cert_names(k->file[i].cert).n;
	v = mem_alloc(n, sizeof(*v));
	n = 0;
	for (size_t i = 0; i < k->nfiles; i++) {
		const struct strv names = tls_cert_names(k->file[i].cert);

		for (size_t j = 0; j < names.n; j++)
			v[n++] = (struct tls_entry){ .name = names.v[j], .cert = k->file[i].cert };
	}
	n += tls_tenants_list(&k->tenants, v + n);
	tls_store_replace(k->store, v, n);
	free(v);
}

static const char *read_all(struct arena *a, struct tls_keeper *k)
{
	bool changed;

	for (size_t i = 0; i < k->nfiles; i++)
		if (!tls_file_refresh(&k->file[i]))
			return arena_printf(a, "the certificate %s cannot be read", k->file[i].chain);
	if (!tls_tenants_refresh(&k->tenants, NULL, &changed))
		return "the certificates of tenants cannot be read";
	LOG(LOG_INFO, "certificates of tenants", LOG_INT("domains", (int64_t)tls_tenants_count(&k->tenants)));
	look_at_ends(k);
	fill_store(k);
	return NULL;
}

struct tls_keeper *tls_keeper_open(const struct tls_conf *conf, struct world *w)
{
	struct tls_keeper *k = mem_alloc(1, sizeof(*k));

	k->store = tls_store_create();
	lock_init(&k->lock, RANK_JOBS);
	cond_init(&k->wake);
	tls_tenants_open(&k->tenants, w);
	k->file = mem_alloc(conf->certificates.n, sizeof(*k->file));
	k->nfiles = conf->certificates.n;
	for (size_t i = 0; i < k->nfiles; i++) {
		k->file[i].chain = conf->certificates.v[i];
		k->file[i].key = conf->keys.v[i];
	}
	return k;
}

struct tls_store *tls_keeper_store(const struct tls_keeper *k)
{
	return k->store;
}

/* The lock is held. */
static bool is_noted(const struct tls_keeper *k, const char *tenant_id)
{
	for (size_t i = 0; i < k->nchanged; i++)
		if (strcmp(k->changed[i], tenant_id) == 0)
			return true;
	return false;
}

void tls_keeper_changed(struct tls_keeper *k, const char *tenant_id)
{
	lock_take(&k->lock);
	if (tenant_id == NULL || k->nchanged == CHANGED_MAX)
		k->all_changed = true;
	else if (!is_noted(k, tenant_id))
		k->changed[k->nchanged++] = mem_strdup(tenant_id);
	cond_wake_all(&k->wake);
	lock_drop(&k->lock);
}

/* Takes one that changed; *ret_id NULL: all did. False: nothing changed. The lock is held. */
static bool take_changed(struct tls_keeper *k, char **ret_id)
{
	*ret_id = NULL;
	if (k->all_changed) {
		k->all_changed = false;
		while (k->nchanged > 0)
			free(k->changed[--k->nchanged]);
		return true;
	}
	if (k->nchanged == 0)
		return false;
	*ret_id = k->changed[--k->nchanged];
	return true;
}

/* False: the database cannot be asked; it is to be asked again. */
static bool look_at_tenants(struct tls_keeper *k, bool *ret_changed)
{
	char *id;

	for (;;) {
		bool good, other = false;

		lock_take(&k->lock);
		if (k->stop || !take_changed(k, &id)) {
			lock_drop(&k->lock);
			return true;
		}
		lock_drop(&k->lock);
		good = tls_tenants_refresh(&k->tenants, id, &other);
		*ret_changed |= other;
		if (!good)
			tls_keeper_changed(k, id);
		free(id);
		if (!good)
			return false;
	}
}

static bool look(struct tls_keeper *k)
{
	bool changed = false, good;

	for (size_t i = 0; i < k->nfiles; i++)
		changed |= tls_file_refresh(&k->file[i]);
	look_at_ends(k);
	good = look_at_tenants(k, &changed);
	if (changed)
		fill_store(k);
	/* Handshakes come first: whoever is told has time. */
	tls_tenants_tell(&k->tenants);
	return good;
}

static bool is_due(const struct tls_keeper *k)
{
	return k->stop || k->all_changed || k->nchanged > 0;
}

static void *keep(void *arg)
{
	struct tls_keeper *k = arg;
	bool stop = false;

	while (!stop) {
		const bool good = look(k);
		const int64_t until = clock_mono_ms() + LOOK_MS;

		lock_take(&k->lock);
		/* What cannot be read now is not asked for without a pause. */
		while (!(good ? is_due(k) : k->stop) && cond_wait_until(&k->wake, &k->lock, until))
			continue;
		stop = k->stop;
		lock_drop(&k->lock);
	}
	return NULL;
}

bool tls_keeper_start(struct arena *a, struct tls_keeper *k, const char **ret_error)
{
	*ret_error = read_all(a, k);
	if (*ret_error != NULL)
		return false;
	k->running = pthread_create(&k->thread, NULL, keep, k) == 0;
	if (!k->running)
		*ret_error = "the thread that keeps certificates cannot be started";
	return k->running;
}

void tls_keeper_stop(struct tls_keeper *k)
{
	if (k == NULL || !k->running)
		return;
	lock_take(&k->lock);
	k->stop = true;
	cond_wake_all(&k->wake);
	lock_drop(&k->lock);
	(void)pthread_join(k->thread, NULL);
	k->running = false;
}

void tls_keeper_close(struct tls_keeper *k)
{
	char *id;

	if (k == NULL)
		return;
	tls_store_destroy(k->store);
	tls_tenants_close(&k->tenants);
	for (size_t i = 0; i < k->nfiles; i++)
		tls_cert_put(k->file[i].cert);
	free(k->file);
	while (take_changed(k, &id))
		free(id);
	cond_finish(&k->wake);
	lock_finish(&k->lock);
	free(k);
}
