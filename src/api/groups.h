/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_API_GROUPS_H
#define CC_API_GROUPS_H

#include "cc/http/route.h"

/* One per file of this folder; routes.c lists them in the order of the documents. */
extern const struct route_group system_routes, admin_routes, admin_look_routes, tenant_routes, apikey_routes;
extern const struct route_group operator_key_routes;
extern const struct route_group issuer_routes, auth_routes;
extern const struct route_group policy_routes, policy_version_routes, policy_life_routes;
extern const struct route_group policy_engine_routes;
extern const struct route_group resource_routes, bouncer_routes, heartbeat_routes, user_routes;
extern const struct route_group audit_routes, audit_export_routes, checkpoint_routes, signing_routes;
extern const struct route_group operation_routes, quota_routes, domain_routes, alert_routes;
extern const struct route_group bundle_routes, bundle_key_routes, fleet_routes;
extern const struct route_group held_name_routes, deletion_routes;
extern const struct route_group deployment_routes;
extern const struct route_group metrics_routes, usage_routes, billing_routes, alert_rule_routes;

#endif
