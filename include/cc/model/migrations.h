/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_MIGRATIONS_H
#define CC_MODEL_MIGRATIONS_H

#include "cc/db/migrate.h"

/* sql/<set>/migrations, embedded by sqlgen. */
extern const struct migration_set control_migrations, region_migrations, tenant_migrations;

#endif
