/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_HTTP_HTML_H
#define CC_SRC_HTTP_HTML_H

#include "cc/base/str.h"

/* Text as content or as a quoted attribute. The result is well-formed XML as well. */
void html_text(struct str *out, const char *text);
/* CommonMark as far as the tables use it: paragraphs, `code`, **bold**. */
void html_words(struct str *out, const char *words);
void html_paragraphs(struct str *out, const char *words);
/* What can be the id of an element, made of a name: "policy-life-cycle". */
const char *html_id(struct arena *a, const char *name);

#endif
