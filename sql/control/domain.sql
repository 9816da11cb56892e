-- Domains of one tenant: bound by row security, and the WHERE says the same once more.
-- include: cc/model/domain.h
-- include: cc/model/tally.h

-- name: domain_list :many domain_row
-- args: tenant_id text, skip int8, max_rows int8
SELECT domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target,
       CASE WHEN status = 'pending' THEN cc.domain_held_until(domain, tenant_id) END AS held_until
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
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target,
       CASE WHEN status = 'pending' THEN cc.domain_held_until(domain, tenant_id) END AS held_until,
       cname_required, failures, coalesce(claim_expires_at <= now(), false) AS claim_over,
       status = 'pending' AND cc.domain_is_held(domain, tenant_id) AS held_elsewhere
  FROM cc.domain
 WHERE tenant_id = $1 AND domain = $2;

-- The tenant's row is locked, so no other domain of it changes meanwhile, but by a check of its records.
-- name: domain_find :opt domain_row
-- args: tenant_id text, domain text
SELECT domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target,
       cname_required, failures, silences, lease_until, cc.domain_is_held($2, $1) AS held_elsewhere,
       cc.domain_held_until($2, $1) AS held_until,
       coalesce(claim_expires_at <= now(), false) AS claim_over, coalesce(stale_at <= now(), false) AS stale_over,
       coalesce(detach_at <= now(), false) AS detach_over, coalesce(release_at <= now(), false) AS release_over
  FROM cc.domain
 WHERE tenant_id = $1 AND domain = $2
   FOR UPDATE;

-- name: domain_held_elsewhere :one domain_row
-- args: tenant_id text, domain text
SELECT cc.domain_is_held($2, $1) AS held_elsewhere, cc.domain_held_until($2, $1) AS held_until;

-- A claim, new or begun again, and nothing known of its records. With the token that it has it goes on, and ends
-- when it would have.
-- name: domain_claim :one domain_row
-- args: tenant_id text, domain text, token text, claim_s int8, check_s int8
INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token, reason, claim_expires_at, next_check_at)
VALUES ($1, $2, 'pending', 'pending', $3, 'not_checked',
        date_trunc('second', now()) + make_interval(secs => $4::float8),
        date_trunc('second', now()) + make_interval(secs => $5::float8))
ON CONFLICT (tenant_id, domain) DO UPDATE
   SET status = 'pending', ssl_status = 'pending', token = excluded.token, reason = excluded.reason,
       txt_verified = false, cname_verified = false, cname_required = false, txt_seen = '[]', cname_seen = '[]',
       findings = '[]', verified_at = NULL, checked_at = NULL, next_check_at = excluded.next_check_at,
       failures = 0, silences = 0, stale_at = NULL, detach_at = NULL, release_at = NULL, lease_until = NULL,
       claim_expires_at = CASE WHEN cc.domain.token = excluded.token THEN cc.domain.claim_expires_at
                               ELSE excluded.claim_expires_at END,
       row_version = cc.domain.row_version + 1
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- What was proven is kept for its tenant beyond its row: as long as it would be, or for the whole time.
-- name: domain_quarantine :exec
-- args: tenant_id text, domain text, quarantine_s int8
INSERT INTO cc.domain_quarantine (tenant_id, domain, until)
SELECT tenant_id, domain, coalesce(release_at, now() + make_interval(secs => $3::float8))
  FROM cc.domain
 WHERE tenant_id = $1 AND domain = $2 AND held AND custom
ON CONFLICT (tenant_id, domain) DO UPDATE SET until = greatest(cc.domain_quarantine.until, excluded.until);

-- Run as cc_ctl.
-- name: domain_quarantine_trim :exec
-- args: most int8
DELETE FROM cc.domain_quarantine
 WHERE (tenant_id, domain) IN (SELECT tenant_id, domain FROM cc.domain_quarantine WHERE until <= now() LIMIT $1);

-- The one that was it goes first: there is one at a time.
-- name: domain_default_clear :exec
-- args: tenant_id text
UPDATE cc.domain SET is_default = false, row_version = row_version + 1 WHERE tenant_id = $1 AND is_default;

-- name: domain_default_set :one domain_row
-- args: tenant_id text, domain text
UPDATE cc.domain SET is_default = true, row_version = row_version + 1
 WHERE tenant_id = $1 AND domain = $2
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- Back to the platform's name, when the other goes.
-- name: domain_default_reset :exec
-- args: tenant_id text
UPDATE cc.domain SET is_default = true, row_version = row_version + 1 WHERE tenant_id = $1 AND NOT custom;

-- name: domain_delete :one domain_deletion
-- args: tenant_id text, domain text
DELETE FROM cc.domain WHERE tenant_id = $1 AND domain = $2
RETURNING 'Domain deleted'::text AS message, domain, date_trunc('second', now()) AS deleted_at;

