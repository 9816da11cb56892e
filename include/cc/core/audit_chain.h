/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_AUDIT_CHAIN_H
#define CC_CORE_AUDIT_CHAIN_H

#include "cc/base/bytes.h"
#include "cc/base/str.h"
#include "cc/model/audit.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * What makes a tenant's audit a chain. Whoever has the key can do the same from docs/audit.md:
 *   mac = HMAC-SHA-256(key of the tenant and version, mac of the row before ‖ canonical text of the row)
 */
#define AUDIT_MAC_LEN 32
extern const unsigned char audit_no_mac[AUDIT_MAC_LEN]; /* before the first row: zeros */

/* The key of one tenant. */
void audit_key(struct bytes secret, const char *tenant_id, int64_t version, unsigned char ret[AUDIT_MAC_LEN]);
/* The row as RFC 8785 writes it: members sorted, null ones and mac and prev_mac left out. */
void audit_canonical(struct str *out, const struct audit_row *r);
/* The same with mac and prev_mac, and with its number among the records of an export. */
void audit_line(struct str *out, const struct audit_row *r, int64_t n);
/* The mac of a row that follows one with the mac prev. */
void audit_row_mac(struct arena *a, const unsigned char key[AUDIT_MAC_LEN],
	const unsigned char prev[AUDIT_MAC_LEN], const struct audit_row *r,
	unsigned char ret[AUDIT_MAC_LEN]);

#endif
