/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <stdlib.h>
#include <string.h>

#include "temp.h"

int daemon_log_lines(const struct daemon *d, const char *text)
{
	char *log = temp_read(daemon_log_path(d));
	int n = 0;

	for (const char *p = log; p != NULL && (p = strstr(p, text)) != NULL; p += strcspn(p, "\n"))
		n++;
	free(log);
	return n;
}
