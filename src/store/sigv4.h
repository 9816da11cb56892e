/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_STORE_SIGV4_H
#define CC_SRC_STORE_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * Signature Version 4 of Amazon Web Services, as S3 wants it: paths are encoded once and not tidied up. By
 * "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference.
 */
struct sig_pair {
	const char *name, *value; /* headers: name in lower case, no blanks around the value */
};

struct sig_ask {
	const char *method;
	const char *path;             /* not encoded: "/bucket/a key"; "/" at least */
	const struct sig_pair *query; /* not encoded */
	size_t nquery;
	const struct sig_pair *headers; /* all that are signed, sorted by name; host among them */
	size_t nheaders;
	const char *payload; /* SHA-256 of the body in hexadecimal, or SIG_UNSIGNED */
};
#define SIG_UNSIGNED "UNSIGNED-PAYLOAD"
/* SHA-256 of no bytes. */
#define SIG_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sig_key {
	const char *access_key, *secret_key;
	const char *region, *service; /* "us-east-1", "s3" */
};

#define SIG_TIME_LEN 16 /* "20130524T000000Z" */
/* at: microseconds since 1970; ret has room for it and a NUL. */
void sig_time(int64_t at, char *ret);
/* "/a%20key?list-type=2&prefix=x": the target with its query in the order that is signed. */
char *sig_target(struct arena *a, const struct sig_ask *ask);
/* The value of the header Authorization. time: what x-amz-date says. */
char *sig_authorization(
	struct arena *a, const struct sig_key *key, const struct sig_ask *ask, const char *time);
/*
 * The target of a URL that needs no header: ask has host as its only one, SIG_UNSIGNED and no query; path and
 * signature make the rest.
 */
char *sig_presigned(struct arena *a, const struct sig_key *key, const struct sig_ask *ask, const char *time,
	int64_t ttl_s);

#endif
