/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_CLI_PARTS_H
#define CC_DAEMON_CLI_PARTS_H

#include <stddef.h>

#include "program.h"

/* The table of commands, for those who read it (cli.c) and those who print it (manual.c). Constant. */
struct option {
	const char *name, *value; /* value NULL: a switch; name without --: what must stand there itself */
	size_t offset;
	const char *doc;
};
extern const struct option option_table[];
extern const size_t noptions;

struct command {
	const char *words[2];           /* "config", "check" */
	unsigned options;               /* bit per option_table entry */
	int (*run)(const struct options *o);
	const char *summary, *doc;
};
extern const struct command commands[];
extern const size_t ncommands;
/* What the exit statuses mean, in whole sentences. */
extern const char statuses[];

#endif
