/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_cert.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/lock.h"
#include "cc/base/map.h"
#include "cc/base/mem.h"

struct tls_store {
	struct lock lock;
	struct map *map;                /* guarded by: lock; never changed, only replaced */
};

static void drop_cert(void *cert)
{
	tls_cert_put(cert);
}

struct tls_store *tls_store_create(void)
{
	struct tls_store *s = mem_alloc(1, sizeof(*s));

	lock_init(&s->lock, RANK_TLS);
	s->map = map_create();
	return s;
}

void tls_store_destroy(struct tls_store *s)
{
	if (s == NULL)
		return;
	map_destroy(s->map, drop_cert);
	lock_finish(&s->lock);
	free(s);
}

void tls_store_replace(struct tls_store *s, const struct tls_entry *v, size_t n)
{
	struct map *next = map_create(), *old;

	for (size_t i = 0; i < n; i++)
		if (map_get(next, v[i].name) == NULL)
			(void)map_set(next, v[i].name, tls_cert_hold(v[i].cert));
	lock_take(&s->lock);
	old = s->map;
	s->map = next;
	lock_drop(&s->lock);
	map_destroy(old, drop_cert);
}

size_t tls_store_count(struct tls_store *s)
{
	size_t n;

	lock_take(&s->lock);
	n = map_count(s->map);
	lock_drop(&s->lock);
	return n;
}

static struct tls_cert *look(const struct map *m, const char *name)
{
	struct tls_cert *c = map_get(m, name);

	return c != NULL && tls_cert_is_valid(c) ? tls_cert_hold(c) : NULL;
}

struct tls_cert *tls_store_find(struct tls_store *s, const char *name)
{
	const char *parent = strchr(name, '.');
	char wildcard[256] = "*";
	const size_t n = parent != NULL ? strlen(parent) : 0;
	struct tls_cert *c;

	if (n > 0 && n < sizeof(wildcard) - 1)
		memcpy(wildcard + 1, parent, n + 1);
	lock_take(&s->lock);
	c = name[0] != '*' ? look(s->map, name) : NULL;
	if (c == NULL && wildcard[1] != '\0' && name[0] != '*')
		c = look(s->map, wildcard);
	lock_drop(&s->lock);
	return c;
}
