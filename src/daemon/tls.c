/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <pthread.h>
#include <stdlib.h>

#include "cc/base/clock.h"
#include "cc/base/lock.h"
#include "cc/base/mem.h"

#include "tls_files.h"

#define LOOK_MS 500

struct tls_keeper {
	struct tls_store *store;
	struct tls_file *file;
	size_t nfiles;
	struct lock lock;
	struct cond wake;
	bool stop; /* guarded by: lock */
	bool running;
	pthread_t thread;
};

/* Of two with one name the first file counts. */
static void fill_store(struct tls_keeper *k)
{
	size_t n = 0;
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
	tls_store_replace(k->store, v, n);
	free(v);
}

struct tls_keeper *tls_keeper_open(struct arena *a, const struct tls_conf *conf, const char **ret_error)
{
	struct tls_keeper *k = mem_alloc(1, sizeof(*k));

	k->store = tls_store_create();
	lock_init(&k->lock, RANK_JOBS);
	cond_init(&k->wake);
	k->file = mem_alloc(conf->certificates.n, sizeof(*k->file));
	k->nfiles = conf->certificates.n;
	for (size_t i = 0; i < k->nfiles; i++) {
		k->file[i].chain = conf->certificates.v[i];
		k->file[i].key = conf->keys.v[i];
		if (!tls_file_refresh(&k->file[i])) {
			*ret_error = arena_printf(a, "the certificate %s cannot be read", k->file[i].chain);
			tls_keeper_close(k);
			return NULL;
		}
	}
	fill_store(k);
	return k;
}

struct tls_store *tls_keeper_store(const struct tls_keeper *k)
{
	return k->store;
}

static void look(struct tls_keeper *k)
{
	bool changed = false;

	for (size_t i = 0; i < k->nfiles; i++)
		changed |= tls_file_refresh(&k->file[i]);
	if (changed)
		fill_store(k);
}

static void *keep(void *arg)
{
	struct tls_keeper *k = arg;

	lock_take(&k->lock);
	while (!k->stop) {
		lock_drop(&k->lock);
		look(k);
		lock_take(&k->lock);
		if (!k->stop)
			(void)cond_wait_until(&k->wake, &k->lock, clock_mono_ms() + LOOK_MS);
	}
	lock_drop(&k->lock);
	return NULL;
}

bool tls_keeper_start(struct tls_keeper *k)
{
	k->running = pthread_create(&k->thread, NULL, keep, k) == 0;
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
	if (k == NULL)
		return;
	tls_store_destroy(k->store);
	for (size_t i = 0; i < k->nfiles; i++)
		tls_cert_put(k->file[i].cert);
	free(k->file);
	cond_finish(&k->wake);
	lock_finish(&k->lock);
	free(k);
}
