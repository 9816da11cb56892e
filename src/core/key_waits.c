/* SPDX-License-Identifier: Apache-2.0 */
#include "key_waits.h"

#include <stddef.h>
#include <string.h>

#include "cc/base/bytes.h"

struct load {
	int places, followers; /* of one owner */
	int all_followers;
	struct key_place *free; /* NULL: none */
};

uint64_t key_owner(const char *tenant_id)
{
	return tenant_id != NULL ? hash64_of(tenant_id, strlen(tenant_id), 0) | 1 : KEY_OWNER_PLATFORM;
}

static struct key_place *find(struct key_place *v, int most, uint64_t url)
{
	for (int i = 0; i < most; i++)
		if (v[i].users > 0 && v[i].url == url)
			return &v[i];
	return NULL;
}

static struct load load_of(struct key_place *v, int most, uint64_t owner)
{
	struct load l = { 0 };

	for (int i = 0; i < most; i++) {
		const int followers = v[i].users > 1 ? v[i].users - 1 : 0;

		if (v[i].users == 0)
			l.free = &v[i];
		else if (v[i].owner == owner)
			l.places++;
		l.followers += v[i].owner == owner ? followers : 0;
		l.all_followers += followers;
	}
	return l;
}

/* Who follows burdens the fetch's owner, whoever he is himself: others may have named the same URL. */
static struct key_place *follow(struct key_place *v, int most, struct key_place *p)
{
	const struct load l = load_of(v, most, p->owner);

	if (l.all_followers >= most || l.followers >= most / 2)
		return NULL;
	p->users++;
	return p;
}

struct key_place *key_place_take(struct key_place v[KEY_PLACES_MAX], int most, uint64_t owner, uint64_t url)
{
	const int n = most < 2 ? 2 : most > KEY_PLACES_MAX ? KEY_PLACES_MAX : most;
	struct key_place *same = find(v, n, url);
	struct load l;

	if (same != NULL)
		return follow(v, n, same);
	l = load_of(v, n, owner);
	if (l.free == NULL || l.places >= n / 2)
		return NULL;
	*l.free = (struct key_place){ .owner = owner, .url = url, .users = 1 };
	return l.free;
}

void key_place_leave(struct key_place *p)
{
	p->users--;
}
