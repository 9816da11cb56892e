/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_SCHEMA_TREE_H
#define CC_SRC_SCHEMA_TREE_H

#include <jansson.h>

#include "cc/schema/write.h"

/* Prints a tree in its shortest form; its depth was capped by json_scan(). */
void tree_write(struct jw *w, json_t *v);

#endif
