-- What tenants should know of. Bound by row security, and the WHERE says the same once more.
-- include: cc/model/alert.h
-- include: cc/model/tally.h

-- One that is open stays it: it says what is so now, and whoever acknowledged less has not acknowledged this.
-- name: alert_raise :exec
-- args: id text, tenant_id text, type text, severity text, subject text, message text
INSERT INTO cc.alert AS a (id, tenant_id, type, severity, subject, message)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, type, subject) WHERE resolved_at IS NULL DO UPDATE
   SET severity = excluded.severity, message = excluded.message,
       acknowledged_at = CASE WHEN a.severity = 'critical' OR excluded.severity IN ('info', a.severity)
                              THEN a.acknowledged_at END,
       acknowledged_by = CASE WHEN a.severity = 'critical' OR excluded.severity IN ('info', a.severity)
                              THEN a.acknowledged_by END
 WHERE (a.severity, a.message) IS DISTINCT FROM (excluded.severity, excluded.message);

-- Of one type, or with NULL of all.
-- name: alert_resolve :exec
-- args: tenant_id text, type text, subject text
UPDATE cc.alert
   SET resolved_at = date_trunc('second', now())
 WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2) AND subject = $3 AND resolved_at IS NULL;

-- name: alert_list :many alert
-- args: tenant_id text, skip int8, max_rows int8, status text, severity text, type text
SELECT id, type, severity, subject, message, created_at, acknowledged_at, acknowledged_by, resolved_at
  FROM cc.alert
 WHERE tenant_id = $1
   AND ($4::text IS NULL OR $4 = CASE WHEN resolved_at IS NOT NULL THEN 'resolved'
                                      WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'open' END)
   AND ($5::text IS NULL OR severity = $5)
   AND ($6::text IS NULL OR type = $6)
   AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- name: alert_count :one tally
-- args: tenant_id text, status text, severity text, type text
SELECT count(*) AS total
  FROM cc.alert
 WHERE tenant_id = $1
   AND ($2::text IS NULL OR $2 = CASE WHEN resolved_at IS NOT NULL THEN 'resolved'
                                      WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'open' END)
   AND ($3::text IS NULL OR severity = $3)
   AND ($4::text IS NULL OR type = $4);

-- name: alert_find :opt alert
-- args: tenant_id text, id text
SELECT id, type, severity, subject, message, created_at, acknowledged_at, acknowledged_by, resolved_at
  FROM cc.alert
 WHERE tenant_id = $1 AND id = $2
   FOR UPDATE;

-- name: alert_acknowledge :one alert
-- args: tenant_id text, id text, actor text
UPDATE cc.alert
   SET acknowledged_at = date_trunc('second', now()), acknowledged_by = $3
 WHERE tenant_id = $1 AND id = $2
RETURNING id, type, severity, subject, message, created_at, acknowledged_at, acknowledged_by, resolved_at;

-- What was over long ago. Run as cc_ctl.
-- name: alert_trim :exec
-- args: most int8
DELETE FROM cc.alert
 WHERE id IN (SELECT id FROM cc.alert WHERE resolved_at < now() - interval '90 days' LIMIT $1);
