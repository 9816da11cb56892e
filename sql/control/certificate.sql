-- Certificates of domains. Tenants write and see their own; only cc_ctl reads what is sealed.
-- include: cc/model/certificate.h
-- include: cc/model/domain.h
-- include: cc/model/tally.h

-- What is shown of one, or with domain NULL of all of a tenant's.
-- name: certificate_shown :many certificate_shown
-- args: tenant_id text, domain text
SELECT domain, source, serial, fingerprint, issuer, key_type, not_before, not_after, stored_at,
       not_after <= now() AS expired,
       least(not_after - (not_after - not_before) / 4, not_after - interval '7 days') <= now() AS expiring
  FROM cc.certificate
 WHERE tenant_id = $1 AND ($2::text IS NULL OR domain = $2);

-- The one before makes room. The domain's row is locked.
-- name: certificate_drop :exec
-- args: tenant_id text, domain text
DELETE FROM cc.certificate WHERE tenant_id = $1 AND domain = $2;

-- name: certificate_put :exec
-- args: tenant_id text, domain text, source text, serial text, fingerprint text, issuer text, key_type text
-- args: not_before timestamptz, not_after timestamptz, chain text, sealed_key bytea, wrapped_dek bytea
-- args: kek_id text
INSERT INTO cc.certificate (tenant_id, domain, source, serial, fingerprint, issuer, key_type, not_before,
                            not_after, chain, sealed_key, wrapped_dek, kek_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- The domain has another certificate than before. Where it is verified, the next look may find it active.
-- name: domain_certified :exec
-- args: tenant_id text, domain text
UPDATE cc.domain
   SET ssl_status = CASE WHEN routed THEN 'active' ELSE 'pending' END,
       next_check_at = CASE WHEN status = 'verified' AND cname_verified THEN now() ELSE next_check_at END,
       row_version = row_version + 1
 WHERE tenant_id = $1 AND domain = $2;

-- Whether anybody has to be told of an end: asked by every node. Run as cc_ctl, like the next one.
-- name: certificate_work_due :one tally
SELECT EXISTS (SELECT FROM cc.certificate c JOIN cc.tenant t ON t.id = c.tenant_id
                WHERE c.look_at <= now() AND (c.lease_until IS NULL OR c.lease_until <= now())
                  AND t.status IN ('active', 'suspended'))::int::int8 AS total;

-- Takes some of it; nobody else does while the lease lasts. A look that failed stands behind what became due
-- before its lease was over.
-- name: certificate_work_claim :many certificate_row
-- args: lease_s int8, most int8
WITH due AS (
	SELECT c.tenant_id, c.domain FROM cc.certificate c JOIN cc.tenant t ON t.id = c.tenant_id
	 WHERE c.look_at <= now() AND (c.lease_until IS NULL OR c.lease_until <= now())
	   AND t.status IN ('active', 'suspended')
	 ORDER BY greatest(c.look_at, c.lease_until) LIMIT $2 FOR UPDATE OF c SKIP LOCKED
)
UPDATE cc.certificate c SET lease_until = now() + make_interval(secs => $1::float8)
  FROM due
 WHERE c.tenant_id = due.tenant_id AND c.domain = due.domain
RETURNING c.tenant_id, c.domain;

-- How near the end is, and when it is nearer; no row: another node was first. The domain's row is locked.
-- name: certificate_look :opt certificate_end
-- args: tenant_id text, domain text
UPDATE cc.certificate
   SET lease_until = NULL, look_at = coalesce((SELECT min(t) FROM unnest(ARRAY[
	not_after - (not_after - not_before) / 4, not_after - interval '7 days', not_after - interval '48 hours',
	not_after]) t WHERE t > now()), 'infinity')
 WHERE tenant_id = $1 AND domain = $2 AND look_at <= now()
RETURNING source, not_after, CASE WHEN not_after <= now() THEN 4
                          WHEN not_after <= now() + interval '48 hours' THEN 3
                          WHEN not_after <= now() + interval '7 days' THEN 2
                          WHEN not_after - (not_after - not_before) / 4 <= now() THEN 1
                          ELSE 0 END AS nearness;

-- It is over: the domain is proven, and no more served over TLS.
-- name: domain_uncertified :exec
-- args: tenant_id text, domain text
UPDATE cc.domain
   SET ssl_status = 'expired', status = CASE status WHEN 'active' THEN 'verified' ELSE status END,
       row_version = row_version + 1
 WHERE tenant_id = $1 AND domain = $2;

-- What can be served, of one tenant or with NULL of all, by domain: at most one tenant has it routed.
-- name: certificate_servable :many certificate_row
-- args: tenant_id text, after text, max_rows int8
SELECT c.tenant_id, c.domain, c.serial, c.chain, c.kek_id, c.sealed_key, c.wrapped_dek, c.not_after
  FROM cc.certificate c
  JOIN cc.domain d ON d.tenant_id = c.tenant_id AND d.domain = c.domain
 WHERE d.routed AND c.not_after > now() AND c.domain > $2 AND ($1::text IS NULL OR c.tenant_id = $1)
 ORDER BY c.domain LIMIT $3;

-- Whose certificates some node could not show, as far as that is not over.
-- name: certificate_troubled :many certificate_row
-- args: max_rows int8
SELECT tenant_id, subject AS domain FROM cc.alert
 WHERE type = 'certificate_not_servable' AND resolved_at IS NULL
 ORDER BY id LIMIT $1;

-- name: kek_uses :many kek_use
SELECT kek_id, count(*) AS total FROM cc.certificate GROUP BY kek_id ORDER BY kek_id;

-- Some behind this place that are not under this KEK yet.
-- name: certificate_other_kek :many certificate_row
-- args: kek_id text, after_tenant text, after_domain text, max_rows int8
SELECT tenant_id, domain, serial, fingerprint, chain, kek_id, sealed_key, wrapped_dek, not_after
  FROM cc.certificate
 WHERE kek_id <> $1 AND (tenant_id, domain) > ($2, $3)
 ORDER BY tenant_id, domain LIMIT $4;

-- Unless it is another by now. The tenant's row is locked.
-- name: certificate_rewrap :count
-- args: tenant_id text, domain text, wrapped_dek bytea, new_kek_id text, new_dek bytea
UPDATE cc.certificate SET kek_id = $4, wrapped_dek = $5
 WHERE tenant_id = $1 AND domain = $2 AND wrapped_dek = $3;
