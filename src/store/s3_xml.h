/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_STORE_S3_XML_H
#define CC_SRC_STORE_S3_XML_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The XML that S3 servers answer with: called for each element at its end, with what its parent is called
 * ("" at the root) and with its own text, at most 4 KiB. False ends it.
 */
typedef bool (*s3_xml_fn)(void *arg, const char *parent, const char *name, const char *text);
/*
 * False: it is no XML, has a document type, is too deep or too long in one place, or fn said no. Any
 * thread.
 */
bool s3_xml_read(const char *text, size_t n, s3_xml_fn fn, void *arg);

#endif
