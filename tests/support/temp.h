/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_TEMP_H
#define CC_TESTS_TEMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Temporary folders, files and waiting, for tests. Folders lie below $TMPDIR; the runner of suites
 * removes what a dead test left there.
 */

/* A fresh folder, mode 0755 (databases run as another user), for temp_remove(). Fails the test on error. */
char *temp_folder(const char *name);
/* Removes the folder with all that is in it and frees the text. NULL is fine. */
void temp_remove(char *folder);

/* malloc'ed "folder/name". */
char *temp_path(const char *folder, const char *name);
/* Writes a file (mode 0600), replacing what was there. Fails the test on error. */
void temp_write(const char *path, const char *text);
/* malloc'ed contents, NUL-terminated; NULL when there is no such file. */
char *temp_read(const char *path);

/* A TCP port of 127.0.0.1 that was free a moment ago. */
int temp_port(void);
void temp_sleep_ms(int ms);
int64_t temp_now_ms(void); /* monotonic */

/* A child process: what it wrote and how it ended. */
struct temp_run {
	int status;      /* exit code; 128 + signal; -1: not over within the deadline, then it was killed */
	char *out, *err; /* malloc'ed, at most 1 MiB each */
};
/* Runs argv (NULL-terminated) with env entries ("A=b", NULL-terminated or NULL) added to the environment. */
struct temp_run temp_run(const char *const *argv, const char *const *env, int deadline_ms);
void temp_run_free(struct temp_run *r);
/*
 * Starts a program that dies with this one (PR_SET_PDEATHSIG), stdin from /dev/null, output appended to
 * log_path. parent_death: the signal it gets when the test ends, whatever ends it.
 */
pid_t temp_spawn(const char *const *argv, const char *const *env, const char *log_path, int parent_death);
/* Waits for a child of ours: its status as in temp_run, or -1 when it still runs after deadline_ms. */
int temp_wait(pid_t pid, int deadline_ms);

#endif
