-- What there is in a tenant's schema now.
-- include: cc/model/bouncer.h
-- include: cc/model/metrics.h
-- include: cc/model/tally.h

-- The head row knows how many there are of each; the rest is counted.
-- name: metric_gauges :one metric_gauges
SELECT h.policies_used AS policies, p.active AS policies_active, p.sandbox AS policies_sandbox,
       h.bouncers_used AS bouncers, b.active AS bouncers_active, b.rpm AS requests_per_minute,
       h.users_used AS users, u.active AS users_active, h.resources_used AS resources, b.next_silent, o.bytes AS storage_bytes
  FROM head h,
       (SELECT count(*) FILTER (WHERE environment = 'production') AS active,
               count(*) FILTER (WHERE environment = 'sandbox') AS sandbox
          FROM policies WHERE deleted_at IS NULL) p,
       (SELECT count(*) AS active, coalesce(round(sum(l.requests_per_second) * 60), 0)::int8 AS rpm,
               min(l.last_heartbeat) + interval '2 minutes' AS next_silent
          FROM bouncers b JOIN bouncer_live l ON l.bouncer_id = b.id
         WHERE b.deleted_at IS NULL AND l.last_heartbeat > now() - interval '2 minutes') b,
       (SELECT count(*) AS active
          FROM users u JOIN user_live l ON l.user_id = u.id
         WHERE u.deleted_at IS NULL AND l.last_seen_at > now() - interval '30 days') u,
       (SELECT coalesce(sum(size), 0)::bigint AS bytes FROM objects) o;

-- Bouncers that have been heard from, and are not any more.
-- name: bouncers_silent :many bouncer
-- args: most int8
SELECT b.id, b.name, b.environment, l.last_heartbeat
  FROM bouncers b JOIN bouncer_live l ON l.bouncer_id = b.id
 WHERE b.deleted_at IS NULL AND l.last_heartbeat <= now() - interval '2 minutes'
 ORDER BY b.id
 LIMIT $1;

-- 1: the head row says something else than the rows counted.
-- name: gauges_drift :one tally
SELECT (h.policies_used <> (SELECT count(*) FROM policies WHERE deleted_at IS NULL)
     OR h.resources_used <> (SELECT count(*) FROM resources WHERE deleted_at IS NULL)
     OR h.bouncers_used <> (SELECT count(*) FROM bouncers WHERE deleted_at IS NULL)
     OR h.users_used <> (SELECT count(*) FROM users WHERE deleted_at IS NULL))::int::int8 AS total
  FROM head h;
