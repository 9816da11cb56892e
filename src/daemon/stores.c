/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include <sys/stat.h>

#include "cc/store/objstore.h"

static bool is_set(const struct region_conf *r)
{
	return r->store_folder != NULL || r->store_endpoint != NULL || r->store_region != NULL ||
	       r->store_bucket != NULL || r->store_access_key != NULL || r->store_secret_key != NULL;
}

static const char *first_of(const char *own, const char *common)
{
	return own != NULL ? own : common;
}

/* Where it differs from the store of all, and has a bucket where that has a folder, or the reverse. */
static struct store_conf conf_of(const struct config *c, const struct region_conf *r)
{
	struct store_conf s = c->store;

	s.folder = r->store_folder;
	if (s.folder != NULL) {
		s.endpoint = NULL;
		return s;
	}
	s.endpoint = first_of(r->store_endpoint, s.endpoint);
	s.region = first_of(r->store_region, s.region);
	s.bucket = first_of(r->store_bucket, s.bucket);
	s.access_key = first_of(r->store_access_key, s.access_key);
	s.secret_key = first_of(r->store_secret_key, s.secret_key);
	return s;
}

/* By whatever names, links or mounts it is reached. */
static bool is_same_folder(const char *a, const char *b)
{
	struct stat x, y;

	if (str_eq(a, b))
		return true;
	return a != NULL && b != NULL && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Two that were one would remove each other's objects. */
static bool is_same(const struct store_conf *a, const struct store_conf *b)
{
	if (a->endpoint != NULL)
		return str_eq(a->endpoint, b->endpoint) && str_eq(a->bucket, b->bucket);
	return b->endpoint == NULL && is_same_folder(a->folder, b->folder);
}

static bool open_one(struct arena *a, const struct store_conf *c, struct http_client *http,
	struct objstore **ret, const char **ret_error)
{
	*ret = NULL;
	if (c->endpoint != NULL)
		*ret = objstore_s3(http, &(struct s3_conf){ .endpoint = c->endpoint,
						 .region = c->region,
						 .bucket = c->bucket,
						 .access_key = c->access_key,
						 .secret_key = c->secret_key,
						 .path_style = c->path_style,
						 .attempt_ms = (int)c->attempt_ms });
	else if (c->folder != NULL)
		*ret = objstore_folder(a, c->folder, ret_error);
	return *ret != NULL || (c->endpoint == NULL && c->folder == NULL);
}

/* NULL: no region before this one has it. */
static struct objstore *opened_before(
	const struct config *c, const struct world *w, size_t i, const struct store_conf *s)
{
	for (size_t k = 0; k < i; k++) {
		const struct store_conf other = conf_of(c, &c->region[k]);

		if (w->regions[k].store != NULL && is_same(s, &other))
			return w->regions[k].store;
	}
	return NULL;
}

bool stores_open(struct arena *a, const struct config *c, struct world *w, const char **ret_error)
{
	if (!open_one(a, &c->store, w->http, &w->store, ret_error))
		return false;
	for (size_t i = 0; i < w->nregions; i++) {
		const struct store_conf s = conf_of(c, &c->region[i]);

		if (!is_set(&c->region[i]) || is_same(&s, &c->store))
			continue;
		w->regions[i].store = opened_before(c, w, i, &s);
		if (w->regions[i].store == NULL &&
			!open_one(a, &s, w->http, &w->regions[i].store, ret_error))
			return false;
	}
	return true;
}

void stores_close(struct world *w)
{
	for (size_t i = 0; i < w->nregions; i++) {
		struct objstore *s = w->regions[i].store;

		for (size_t k = i; k < w->nregions; k++)
			if (w->regions[k].store == s)
				w->regions[k].store = NULL;
		objstore_destroy(s);
	}
	objstore_destroy(w->store);
}

/* prefix: "store.", "regions.eu-west-1.store_". */
static void check_one(const struct store_conf *c, const char *prefix, const char *nowhere,
	struct config_faults *faults)
{
	const struct {
		const char *name, *value;
	} needed[] = { { "endpoint", c->endpoint }, { "bucket", c->bucket }, { "access_key", c->access_key },
		{ "secret_key", c->secret_key } };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (needed[i].value == NULL)
			config_fault(faults, nowhere,
				arena_printf(faults->arena, "%s%s", prefix, needed[i].name),
				i == 0 ? "is needed beside a bucket" : "is needed beside an endpoint");
}

void stores_check(const struct config *c, const char *nowhere, struct config_faults *faults)
{
	if (c->store.endpoint != NULL)
		check_one(&c->store, "store.", nowhere, faults);
	for (size_t i = 0; i < c->nregions; i++) {
		const struct store_conf s = conf_of(c, &c->region[i]);

		if (is_set(&c->region[i]) && s.folder == NULL)
			check_one(&s, arena_printf(faults->arena, "regions.%s.store_", c->region[i].id),
				nowhere, faults);
	}
}
