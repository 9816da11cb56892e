/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_AUDIT_EXPORT_H
#define CC_CORE_AUDIT_EXPORT_H

#include "cc/core/signing.h"
#include "cc/model/audit.h"
#include "cc/model/checkpoint.h"

/*
 * The lines of an export (docs/audit.md, "Exports"): a head, records, checkpoints, and now and then a seal,
 * which signs everything before it. Whoever has the public key can tell that a line was changed, taken out,
 * put in or moved, and which; the key of the macs is not needed for that. One thread at a time.
 */
#define EXPORT_FORMAT 1
#define EXPORT_DIGEST_LEN 32

struct audit_export {
	const char *tenant_id;
	const struct signing_key *key;
	int64_t n;                                      /* records so far */
	unsigned char digest[EXPORT_DIGEST_LEN];        /* of all lines so far; zeros before the first */
};

/* digest = SHA-256(digest ‖ SHA-256(line)), the line in its canonical form without its member `digest` */
void export_fold(unsigned char digest[EXPORT_DIGEST_LEN], const unsigned char line[EXPORT_DIGEST_LEN]);

/* Each appends one line. filter: a JSON object in canonical form, what the export was asked for. */
void export_head(struct audit_export *x, struct str *out, int64_t at, const char *filter);
/* r has its macs. */
void export_record(struct audit_export *x, struct str *out, const struct audit_row *r);
void export_checkpoint(struct audit_export *x, struct str *out, const struct checkpoint *c);
/* last: nothing follows. */
void export_seal(struct audit_export *x, struct str *out, bool last);

#endif
