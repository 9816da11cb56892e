-- One tenant is bound by row security, whoever asks; the WHERE says the same once more.
-- include: cc/model/tenant.h
-- include: cc/model/tally.h

-- name: tenant_get :one tenant_row
-- args: id text
SELECT id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version
  FROM cc.tenant
 WHERE id = $1;

-- The first statement of every change: what it decides on stays true until the commit.
-- name: tenant_lock :opt tenant_row
-- args: id text
SELECT id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version,
       status_before, coalesce(purge_at <= now(), false) AS undo_over, purge_hold IS NOT NULL AS unpaid
  FROM cc.tenant
 WHERE id = $1
   FOR UPDATE;

-- name: tenant_update :opt tenant_row
-- args: id text, name text, slug text, domain text, plan_type text
-- args: max_policies int8, max_users int8, max_bouncers int8, max_resources int8
-- args: require_if_match bool, require_tests bool, allowed_regions text[], cors_origins text[]
UPDATE cc.tenant
   SET name = $2, slug = $3, domain = $4, plan_type = $5,
       max_policies = $6, max_users = $7, max_bouncers = $8, max_resources = $9, require_if_match = $10,
       require_tests = $11, allowed_regions = $12, cors_origins = $13,
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1
RETURNING id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version;

-- name: tenant_suspend :opt tenant_row
-- args: id text, mode text, reason text
UPDATE cc.tenant
   SET status = 'suspended', suspend_mode = $2, suspend_reason = $3,
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1
RETURNING id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version;

-- name: tenant_resume :opt tenant_row
-- args: id text
UPDATE cc.tenant
   SET status = 'active', suspend_mode = NULL, suspend_reason = NULL,
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1
RETURNING id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version;

-- name: tenant_delete :opt tenant_row
-- args: id text, undo_s int8
UPDATE cc.tenant
   SET status_before = status, status = 'deletion_scheduled', deleted_at = date_trunc('second', now()),
       purge_at = now() + make_interval(secs => $2::float8),
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1
RETURNING id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version;

-- name: tenant_restore :opt tenant_row
-- args: id text
UPDATE cc.tenant
   SET status = coalesce(status_before, 'active'), status_before = NULL, deleted_at = NULL, purge_at = NULL,
       purge_hold = NULL,
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1
RETURNING id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version;

-- A new slug: at the commit the old name is held for the tenant, the new one is the tenant's or nobody's.
-- name: tenant_name_retire :exec
-- args: id text, name text, hold_days int8
UPDATE cc.name SET kind = 'retired', until = now() + make_interval(days => $3::int)
 WHERE tenant_id = $1 AND name = $2 AND kind = 'slug';

-- name: name_free :one tally
-- args: name text
SELECT cc.name_free($1) AS total;

-- name: tenant_name_add :exec
-- args: id text, name text
INSERT INTO cc.name (name, tenant_id, kind) VALUES ($2, $1, 'slug');

-- Names of its own still lead to the old one: until they lead to the new one, that is no trouble of theirs.
-- name: tenant_domain_move :exec
-- args: id text, domain text
UPDATE cc.domain
   SET domain = CASE WHEN custom THEN domain ELSE $2 END, cname_required = false,
       row_version = row_version + CASE WHEN custom THEN 0 ELSE 1 END
 WHERE tenant_id = $1;

-- Across tenants, for operators. Those that are being removed show only when they are asked for.
-- name: tenant_list :many tenant_row
-- args: skip int8, max_rows int8, status text, region text, plan_type text, name text
SELECT id, slug, name, domain, custom_domain, status, region, plan_type, created_at, updated_at, expires_at,
       max_policies AS "settings.max_policies", max_users AS "settings.max_users",
       max_bouncers AS "settings.max_bouncers", max_resources AS "settings.max_resources",
       require_if_match AS "settings.require_if_match", require_tests AS "settings.require_tests",
       allowed_regions AS "settings.allowed_regions", cors_origins AS "settings.cors_origins",
       suspend_mode, suspend_reason AS suspended_reason, deleted_at, purge_at, row_version
  FROM cc.tenant
 WHERE CASE WHEN $3::text IS NULL THEN status <> 'deleting' ELSE status = $3 END
   AND ($4::text IS NULL OR region = $4)
   AND ($5::text IS NULL OR plan_type = $5)
   AND ($6::text IS NULL OR strpos(lower(name), lower($6)) > 0)
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- name: tenant_count :one tally
-- args: status text, region text, plan_type text, name text
SELECT count(*) AS total
  FROM cc.tenant
 WHERE CASE WHEN $1::text IS NULL THEN status <> 'deleting' ELSE status = $1 END
   AND ($2::text IS NULL OR region = $2)
   AND ($3::text IS NULL OR plan_type = $3)
   AND ($4::text IS NULL OR strpos(lower(name), lower($4)) > 0);

-- name: tenant_ping :one tally
SELECT 1::int8 AS total;
