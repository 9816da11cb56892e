/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_AUDIT_VERIFY_H
#define CC_CORE_AUDIT_VERIFY_H

#include "cc/base/arena.h"
#include "cc/base/bytes.h"
#include "cc/core/signing.h"

/*
 * Whether an export (docs/audit.md, "Exports") is as it was sent, line by line and without a database. What
 * public keys can tell: a record or a checkpoint was changed, taken out, put in, moved; the end is missing;
 * something was changed and its digests with it. What the key of the macs can tell beyond that: the database
 * was changed before the export. Memory does not grow with the file. Lines may hold anything. One thread.
 */
struct audit_verify;

struct verify_options {
	const struct public_key *keys;          /* whose signatures count … */
	size_t nkeys;                           /* … 0: signatures are not looked at */
	struct bytes audit_key;                 /* the setting; p NULL: macs are not computed */
	int64_t audit_key_version;              /* earlier rows are not computed, later ones are faults */
	/* One fault, a sentence without its end. line: from 1; 0: of the file as a whole */
	void (*fault)(void *arg, int64_t line, const char *text);
	void *arg;
};

struct verify_result {
	char tenant_id[80];                     /* "": the file does not say */
	int64_t records, seals, checkpoints;
	int64_t macs;                           /* computed */
	int64_t other_versions;                 /* records whose macs an earlier audit_key has made */
	int64_t faults;
};

#define VERIFY_LINE_MAX ((size_t)256 * 1024)

struct audit_verify *audit_verify_open(const struct verify_options *o);
/* The next line without its LF. NULL: it is longer than VERIFY_LINE_MAX. */
void audit_verify_line(struct audit_verify *v, const char *text, size_t n);
/* There are no more. Ends v. */
struct verify_result audit_verify_close(struct audit_verify *v);

#endif
