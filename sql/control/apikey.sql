-- include: cc/model/apikey.h
-- include: cc/model/tally.h

-- name: api_key_insert :one api_key_created
-- args: id text, key_id text, tenant_id text, name text, scopes text[], allowed_cidrs text[]
-- args: hash bytea, display text, created_by text, expires_at timestamptz, rotated_from text
INSERT INTO cc.api_key (id, key_id, tenant_id, name, scopes, allowed_cidrs, hash, display, created_by, created_at,
                        expires_at, rotated_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, date_trunc('second', now()), $10, $11)
RETURNING id, name, scopes, created_at, expires_at;

-- name: api_key_get :one api_key_row
-- args: tenant_id text, id text
SELECT id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, l.last_used_at, l.last_ip, row_version
  FROM cc.api_key k LEFT JOIN cc.api_key_live l ON l.api_key_id = k.id
 WHERE tenant_id = $1 AND id = $2;

-- The tenant's row is locked, so no other key of it changes meanwhile.
-- name: api_key_find :opt api_key_row
-- args: tenant_id text, id text
SELECT id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, l.last_used_at, l.last_ip, row_version,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS live
  FROM cc.api_key k LEFT JOIN cc.api_key_live l ON l.api_key_id = k.id
 WHERE tenant_id = $1 AND id = $2
   FOR UPDATE OF k;

-- Keys beside this one that could make others, and have no successor.
-- name: api_key_admins :one tally
-- args: tenant_id text, id text
SELECT count(*) AS total
  FROM cc.api_key
 WHERE tenant_id = $1 AND id <> $2 AND 'api_keys:write' = ANY (scopes)
   AND rotated_to IS NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- Of a tenant or, without one, of operators; its row is locked. So are the next three.
-- name: api_key_update :opt api_key_row
-- args: tenant_id text, id text, name text, scopes text[], allowed_cidrs text[], expires_at timestamptz
UPDATE cc.api_key k
   SET name = $3, scopes = $4, allowed_cidrs = $5, expires_at = $6, row_version = row_version + 1
 WHERE tenant_id IS NOT DISTINCT FROM $1 AND id = $2
RETURNING id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, row_version,
       (SELECT last_used_at FROM cc.api_key_live l WHERE l.api_key_id = k.id) AS last_used_at,
       (SELECT last_ip FROM cc.api_key_live l WHERE l.api_key_id = k.id) AS last_ip;

-- Its successor is there: from then on it lives for so long at most.
-- name: api_key_supersede :opt api_key_row
-- args: tenant_id text, id text, successor text, overlap_s int8
UPDATE cc.api_key
   SET rotated_to = $3, row_version = row_version + 1,
       expires_at = least(expires_at, date_trunc('second', now()) + make_interval(secs => $4::float8))
 WHERE tenant_id IS NOT DISTINCT FROM $1 AND id = $2
RETURNING id, expires_at, row_version;

-- Its successor gets one in turn: it is taken no more. None when it had ended.
-- name: api_key_end :opt api_key_row
-- args: tenant_id text, id text
UPDATE cc.api_key
   SET row_version = row_version + 1, expires_at = date_trunc('second', now())
 WHERE tenant_id IS NOT DISTINCT FROM $1 AND id = $2 AND revoked_at IS NULL AND expires_at > now()
RETURNING id, scopes, expires_at, row_version;

-- name: api_key_revoke :opt api_key_deletion
-- args: tenant_id text, id text
UPDATE cc.api_key
   SET revoked_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE tenant_id IS NOT DISTINCT FROM $1 AND id = $2
RETURNING 'API key revoked'::text AS message, id, revoked_at AS deleted_at;

-- A key with those before and behind it: a bouncer may have registered with any of them.
-- name: api_key_line :many api_key_row
-- args: tenant_id text, id text
WITH RECURSIVE line (id, rotated_from, rotated_to) AS (
	SELECT k.id, k.rotated_from, k.rotated_to FROM cc.api_key k WHERE k.tenant_id = $1 AND k.id = $2
	UNION
	SELECT k.id, k.rotated_from, k.rotated_to
	  FROM line l JOIN cc.api_key k ON k.tenant_id = $1 AND k.id IN (l.rotated_from, l.rotated_to)
)
SELECT id FROM line ORDER BY id;

-- Of these the ones that are taken and can do nothing but what a bouncer does.
-- name: api_keys_end_of_bouncer :many api_key_deletion
-- args: tenant_id text, ids text[]
UPDATE cc.api_key
   SET revoked_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE tenant_id = $1 AND id = ANY ($2) AND revoked_at IS NULL AND scopes = '{bouncers:connect}'
RETURNING id, revoked_at AS deleted_at;

-- name: api_key_list :many api_key_row
-- args: tenant_id text, skip int8, max_rows int8
SELECT id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, l.last_used_at, l.last_ip, row_version
  FROM cc.api_key k LEFT JOIN cc.api_key_live l ON l.api_key_id = k.id
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
SELECT id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, l.last_used_at, l.last_ip, row_version
  FROM cc.api_key k LEFT JOIN cc.api_key_live l ON l.api_key_id = k.id
 WHERE tenant_id IS NULL AND id = $1;

-- name: operator_key_list :many api_key_row
-- args: skip int8, max_rows int8
SELECT id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, l.last_used_at, l.last_ip, row_version
  FROM cc.api_key k LEFT JOIN cc.api_key_live l ON l.api_key_id = k.id
 WHERE tenant_id IS NULL
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- name: operator_key_count :one tally
SELECT count(*) AS total FROM cc.api_key WHERE tenant_id IS NULL;

-- The one that is meant, the one whose place it took, and every other that could make a new one: none of them
-- changes meanwhile.
-- name: operator_key_lock :many api_key_row
-- args: id text
SELECT id, name, display, scopes, allowed_cidrs, created_by, created_at, expires_at, revoked_at,
       rotated_from, rotated_to, l.last_used_at, l.last_ip, row_version,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS live
  FROM cc.api_key k LEFT JOIN cc.api_key_live l ON l.api_key_id = k.id
 WHERE tenant_id IS NULL
   AND (id = $1 OR id = (SELECT o.rotated_from FROM cc.api_key o WHERE o.id = $1)
        OR ('platform:ops' = ANY (scopes) AND rotated_to IS NULL AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > now())))
 ORDER BY id
   FOR UPDATE OF k;

-- Of any owner. Each at most once a minute, whichever nodes saw it; keys that are gone by now are passed over.
-- name: api_key_seen :exec
-- args: ids text[], ats text[], addresses text[]
INSERT INTO cc.api_key_live AS l (api_key_id, last_used_at, last_ip)
SELECT DISTINCT ON (k.id) k.id, s.at::timestamptz, nullif(s.address, '')
  FROM unnest($1::text[], $2::text[], $3::text[]) AS s (id, at, address)
  JOIN cc.api_key k ON k.id = s.id
 ORDER BY k.id, s.at DESC
ON CONFLICT (api_key_id) DO UPDATE
   SET last_used_at = excluded.last_used_at, last_ip = excluded.last_ip
 WHERE l.last_used_at <= excluded.last_used_at - interval '60 seconds';
