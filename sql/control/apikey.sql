-- include: cc/model/apikey.h
-- include: cc/model/tally.h

-- name: api_key_insert :one api_key_created
-- args: id text, key_id text, tenant_id text, name text, scopes text[]
-- args: hash bytea, display text, created_by text, expires_at timestamptz
INSERT INTO cc.api_key (id, key_id, tenant_id, name, scopes, hash, display, created_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, date_trunc('second', now()), $9)
RETURNING id, name, scopes, created_at, expires_at;

-- name: api_key_get :one api_key_row
-- args: tenant_id text, id text
SELECT id, name, display, scopes, created_by, created_at, expires_at, revoked_at, row_version
  FROM cc.api_key
 WHERE tenant_id = $1 AND id = $2;

-- The tenant's row is locked, so no other key of it changes meanwhile.
-- name: api_key_find :opt api_key_row
-- args: tenant_id text, id text
SELECT id, name, display, scopes, created_by, created_at, expires_at, revoked_at, row_version,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS live
  FROM cc.api_key
 WHERE tenant_id = $1 AND id = $2
   FOR UPDATE;

-- Keys beside this one that could make others.
-- name: api_key_admins :one tally
-- args: tenant_id text, id text
SELECT count(*) AS total
  FROM cc.api_key
 WHERE tenant_id = $1 AND id <> $2 AND 'api_keys:write' = ANY (scopes)
   AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- What counts against the tenant's limit.
-- name: api_key_live :one tally
-- args: tenant_id text
SELECT count(*) AS total
  FROM cc.api_key
 WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- name: api_key_revoke :opt api_key_deletion
-- args: tenant_id text, id text
UPDATE cc.api_key
   SET revoked_at = coalesce(revoked_at, date_trunc('second', now())),
       row_version = row_version + (revoked_at IS NULL)::int
 WHERE tenant_id = $1 AND id = $2
RETURNING 'API key revoked'::text AS message, id, revoked_at AS deleted_at;

-- name: api_key_list :many api_key_row
-- args: tenant_id text, skip int8, max_rows int8
SELECT id, name, display, scopes, created_by, created_at, expires_at, revoked_at, row_version
  FROM cc.api_key
 WHERE tenant_id = $1
   AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- name: api_key_count :one tally
-- args: tenant_id text
SELECT count(*) AS total FROM cc.api_key WHERE tenant_id = $1;

-- Operators' keys: those of no tenant ------------------------------------------------------------------

-- name: operator_key_get :one api_key_row
-- args: id text
SELECT id, name, display, scopes, created_by, created_at, expires_at, revoked_at, row_version
  FROM cc.api_key
 WHERE tenant_id IS NULL AND id = $1;

-- name: operator_key_list :many api_key_row
-- args: skip int8, max_rows int8
SELECT id, name, display, scopes, created_by, created_at, expires_at, revoked_at, row_version
  FROM cc.api_key
 WHERE tenant_id IS NULL
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- name: operator_key_count :one tally
SELECT count(*) AS total FROM cc.api_key WHERE tenant_id IS NULL;

-- The one that is meant, and every other that could make a new one: none of them changes meanwhile.
-- name: operator_key_lock :many api_key_row
-- args: id text
SELECT id, name, display, scopes, created_by, created_at, expires_at, revoked_at, row_version,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS live
  FROM cc.api_key
 WHERE tenant_id IS NULL
   AND (id = $1 OR ('platform:ops' = ANY (scopes) AND revoked_at IS NULL
                    AND (expires_at IS NULL OR expires_at > now())))
 ORDER BY id
   FOR UPDATE;

-- name: operator_key_revoke :opt api_key_deletion
-- args: id text
UPDATE cc.api_key
   SET revoked_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE tenant_id IS NULL AND id = $1
RETURNING 'API key revoked'::text AS message, id, revoked_at AS deleted_at;