-- The tenant is shown by it, if by none of its own yet.
-- name: tenant_custom_domain_adopt :exec
-- args: tenant_id text, domain text
UPDATE cc.tenant
   SET custom_domain = $2, updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1 AND custom_domain IS NULL;

-- The tenant is shown by it, whatever was before. Its name under the platform's is none of its own.
-- name: tenant_custom_domain_set :exec
-- args: tenant_id text, domain text
UPDATE cc.tenant
   SET custom_domain = $2, updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1 AND custom_domain IS DISTINCT FROM $2
   AND EXISTS (SELECT FROM cc.domain WHERE tenant_id = $1 AND domain = $2 AND custom);

-- The tenant is shown by it no more, but by the default one or what was proven first of what it has, if anything.
-- name: tenant_custom_domain_drop :exec
-- args: tenant_id text, domain text
UPDATE cc.tenant
   SET custom_domain = (SELECT d.domain FROM cc.domain d
                         WHERE d.tenant_id = $1 AND d.domain <> $2 AND d.custom AND d.routed
                         ORDER BY d.is_default DESC, d.verified_at, d.domain LIMIT 1),
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE id = $1 AND custom_domain = $2;

-- What a look saw that proves nothing, and what follows: when it is looked at again, and when it will have failed
-- for too long. Of a claim with another token it says nothing. due: it was the look that was due, otherwise one that
-- was asked for, which brings the next one nearer at most, and is none of those that must fail in a row.
-- name: domain_failed :exec
-- args: tenant_id text, domain text, token text, reason text, txt_verified bool, cname_verified bool
-- args: txt_seen json, cname_seen json, findings json, next_s int8, denied bool, stale_s int8, silent bool, due bool
UPDATE cc.domain
   SET reason = $4, txt_verified = $5, cname_verified = $6, txt_seen = $7, cname_seen = $8, findings = $9,
       checked_at = date_trunc('second', now()),
       lease_until = CASE WHEN NOT $14 THEN lease_until END,
       failures = failures + ($14 AND ($11 OR status = 'pending'))::int,
       silences = CASE WHEN NOT $14 THEN silences WHEN $13 THEN silences + 1 ELSE 0 END,
       stale_at = CASE WHEN $11 AND status IN ('verified', 'active')
                       THEN coalesce(stale_at, date_trunc('second', now()) + make_interval(secs => $12::float8))
                       ELSE stale_at END,
       next_check_at = least(CASE WHEN NOT $14 THEN next_check_at END,
                             date_trunc('second', now()) + make_interval(secs => $10::float8),
                             CASE WHEN stale_at > now() THEN stale_at END,
                             CASE WHEN detach_at > now() THEN detach_at END)
 WHERE tenant_id = $1 AND domain = $2 AND token = $3 AND status IN ('pending', 'verified', 'active', 'stale');

-- The name is kept for another tenant: it is looked at when that is over.
-- name: domain_wait :exec
-- args: tenant_id text, domain text, until timestamptz
UPDATE cc.domain
   SET reason = 'quarantined', lease_until = NULL, failures = 0,
       next_check_at = greatest($3, date_trunc('second', now()) + interval '1 second')
 WHERE tenant_id = $1 AND domain = $2;

-- Proven, for the first time or once more. It is looked at again on a day of its own after the proof, or else
-- after the whole time; at once where nothing but that look keeps it from being active.
-- name: domain_verify :one domain_row
-- args: tenant_id text, domain text, cname_verified bool, txt_seen json, cname_seen json, findings json
-- args: first_s int8, second_s int8, every_s int8
UPDATE cc.domain
   SET status = CASE WHEN status = 'active' OR (routed AND $3 AND c.good) THEN 'active' ELSE 'verified' END,
       ssl_status = CASE WHEN c.good THEN 'active' WHEN c.some THEN 'expired' ELSE 'pending' END,
       reason = NULL, txt_verified = true, cname_verified = $3, cname_required = cname_required OR $3,
       txt_seen = $4, cname_seen = $5, findings = $6, checked_at = date_trunc('second', now()),
       verified_at = CASE WHEN routed THEN verified_at ELSE date_trunc('second', now()) END,
       next_check_at = CASE
               WHEN NOT routed AND $3 AND c.good THEN now()
               WHEN NOT routed THEN date_trunc('second', now()) + make_interval(secs => $7::float8)
               WHEN now() < verified_at + make_interval(secs => $7::float8)
               THEN verified_at + make_interval(secs => $7::float8)
               WHEN now() < verified_at + make_interval(secs => $8::float8)
               THEN verified_at + make_interval(secs => $8::float8)
               ELSE date_trunc('second', now()) + make_interval(secs => $9::float8) END,
       failures = 0, silences = 0, claim_expires_at = NULL, stale_at = NULL, detach_at = NULL, lease_until = NULL,
       row_version = row_version + CASE WHEN status = 'active' THEN 0
                                        WHEN status = 'verified' AND NOT ($3 AND c.good) THEN 0
                                        ELSE 1 END
  FROM (SELECT count(*) > 0 AS some, count(*) FILTER (WHERE not_after > now()) > 0 AS good
          FROM cc.certificate WHERE tenant_id = $1 AND domain = $2) c
 WHERE tenant_id = $1 AND domain = $2
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- Who else claims what was proven is told soon.
-- name: domain_contest :one tally
-- args: tenant_id text, domain text
SELECT cc.domain_contest($2, $1) AS total;

