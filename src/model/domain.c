/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/domain.h"

#include "cc/model/names.h"

const char *const domain_statuses[] = {
	"pending", "verified", "active", "stale", "detached", "released", "expired", NULL
};
const char *const domain_ssl_statuses[] = { "pending", "active", "expiring", "expired", NULL };
const char *const domain_reasons[] = {
	"not_checked", "record_missing", "record_wrong", "record_wildcard", "resolvers_disagree",
	"resolver_failed", "held_elsewhere", "quarantined", "claim_expired", NULL
};

const char *const domain_notes[] = {
	"addresses_instead_of_cname", "no_address", "issuers_restricted", NULL
};

#define FINDINGS_MAX 3
#define RESOLVERS_MAX 8
#define VALUES_MAX 32
#define VALUE_MAX 1024
#define RECORDS_MAX 2
#define LIVE (F_OUT | F_VOLATILE)

#define T struct domain_dns
static const struct field domain_dns_fields[] = {
	TEXT(T, cname_record, F_OUT | F_NULLABLE, 0, 0, "Where a CNAME of the domain must lead."),
	TEXT(T, txt_record, F_OUT | F_NULLABLE, 0, 0, "What a TXT record at txt_name must hold."),
};
#undef T
static SCHEMA(domain_dns_schema, struct domain_dns, "DnsInstructions", domain_dns_fields);

#define T struct domain_seen
static const struct field domain_seen_fields[] = {
	TEXT(T, resolver, F_OUT, 0, 0, "Who was asked."),
	STRS(T, values, F_OUT, 0, VALUES_MAX, NULL, VALUE_MAX, "What it answered."),
	TEXT(T, problem, F_OUT | F_NULLABLE, 0, 0, "Why it answered nothing; null when it did."),
};
#undef T
SCHEMA(domain_seen_schema, struct domain_seen, "SeenRecord", domain_seen_fields);

#define T struct domain_record
static const struct field domain_record_fields[] = {
	TEXT(T, type, F_OUT, 0, 0, "TXT or CNAME."),
	TEXT(T, name, F_OUT, 0, 0, "Where it must be."),
	TEXT(T, value, F_OUT, 0, 0, "What it must hold."),
	BOOL(T, verified, F_OUT, "It was there at the last check."),
	JSON_LIST(T, seen, F_OUT, RESOLVERS_MAX, &domain_seen_schema,
		  "What the last check saw instead or as well, by resolver."),
	TIME(T, checked_at, F_OUT | F_NULLABLE, "When that was."),
};
#undef T
SCHEMA(domain_record_schema, struct domain_record, "DomainRecord", domain_record_fields);

#define T struct domain_finding
static const struct field domain_finding_fields[] = {
	TEXT(T, type, F_OUT, 0, 0, "A, AAAA or CAA."),
	TEXT(T, name, F_OUT, 0, 0, "Where it was looked for."),
	ENUM(T, note, F_OUT | F_NULLABLE, domain_notes, NULL,
	     "addresses_instead_of_cname: requests go there, not where the CNAME should lead. no_address: "
	     "nobody finds the name. issuers_restricted: only CAs that are named may issue certificates."),
	JSON_LIST(T, seen, F_OUT, RESOLVERS_MAX, &domain_seen_schema, "What there is, by resolver."),
};
#undef T
SCHEMA(domain_finding_schema, struct domain_finding, "DomainFinding", domain_finding_fields);

