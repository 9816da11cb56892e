/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_files.h"

#include <string.h>
#include <sys/stat.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"

#include "tls.h"

#define CHAIN_FILE_MAX 65536
#define KEY_FILE_MAX 16384
#define READ_ARENA 8192

static bool read_one(struct arena *a, const char *path, size_t max, struct bytes *ret, const char **ret_error)
{
	const char *error = NULL;

	ret->p = (const unsigned char *)text_file_read(a, path, max, &ret->n, &error);
	if (ret->p == NULL)
		*ret_error = arena_printf(a, "cannot read %s: %s", path, error);
	return ret->p != NULL;
}

struct tls_cert *tls_file_read(struct arena *a, const char *chain, const char *key, const char **ret_error)
{
	/* The key is wiped at once, whatever the caller does with what it has. */
	struct arena *own = arena_create(READ_ARENA);
	struct tls_cert *cert = NULL;
	struct bytes pem, secret;
	const char *error = NULL;

	arena_hold_secret(own);
	if (read_one(own, chain, CHAIN_FILE_MAX, &pem, &error) &&
		read_one(own, key, KEY_FILE_MAX, &secret, &error))
		cert = tls_cert_create(own, pem, secret, &error);
	if (cert == NULL)
		*ret_error = arena_strdup(a, error);
	arena_destroy(own);
	return cert;
}

/* What a file is, without reading it. */
static struct file_mark mark_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct file_mark){ .size = -1 };
	return (struct file_mark){ .device = st.st_dev, .inode = st.st_ino, .size = st.st_size,
		.changed = st.st_mtim };
}

static bool is_same(const struct file_mark *a, const struct file_mark *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void tell_failure(struct tls_file *f, const char *error)
{
	if (!f->failed)
		LOG(LOG_WARN, "a certificate cannot be read; what was read before is shown on",
			LOG_TEXT("certificate", f->chain), LOG_TEXT("key", f->key), LOG_TEXT("cause", error));
	f->failed = true;
}

bool tls_file_refresh(struct tls_file *f)
{
	/* Looked at before they are read: what is written meanwhile is another change. */
	const struct file_mark chain = mark_of(f->chain), key = mark_of(f->key);
	struct arena *a;
	struct tls_cert *cert;
	const char *error = NULL;

	if (!f->failed && f->cert != NULL && is_same(&chain, &f->chain_mark) && is_same(&key, &f->key_mark))
		return false;
	a = arena_create(1024);
	cert = tls_file_read(a, f->chain, f->key, &error);
	if (cert == NULL)
		tell_failure(f, error);
	arena_destroy(a);
	if (cert == NULL)
		return false;
	tls_cert_put(f->cert);
	f->cert = cert;
	f->failed = false;
	f->told = END_FAR;
	f->chain_mark = chain;
	f->key_mark = key;
	LOG(LOG_INFO, "certificate of the platform", LOG_TEXT("file", f->chain),
		LOG_INT("names", (int64_t)tls_cert_names(cert).n), LOG_INT("until", tls_cert_until(cert)));
	return true;
}

enum nearness tls_file_end(struct tls_file *f)
{
	static const char *const left[] = {
		[END_QUARTER] = "a quarter of its time", [END_WEEK] = "a week", [END_DAYS] = "two days",
		[END_PAST] = "nothing",
	};
	const int64_t until = tls_cert_until(f->cert), now = clock_wall_us() / TIME_SECOND;
	const enum nearness near = nearness_of(tls_cert_from(f->cert), until, now, 24 * 3600);

	if (near > f->told)
		LOG(near == END_PAST ? LOG_ERROR : LOG_WARN, "the certificate of the platform ends",
			LOG_TEXT("file", f->chain), LOG_TEXT("left", left[near]), LOG_INT("until", until));
	f->told = near;
	return near;
}
