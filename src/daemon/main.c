/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * Whoever closed one of them would have the next file that is opened in its place, and what is meant for
 * people written into it. Opened so that output that was to be seen fails as before.
 */
static bool fill_standard(void)
{
	static const int how[] = { O_RDONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", how[fd]) != fd)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	return fill_standard() ? cli_main(argc, argv) : EXIT_SOFTWARE;
}