#define T struct domain_row
static const struct field domain_fields[] = {
	TEXT(T, domain, F_OUT | F_SORT, 1, 253, "A-labels, in lower case.", .example = "policies.acme.com"),
	ENUM(T, status, F_OUT, domain_statuses, NULL,
	     "verified: it is proven to be the tenant's. active: it has a certificate as well. stale: its "
	     "records have been missing for long. detached: requests to it are answered no more, the name is "
	     "held. released: not even that. expired: the claim is over."),
	ENUM(T, ssl_status, F_OUT, domain_ssl_statuses, NULL,
	     "active: it is verified and has a certificate. expiring: the same, and that one ends soon. "
	     "expired: it is not served any longer."),
	BOOL(T, is_default, F_OUT | F_SORT, "The name that the tenant is shown by."),
	TIME(T, verified_at, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, "When it was proven."),
	OBJ(T, dns_instructions, F_OUT, struct domain_dns, &domain_dns_schema,
	    "The records that prove it, and lead to the tenant."),
	TEXT(T, txt_name, F_OUT | F_NULLABLE, 0, 0, "Where the TXT record must be; null: none is needed."),
	JSON_LIST(T, records, LIVE, RECORDS_MAX, &domain_record_schema,
		  "The same records, and what was seen of them."),
	JSON_LIST(T, findings, LIVE, FINDINGS_MAX, &domain_finding_schema,
		  "What else is there at the name that may keep it from working."),
	ENUM(T, reason, LIVE | F_NULLABLE, domain_reasons, NULL, "Why it is not verified, or not any more."),
	TIME(T, created_at, F_OUT, "When it was added."),
	TIME(T, checked_at, LIVE | F_NULLABLE, "When its records were last looked at."),
	TIME(T, next_check_at, LIVE | F_NULLABLE, "When they are looked at next."),
	TIME(T, claim_expires_at, F_OUT | F_NULLABLE,
	     "Until then it must be proven; null: it is, or needs not."),
	TIME(T, stale_at, LIVE | F_NULLABLE,
	     "Its records are missing: when it becomes stale if they still are; null: they are not."),
	TIME(T, detach_at, LIVE | F_NULLABLE, "It is stale: when it will be detached if it still is."),
	TIME(T, release_at, LIVE | F_NULLABLE, "It is detached: until then nobody else can have the name."),
	OBJ(T, certificate, F_OUT, struct certificate_shown, &certificate_shown_schema,
	    "Its certificate; without one all is null."),
	BOOL(T, custom, 0, "Internal."),
	TEXT(T, token, 0, 0, 0, "Internal."),
	TEXT(T, target, 0, 0, 0, "Internal."),
	TEXT(T, tenant_id, 0, 0, 0, "Internal."),
	BOOL(T, txt_verified, 0, "Internal."),
	BOOL(T, cname_verified, 0, "Internal."),
	BOOL(T, cname_required, 0, "Internal."),
	INT(T, failures, 0, 0, 0, "Internal."),
	INT(T, silences, 0, 0, 0, "Internal."),
	TIME(T, lease_until, 0, "Internal."),
	JSON_LIST(T, txt_seen, 0, RESOLVERS_MAX, &domain_seen_schema, "Internal."),
	JSON_LIST(T, cname_seen, 0, RESOLVERS_MAX, &domain_seen_schema, "Internal."),
	BOOL(T, held_elsewhere, 0, "Internal."),
	TIME(T, held_until, LIVE | F_NULLABLE,
	     "Another tenant had it until lately: it is kept for that one until then; null: it is not."),
	BOOL(T, claim_over, 0, "Internal."),
	BOOL(T, stale_over, 0, "Internal."),
	BOOL(T, detach_over, 0, "Internal."),
	BOOL(T, release_over, 0, "Internal."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "Internal."),
};
#undef T
SCHEMA(domain_row_schema, struct domain_row, "Domain", domain_fields);

#define T struct domain_deletion
static const struct field domain_deletion_fields[] = {
	TEXT(T, message, F_OUT, 0, 0, "What was done."),
	TEXT(T, domain, F_OUT, 0, 0, "The domain that is gone."),
	TIME(T, deleted_at, F_OUT, "When it was deleted."),
};
#undef T
SCHEMA(domain_deletion_schema, struct domain_deletion, "DomainDeletion", domain_deletion_fields);
