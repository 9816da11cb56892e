/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_ROLE_H
#define CC_CORE_ROLE_H

#include "cc/base/ctx.h"
#include "cc/base/str.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * The roles of people (cc/model/user.h: user_roles) as scopes. Viewer reads all but billing and keys;
 * Developer writes and tests policies and resources as well; Manager promotes and looks after users and
 * alerts; Admin may do all that can be done in a tenant.
 */
/* 0: no such role. */
uint64_t role_scopes(const char *role);
uint64_t roles_scopes(const struct strv *roles);        /* unknown ones give nothing */
/* Each once, in the order of the table. */
struct strv roles_normal(struct arena *a, const struct strv *roles);
struct strv role_permissions(struct arena *a, const struct strv *roles);

/*
 * Whether cx->actor may give these roles, or take them away: it must hold all that they allow, or speak for
 * the platform. ERR_SCOPE_GRANT names the role.
 */
enum err role_check_grant(struct ctx *cx, const struct strv *roles) MUST_USE;

#endif
