/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/idem.h"

#define T struct idem_row
static const struct field idem_row_fields[] = {
	BYTES(T, fingerprint),
	TEXT(T, subject, F_NULLABLE, 0, 0, "What an operation in several steps makes."),
	INT(T, status, F_NULLABLE, 0, 0, "Of the answer."),
	TEXT(T, body, F_NULLABLE, 0, 0, "Of the answer, without what is shown once only."),
	TEXT(T, location, F_NULLABLE, 0, 0, "Of what was made."),
	TEXT(T, etag, F_NULLABLE, 0, 0, "Of the answer."),
};
#undef T
SCHEMA(idem_row_schema, struct idem_row, "IdempotencyRecord", idem_row_fields);
