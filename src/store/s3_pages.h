/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_STORE_S3_PAGES_H
#define CC_SRC_STORE_S3_PAGES_H

#include "s3_in.h"

/*
 * Lists that a bucket gives page by page, with two markers each, the key's and the id's: of versions and of
 * uploads in parts.
 */
#define S3_ID_MAX 1024

struct s3_entry {
	struct obj_key key;     /* "": longer than any of ours */
	char id[S3_ID_MAX + 1]; /* "": none, or longer than any that servers make */
	int64_t begun;          /* of an upload, wall clock; TIME_NULL: the server did not say */
};

/* Which list, and what its parts are called. */
struct s3_pages {
	const char *query, *most, *id_marker; /* parameters */
	const char *next_id_marker, *id;      /* elements */
	const char *entry[2];                 /* … that are an entry each; the second may be NULL */
};
extern const struct s3_pages s3_versions, s3_uploads;

/* Of one entry, with an arena for as long as it takes. All but OBJ_OK ends the walk, and is its result. */
typedef enum obj_result (*s3_entry_fn)(void *arg, struct arena *a, const struct s3_entry *e);

struct s3_walk {
	const struct s3_pages *pages;
	const char *prefix;
	int most; /* pages; 0: all */
	s3_entry_fn each;
	void *arg;
	int64_t deadline_ms;
	/* What came of it: */
	bool unsupported; /* the server has no such list */
	bool more;        /* there are further pages */
};

enum obj_result s3_walk(struct s3 *s, struct s3_walk *w, struct obj_got *got);

#endif
