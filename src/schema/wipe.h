/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_SCHEMA_WIPE_H
#define CC_SRC_SCHEMA_WIPE_H

/*
 * From the first call on jansson wipes what it gives back to the heap: bodies may hold secrets, and its
 * parser keeps copies of them that nobody else can reach. Any thread.
 */
void jansson_wipes(void);

#endif
