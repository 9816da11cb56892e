/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptors.h"

#include <sys/resource.h>

#define FILES 64                /* log, listener, epoll, signals, locks, files that are being read */
#define PER_WORKER 2            /* a worker's own: Redis, another server */
#define PER_REGION 4            /* making and dropping schemas, beside the region's pool */

int64_t descriptors_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 1024;
	if (r.rlim_cur < r.rlim_max) {
		const struct rlimit most = { r.rlim_max, r.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &most) == 0)
			r.rlim_cur = r.rlim_max;
	}
	return r.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)r.rlim_cur;
}

static int64_t own_need(const struct config *c)
{
	int64_t n = FILES + PER_WORKER * c->server.workers + 2 * c->control.connections;

	for (size_t i = 0; i < c->nregions; i++)
		n += c->region[i].connections + PER_REGION;
	return n;
}

bool descriptors_share(const struct config *c, int64_t limit, struct descriptors *ret)
{
	const int64_t wanted = c->server.connections_max;
	const int64_t least = wanted < DESCRIPTORS_CLIENTS_MIN ? wanted : DESCRIPTORS_CLIENTS_MIN;

	*ret = (struct descriptors){ .limit = limit, .own = own_need(c) };
	ret->clients = limit - ret->own < wanted ? limit - ret->own : wanted;
	return ret->clients >= least;
}

int64_t descriptors_per_address(const struct server_conf *c, int64_t clients)
{
	const int64_t most = clients - clients / 4;

	return c->connections_per_address < most ? c->connections_per_address : most;
}
