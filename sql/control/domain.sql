-- Domains of one tenant: bound by row security, and the WHERE says the same once more.
-- include: cc/model/domain.h
-- include: cc/model/tally.h

-- name: domain_list :many domain_row
-- args: tenant_id text, skip int8, max_rows int8
SELECT domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, created_at, verified_at, checked_at, next_check_at, claim_expires_at, row_version,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target
  FROM cc.domain
 WHERE tenant_id = $1
   AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- name: domain_count :one tally
-- args: tenant_id text
SELECT count(*) AS total FROM cc.domain WHERE tenant_id = $1;

-- name: domain_get :opt domain_row
-- args: tenant_id text, domain text
SELECT domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, created_at, verified_at, checked_at, next_check_at, claim_expires_at, row_version,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target
  FROM cc.domain
 WHERE tenant_id = $1 AND domain = $2;

-- The tenant's row is locked, so no other domain of it changes meanwhile, but by a check of its records.
-- name: domain_find :opt domain_row
-- args: tenant_id text, domain text
SELECT domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, created_at, verified_at, checked_at, next_check_at, claim_expires_at, row_version,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target,
       cc.domain_is_held($2, $1) AS held_elsewhere, coalesce(claim_expires_at <= now(), false) AS claim_over
  FROM cc.domain
 WHERE tenant_id = $1 AND domain = $2
   FOR UPDATE;

-- name: domain_held_elsewhere :one tally
-- args: tenant_id text, domain text
SELECT cc.domain_is_held($2, $1)::int::int8 AS total;

-- A claim, new or begun again: with its token, and nothing known of its records.
-- name: domain_claim :one domain_row
-- args: tenant_id text, domain text, token text, claim_s int8
INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token, reason, claim_expires_at)
VALUES ($1, $2, 'pending', 'pending', $3, 'not_checked',
        date_trunc('second', now()) + make_interval(secs => $4::float8))
ON CONFLICT (tenant_id, domain) DO UPDATE
   SET status = 'pending', ssl_status = 'pending', token = excluded.token, reason = excluded.reason,
       txt_verified = false, cname_verified = false, txt_seen = '[]', cname_seen = '[]',
       verified_at = NULL, checked_at = NULL, next_check_at = NULL,
       claim_expires_at = excluded.claim_expires_at, row_version = cc.domain.row_version + 1
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, created_at, verified_at, checked_at, next_check_at, claim_expires_at, row_version,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- The one that was it goes first: there is one at a time.
-- name: domain_default_clear :exec
-- args: tenant_id text
UPDATE cc.domain SET is_default = false, row_version = row_version + 1 WHERE tenant_id = $1 AND is_default;

-- name: domain_default_set :one domain_row
-- args: tenant_id text, domain text
UPDATE cc.domain SET is_default = true, row_version = row_version + 1
 WHERE tenant_id = $1 AND domain = $2
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, created_at, verified_at, checked_at, next_check_at, claim_expires_at, row_version,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- name: domain_delete :one domain_deletion
-- args: tenant_id text, domain text
DELETE FROM cc.domain WHERE tenant_id = $1 AND domain = $2
RETURNING 'Domain deleted'::text AS message, domain, date_trunc('second', now()) AS deleted_at;

-- The tenant shows it no more.
-- name: tenant_custom_domain_drop :exec
-- args: tenant_id text, domain text
UPDATE cc.tenant
   SET custom_domain = NULL, updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1 AND custom_domain = $2;

-- What a check saw that proves nothing. Of a claim with another token it says nothing.
-- name: domain_seen :exec
-- args: tenant_id text, domain text, token text, reason text, txt_verified bool, cname_verified bool
-- args: txt_seen json, cname_seen json
UPDATE cc.domain
   SET reason = $4, txt_verified = $5, cname_verified = $6, txt_seen = $7, cname_seen = $8,
       checked_at = date_trunc('second', now())
 WHERE tenant_id = $1 AND domain = $2 AND token = $3;

-- name: domain_verify :one domain_row
-- args: tenant_id text, domain text, cname_verified bool, txt_seen json, cname_seen json
UPDATE cc.domain
   SET status = CASE status WHEN 'active' THEN status ELSE 'verified' END, reason = NULL, txt_verified = true,
       cname_verified = $3, txt_seen = $4, cname_seen = $5, checked_at = date_trunc('second', now()),
       verified_at = CASE WHEN routed THEN verified_at ELSE date_trunc('second', now()) END,
       claim_expires_at = NULL,
       row_version = row_version + CASE WHEN status IN ('active', 'verified') THEN 0 ELSE 1 END
 WHERE tenant_id = $1 AND domain = $2
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, created_at, verified_at, checked_at, next_check_at, claim_expires_at, row_version,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;
