-- What tenants should know of what they use.
-- include: cc/model/alert_rules.h
-- include: cc/model/tally.h

-- name: usage_watch_due :one tally
SELECT EXISTS (SELECT FROM cc.usage_watch w JOIN cc.tenant t ON t.id = w.tenant_id
                WHERE w.look_at <= now() AND t.status IN ('active', 'suspended'))::int::int8 AS total;

-- Takes some; who dies over one leaves it to whoever comes a minute later. Use that comes meanwhile calls for
-- another look.
-- name: usage_watch_claim :many usage_watch
-- args: most int8
WITH due AS (
	SELECT w.tenant_id, w.recount_at <= now() AS recount
	  FROM cc.usage_watch w JOIN cc.tenant t ON t.id = w.tenant_id
	 WHERE w.look_at <= now() AND t.status IN ('active', 'suspended')
	 ORDER BY w.look_at LIMIT $1 FOR UPDATE OF w SKIP LOCKED
)
UPDATE cc.usage_watch w
   SET looked_at = now(), look_at = now() + interval '60 seconds',
       recount_at = CASE WHEN due.recount THEN now() + interval '1 day' ELSE w.recount_at END
  FROM due
 WHERE w.tenant_id = due.tenant_id
RETURNING w.tenant_id, w.look_at, due.recount;

-- What the look is about, in the control database. by_stripe: as in billing_get.
-- name: usage_watch_rules :opt usage_watch
-- args: tenant_id text, by_stripe bool
SELECT t.id AS tenant_id, t.alert_rules, t.row_version, t.plan_type, p.starts AS period_start,
       u.api_calls, u.bouncer_requests
  FROM cc.tenant t
  JOIN cc.billing b ON b.tenant_id = t.id
 CROSS JOIN LATERAL (
	SELECT coalesce(CASE WHEN $2 THEN b.stripe_start END, cc.period_at(b.anchor, cc.period_of(b.anchor, now())))
	           AS starts) p
 CROSS JOIN LATERAL (
	SELECT coalesce(sum(h.api_calls), 0)::int8 AS api_calls,
	       coalesce(sum(h.bouncer_requests), 0)::int8 AS bouncer_requests
	  FROM cc.usage_hour_total h WHERE h.tenant_id = t.id AND h.hour > p.starts - interval '1 hour') u
 WHERE t.id = $1;

-- It is over: when there is nothing new, again in an hour, or when a bouncer may have become one to tell of.
-- name: usage_watch_done :exec
-- args: tenant_id text, claimed timestamptz, next timestamptz
UPDATE cc.usage_watch
   SET look_at = least(now() + interval '1 hour', greatest($3, now() + interval '1 second'))
 WHERE tenant_id = $1 AND look_at = $2;

-- Moves that ended call for a look, too.
-- name: usage_watch_moved :exec
INSERT INTO cc.usage_watch AS w (tenant_id)
SELECT DISTINCT d.tenant_id FROM cc.deployment d JOIN cc.tenant t ON t.id = d.tenant_id
 WHERE d.completed_at > now() - interval '1 hour' AND t.status <> 'deleting'
ON CONFLICT (tenant_id) DO UPDATE SET look_at = now()
 WHERE w.look_at > now()
   AND EXISTS (SELECT FROM cc.deployment d WHERE d.tenant_id = w.tenant_id AND d.completed_at >= w.looked_at);

-- Moves that failed lately, until another one was asked for.
-- name: deployment_failed :many failed_move
-- args: tenant_id text
SELECT d.id, d.from_region, d.to_region, d.completed_at
  FROM cc.deployment d
 WHERE d.tenant_id = $1 AND d.step = 'aborted' AND NOT d.cancelled AND d.completed_at > now() - interval '7 days'
   AND NOT EXISTS (SELECT FROM cc.deployment e WHERE e.tenant_id = $1 AND e.created_at > d.created_at)
 ORDER BY d.created_at DESC
 LIMIT 1;

-- Under the lock of the tenant's row, behind tenant_lock.
-- name: alert_rules_set :exec1
-- args: tenant_id text, rules json
UPDATE cc.tenant
   SET alert_rules = $2, row_version = row_version + 1, updated_at = date_trunc('second', now())
 WHERE id = $1;

-- All that is so of one type: what is open and not kept is over; what began again within the period (from $8 on)
-- is the same alert as before, which nobody has acknowledged again; what is new is raised. A period may begin earlier
-- than it did: of several from within it the youngest counts.
-- name: alert_sync :exec
-- args: tenant_id text, type text, keep text[], ids text[], severities text[], subjects text[], messages text[]
-- args: period timestamptz
WITH so AS (
	SELECT * FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) AS s (id, severity, subject, message)
), over AS (
	UPDATE cc.alert SET resolved_at = date_trunc('second', now())
	 WHERE tenant_id = $1 AND type = $2 AND resolved_at IS NULL AND NOT subject = ANY ($3)
), again AS (
	UPDATE cc.alert a
	   SET resolved_at = NULL, message = so.message, severity = so.severity,
	       acknowledged_at = CASE WHEN a.resolved_at IS NULL THEN a.acknowledged_at END,
	       acknowledged_by = CASE WHEN a.resolved_at IS NULL THEN a.acknowledged_by END
	  FROM so
	 WHERE a.tenant_id = $1 AND a.type = $2 AND a.subject = so.subject
	   AND ((a.resolved_at IS NOT NULL AND a.created_at >= $8 AND NOT EXISTS (
	           SELECT FROM cc.alert b
	            WHERE b.tenant_id = a.tenant_id AND b.type = a.type AND b.subject = a.subject AND b.id <> a.id
	              AND (b.resolved_at IS NULL OR (b.created_at, b.id) > (a.created_at, a.id))))
	        OR (a.resolved_at IS NULL AND a.message <> so.message))
)
INSERT INTO cc.alert (id, tenant_id, type, severity, subject, message)
SELECT so.id, $1, $2, so.severity, so.subject, so.message FROM so
 WHERE NOT EXISTS (SELECT FROM cc.alert a
                    WHERE a.tenant_id = $1 AND a.type = $2 AND a.subject = so.subject
                      AND (a.resolved_at IS NULL OR a.created_at >= $8))
ON CONFLICT (tenant_id, type, subject) WHERE resolved_at IS NULL DO NOTHING;
