/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/purge.h"

#define T struct purge_count
static const struct field purge_count_fields[] = {
	TEXT(T, what, 0, 0, 0, "Internal."),
	INT(T, n, 0, 0, 0, "Internal."),
};
#undef T
SCHEMA(purge_count_schema, struct purge_count, "PurgeCount", purge_count_fields);

#define T struct purge_batch
static const struct field purge_batch_fields[] = {
	INT(T, number, 0, 0, 0, "Internal."),
	STRS(T, keys, 0, 0, 0, NULL, 0, "Internal."),
};
#undef T
SCHEMA(purge_batch_schema, struct purge_batch, "PurgeBatch", purge_batch_fields);

#define T struct deletion_certificate
static const struct field deletion_certificate_fields[] = {
	TEXT(T, tenant_id, F_OUT, 0, 0, "The tenant that is gone."),
	TEXT(T, region, F_OUT, 0, 0, "Where it lived last."),
	TIME(T, created_at, F_OUT, "When it was created."),
	TIME(T, requested_at, F_OUT, "When its deletion was asked for."),
	TIME(T, purged_at, F_OUT, "When nothing of it was left."),
	JSON(T, removed, F_OUT, 0, "How much was removed, by what it was."),
	TEXT(T, certificate, F_OUT, 0, 0,
		"All of this signed: a JWS, by a key of /.well-known/controlcore-keys."),
};
#undef T
SCHEMA(deletion_certificate_schema, struct deletion_certificate, "DeletionCertificate",
	deletion_certificate_fields);