-- It has failed for long.
-- name: domain_stale :one domain_row
-- args: tenant_id text, domain text, detach_s int8
UPDATE cc.domain
   SET status = 'stale', stale_at = NULL, detach_at = date_trunc('second', now()) + make_interval(secs => $3::float8),
       next_check_at = least(next_check_at, date_trunc('second', now()) + make_interval(secs => $3::float8)),
       row_version = row_version + 1
 WHERE tenant_id = $1 AND domain = $2
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- A claim, a proof or a hold is over: from now on nothing is looked at. release_s: the name is held so long;
-- NULL: it is not.
-- name: domain_end :one domain_row
-- args: tenant_id text, domain text, status text, reason text, release_s int8
UPDATE cc.domain
   SET status = $3, reason = coalesce($4, reason), ssl_status = 'pending', claim_expires_at = NULL, stale_at = NULL,
       detach_at = NULL, next_check_at = NULL, failures = 0, silences = 0, lease_until = NULL,
       release_at = date_trunc('second', now()) + make_interval(secs => $5::float8), row_version = row_version + 1
 WHERE tenant_id = $1 AND domain = $2
RETURNING domain, status, ssl_status, custom, is_default, token, reason, txt_verified, cname_verified, txt_seen,
       cname_seen, findings, created_at, verified_at, checked_at, next_check_at, claim_expires_at, stale_at,
       detach_at, release_at, row_version, (SELECT t.domain FROM cc.tenant t WHERE t.id = tenant_id) AS target;

-- Whether anything is due, asked once a second by every node. Run as cc_ctl, like the next one.
-- name: domain_work_due :one tally
SELECT EXISTS (SELECT FROM cc.domain_work)::int::int8 AS total;

-- Takes some of what is due; nobody else does while the lease lasts. First the oldest of each tenant, then the
-- oldest of all: one that has a thousand keeps no other waiting.
-- name: domain_work_claim :many domain_row
-- args: lease_s int8, most int8
WITH RECURSIVE turn (tenants, tenant_id, domain, place) AS (
	(SELECT ARRAY[w.tenant_id], w.tenant_id, w.domain, 1::int8 FROM cc.domain_work w ORDER BY w.due_at LIMIT 1)
	UNION ALL
	SELECT p.tenants || w.tenant_id, w.tenant_id, w.domain, p.place + 1
	  FROM turn p CROSS JOIN LATERAL (
		SELECT o.tenant_id, o.domain FROM cc.domain_work o
		 WHERE o.tenant_id <> ALL (p.tenants) ORDER BY o.due_at LIMIT 1) w
	 WHERE p.place < $2
), queue AS (
	SELECT tenant_id, domain, place FROM turn
	UNION ALL
	(SELECT tenant_id, domain, $2 + row_number() OVER (ORDER BY due_at) FROM cc.domain_work
	  ORDER BY due_at LIMIT $2 * 2)
), few AS (
	SELECT tenant_id, domain FROM queue GROUP BY tenant_id, domain ORDER BY min(place) LIMIT $2
), due AS (
	SELECT d.tenant_id, d.domain FROM cc.domain d JOIN few f ON f.tenant_id = d.tenant_id AND f.domain = d.domain
	 WHERE d.due_at <= now()
	   FOR UPDATE OF d SKIP LOCKED
)
UPDATE cc.domain d SET lease_until = now() + make_interval(secs => $1::float8)
  FROM due
 WHERE d.tenant_id = due.tenant_id AND d.domain = due.domain
RETURNING d.tenant_id, d.domain, d.status, d.custom, d.token, d.lease_until,
       (SELECT t.domain FROM cc.tenant t WHERE t.id = d.tenant_id) AS target,
       cc.domain_is_held(d.domain, d.tenant_id) AS held_elsewhere,
       coalesce(d.claim_expires_at <= now(), false) AS claim_over,
       coalesce(d.release_at <= now(), false) AS release_over;
