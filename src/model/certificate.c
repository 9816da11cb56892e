/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/certificate.h"

#include "cc/model/names.h"

#define PEM_MAX 65536
#define KEY_MAX 16384

const char *const certificate_sources[] = { "supplied", NULL };

#define CERTIFICATE_DOC "The certificate in PEM, and what it was signed by, in order."
#define KEY_DOC "Its private key in PEM, without a passphrase. It is never shown again."
#define CHAIN_DOC "The rest of the chain in PEM, if it is not in ssl_certificate."
#define SELF_DOC "The chain need not end in a CA that is trusted here: the tenant's clients know it."

#define T struct certificate_new
static const struct field certificate_new_fields[] = {
	TEXT(T, ssl_certificate, F_IN | F_REQUIRED, 1, PEM_MAX, CERTIFICATE_DOC,
	     .example = "-----BEGIN CERTIFICATE-----\n..."),
	TEXT(T, ssl_private_key, F_IN | F_REQUIRED | F_SECRET, 1, KEY_MAX, KEY_DOC,
	     .example = "<pem-private-key-from-secret-manager>"),
	TEXT(T, ssl_chain, F_IN | F_NULLABLE, 1, PEM_MAX, CHAIN_DOC),
	BOOL(T, self_managed, F_IN, SELF_DOC),
};
#undef T
SCHEMA_IN(certificate_new_schema, struct certificate_new, "CertificateNew", certificate_new_fields);

#define T struct domain_new
static const struct field domain_new_fields[] = {
	TEXT_LIKE(T, domain, F_CREATE | F_REQUIRED, 1, 253, check_foreign_domain,
		  "A name of the tenant's own. Kept with A-labels, in lower case, without a dot at the end.",
		  .fault = FAULT_DOMAIN, .example = "policies.acme.com"),
	TEXT(T, ssl_certificate, F_CREATE | F_NULLABLE, 1, PEM_MAX, CERTIFICATE_DOC " Null: it comes later.",
	     .example = "-----BEGIN CERTIFICATE-----\n..."),
	TEXT(T, ssl_private_key, F_CREATE | F_NULLABLE | F_SECRET, 1, KEY_MAX, KEY_DOC,
	     .example = "<pem-private-key-from-secret-manager>"),
	TEXT(T, ssl_chain, F_CREATE | F_NULLABLE, 1, PEM_MAX, CHAIN_DOC),
	BOOL(T, self_managed, F_CREATE, SELF_DOC),
};
#undef T
SCHEMA_IN(domain_new_schema, struct domain_new, "DomainNew", domain_new_fields);

#define SHOWN (F_OUT | F_NULLABLE)
#define T struct certificate_shown
static const struct field certificate_shown_fields[] = {
	ENUM(T, source, SHOWN, certificate_sources, NULL, "Who brought it; null: there is none."),
	TEXT(T, serial, SHOWN, 0, 0, "Its number, in hexadecimal digits."),
	TEXT(T, fingerprint, SHOWN, 0, 0, "SHA-256 of it, in hexadecimal digits."),
	TEXT(T, issuer, SHOWN, 0, 0, "Who signed it."),
	TEXT(T, key_type, SHOWN, 0, 0, "The kind of its key: RSA with its size, P-256 or P-384."),
	TIME(T, not_before, SHOWN, "It is valid from then on …"),
	TIME(T, not_after, SHOWN, "… and until then; it is not served any longer."),
	TIME(T, stored_at, SHOWN, "When it was brought."),
	TEXT(T, domain, 0, 0, 0, "Internal."),
	BOOL(T, expired, 0, "Internal."),
	BOOL(T, expiring, 0, "Internal."),
};
#undef T
SCHEMA(certificate_shown_schema, struct certificate_shown, "DomainCertificate", certificate_shown_fields);

#define T struct certificate_row
static const struct field certificate_row_fields[] = {
	TEXT(T, tenant_id, 0, 0, 0, "Internal."),
	TEXT(T, domain, 0, 0, 0, "Internal."),
	TEXT(T, serial, 0, 0, 0, "Internal."),
	TEXT(T, fingerprint, 0, 0, 0, "Internal."),
	TEXT(T, chain, 0, 0, 0, "Internal."),
	TEXT(T, kek_id, 0, 0, 0, "Internal."),
	BYTES(T, sealed_key),
	BYTES(T, wrapped_dek),
	TIME(T, not_after, 0, "Internal."),
};
#undef T
SCHEMA(certificate_row_schema, struct certificate_row, "CertificateRow", certificate_row_fields);

#define T struct certificate_end
static const struct field certificate_end_fields[] = {
	TEXT(T, source, 0, 0, 0, "Internal."),
	INT(T, nearness, 0, 0, 0, "Internal."),
	TIME(T, not_after, 0, "Internal."),
};
#undef T
SCHEMA(certificate_end_schema, struct certificate_end, "CertificateEnd", certificate_end_fields);

#define T struct kek_use
static const struct field kek_use_fields[] = {
	TEXT(T, kek_id, 0, 0, 0, "Internal."),
	INT(T, total, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA(kek_use_schema, struct kek_use, "KekUse", kek_use_fields);

enum nearness nearness_of(int64_t from, int64_t until, int64_t now, int64_t day)
{
	if (now >= until)
		return END_PAST;
	if (now >= until - 2 * day)
		return END_DAYS;
	if (now >= until - 7 * day)
		return END_WEEK;
	return now >= until - (until - from) / 4 ? END_QUARTER : END_FAR;
}
