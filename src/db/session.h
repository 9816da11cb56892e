/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DB_SESSION_PRIVATE_H
#define CC_DB_SESSION_PRIVATE_H

#include "conn.h"
#include "cc/db/session.h"

/* Quoted for a statement that takes no parameters; NULL when the text is not valid. */
const char *session_name(struct ctx *cx, struct db_session *s, const char *name);
const char *session_literal(struct ctx *cx, struct db_session *s, const char *text);
/* SCRAM verifier: the password itself never reaches the server or its log. */
const char *session_verifier(struct ctx *cx, struct db_session *s, const char *role, const char *password);

#endif
