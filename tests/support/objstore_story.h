/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_OBJSTORE_STORY_H
#define CC_TESTS_OBJSTORE_STORY_H

#include "cc/store/objstore.h"

/* What every kind of store must do; *state is a struct objstore_fixture. Tenants are new for each case. */
struct objstore_fixture {
	struct objstore *store;
	struct arena *arena;
	struct obj_got got;
	int tenants;
	void *own; /* the suite's */
};

#define STORY_PATIENCE_MS 120000

int64_t story_deadline(void);
/* "tenant-case-1", and so on. */
const char *story_tenant(struct objstore_fixture *fx);
struct obj_key story_key(const char *tenant, const char *path);
/* Bytes that depend on their place, n of them. */
struct story_source {
	int64_t at, size, stop_at; /* stop_at: reading fails there; negative: never */
};
int64_t story_read(void *arg, void *buf, size_t max);
/* Compares with the same bytes. */
struct story_sink {
	int64_t at, stop_at;
	bool differs;
};
bool story_write(void *arg, const void *p, size_t n);
/* Puts n such bytes, and gets them again. */
void story_round(struct objstore_fixture *fx, const struct obj_key *key, int64_t n);

void what_is_put_is_got(void **state);
void what_is_not_there_is_missing(void **state);
void once_is_once(void **state);
void a_later_one_takes_the_place(void **state);
void keys_that_leave_their_prefix_are_refused(void **state);
void a_list_is_of_one_tenant(void **state);
void what_was_changed_is_told(void **state);
void what_is_too_large_is_not_read(void **state);
void whoever_stops_leaves_nothing(void **state);

#endif
