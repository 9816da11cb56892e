/* SPDX-License-Identifier: Apache-2.0 */
/* One daemon for a whole group of tests. */
#include "daemon.h"

static struct daemon_options group_options;

void daemon_group_options(const struct daemon_options *options)
{
	group_options = *options;
}

int daemon_group_setup(void **state)
{
	*state = daemon_start(&group_options);
	return 0;
}

int daemon_group_teardown(void **state)
{
	daemon_finish(*state);
	return 0;
}
