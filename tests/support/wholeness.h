/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_WHOLENESS_H
#define CC_TESTS_WHOLENESS_H

/*
 * What must be true of the control database whenever nothing is under way: queries, NULL-terminated. Each
 * returns one text that says what is wrong, NULL when nothing is. To be run as the superuser.
 */
extern const char *const wholeness_control[];

#endif
