/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon.h"

const char *const servers_region_ids[SERVERS_REGIONS] = { "us-east-1", "eu-west-1", "ap-southeast-1",
	"us-west-2", "ca-central-1", "eu-central-1", "eu-north-1", "ap-northeast-1", "ap-south-1" };

/* What the daemon insists on, at the price of real waits for the disk. */
static struct pg *start_one(const char *connections, const char *buffers)
{
	const char *const settings[] = { connections, buffers, "max_locks_per_transaction=256", NULL };

	return pg_start_with(&(struct pg_options){ .fsync = true, .settings = settings });
}

void servers_start(struct servers *s, size_t nregions, bool own)
{
	*s = (struct servers){ .nregions = own ? nregions : SERVERS_REGIONS, .own = own };
	s->control = start_one("max_connections=400", "shared_buffers=64MB");
	for (size_t i = 0; i < s->nregions; i++)
		s->region[i] = own ? start_one("max_connections=100", "shared_buffers=16MB") : s->control;
}

void servers_stop(struct servers *s)
{
	for (size_t i = 0; s->own && i < s->nregions; i++)
		pg_stop(s->region[i]);
	pg_stop(s->control);
}

struct pg *servers_region(const struct servers *s, const char *region)
{
	for (size_t i = 0; i < s->nregions; i++)
		if (strcmp(servers_region_ids[i], region) == 0)
			return s->region[i];
	fail_msg("there is no region %s", region);
	abort();
}

struct pg *servers_with(const struct servers *s, const char *database)
{
	for (size_t i = 0; i < s->nregions; i++) {
		char *name = daemon_region_db(servers_region_ids[i]);
		const bool same = strcmp(name, database) == 0;

		free(name);
		if (same)
			return s->region[i];
	}
	return s->control;
}
