-- What there is in a tenant's schema now.
-- include: cc/model/metrics.h

-- The head row knows how many there are of each; the rest is counted.
-- name: metric_gauges :one metric_gauges
SELECT h.policies_used AS policies, p.active AS policies_active, p.sandbox AS policies_sandbox,
       h.bouncers_used AS bouncers, b.active AS bouncers_active, b.rpm AS requests_per_minute,
       h.users_used AS users, u.active AS users_active, h.resources_used AS resources
  FROM head h,
       (SELECT count(*) FILTER (WHERE environment = 'production') AS active,
               count(*) FILTER (WHERE environment = 'sandbox') AS sandbox
          FROM policies WHERE deleted_at IS NULL) p,
       (SELECT count(*) AS active, coalesce(round(sum(l.requests_per_second) * 60), 0)::int8 AS rpm
          FROM bouncers b JOIN bouncer_live l ON l.bouncer_id = b.id
         WHERE b.deleted_at IS NULL AND l.last_heartbeat > now() - interval '2 minutes') b,
       (SELECT count(*) AS active
          FROM users u JOIN user_live l ON l.user_id = u.id
         WHERE u.deleted_at IS NULL AND l.last_seen_at > now() - interval '30 days') u;
