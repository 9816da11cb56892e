/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_STORE_FOLDER_LIST_H
#define CC_SRC_STORE_FOLDER_LIST_H

#include <time.h>

#include "objstore_in.h"

struct folder_walk {
	obj_each_fn each;
	void *arg;
	int64_t deadline_ms;
	struct obj_got *got;
	int64_t strange; /* what no key leads to, and is passed over */
};

/* All files below a folder, which it closes; path: its key, without a slash at the end. */
enum obj_result folder_list(struct folder_walk *w, int fd, const char *path, int depth);
/* Removes the files of a folder that nobody wrote to since. */
void folder_forget(int fd, time_t since);

#endif
