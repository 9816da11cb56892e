-- include: cc/model/registry.h

-- A tenant by any name of its own: id or slug.
-- name: tenant_place_by_name :opt tenant_place_row
-- args: name text
SELECT t.id, t.slug, t.name, t.domain, t.status, t.suspend_mode, t.plan_type,
       t.max_policies, t.max_resources, t.max_users, t.max_bouncers, t.quotas, t.require_if_match, t.require_tests,
       t.issuers, t.cors_origins,
       coalesce((SELECT b.status = 'grace' FROM cc.billing b WHERE b.tenant_id = t.id), false) AS overdue,
       t.region, t.schema_id, t.shard, t.epoch, s.version AS schema_version,
       ARRAY(SELECT d.domain FROM cc.domain d
              WHERE d.tenant_id = t.id AND d.routed AND d.custom ORDER BY d.domain) AS hosts
  FROM cc.name n
  JOIN cc.tenant t ON t.id = n.tenant_id
  LEFT JOIN cc.tenant_schema s ON s.schema_id = t.schema_id
 WHERE n.name = $1 AND n.kind <> 'retired';

-- By a domain that was proven to be the tenant's.
-- name: tenant_place_by_host :opt tenant_place_row
-- args: host text
SELECT t.id, t.slug, t.name, t.domain, t.status, t.suspend_mode, t.plan_type,
       t.max_policies, t.max_resources, t.max_users, t.max_bouncers, t.quotas, t.require_if_match, t.require_tests,
       t.issuers, t.cors_origins,
       coalesce((SELECT b.status = 'grace' FROM cc.billing b WHERE b.tenant_id = t.id), false) AS overdue,
       t.region, t.schema_id, t.shard, t.epoch, s.version AS schema_version,
       ARRAY(SELECT d.domain FROM cc.domain d
              WHERE d.tenant_id = t.id AND d.routed AND d.custom ORDER BY d.domain) AS hosts
  FROM cc.domain n
  JOIN cc.tenant t ON t.id = n.tenant_id
  LEFT JOIN cc.tenant_schema s ON s.schema_id = t.schema_id
 WHERE n.domain = $1 AND n.routed AND n.custom;

-- name: cred_by_key_id :opt cred_row
-- args: key_id text
SELECT id, key_id, name, tenant_id, scopes, allowed_cidrs, hash, expires_at, revoked_at,
       starts_with(display, 'cc_test_') AS test
  FROM cc.api_key
 WHERE key_id = $1;

-- The head and what came after a version, as of one moment; with nothing new the head alone.
-- name: feed_since :many feed_row
-- args: version int8, max_rows int8
SELECT h.version AS head, c.version, c.tenant_id, c.kind, c.subject
  FROM cc.change_head h
  LEFT JOIN LATERAL (
	SELECT version, tenant_id, kind, subject FROM cc.change WHERE version > $1 ORDER BY version LIMIT $2
  ) c ON true
 ORDER BY c.version;
