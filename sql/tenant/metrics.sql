-- What there is in a tenant's schema now.
-- include: cc/model/bouncer.h
-- include: cc/model/metrics.h
-- include: cc/model/pep.h
-- include: cc/model/tally.h

-- The head row knows how many there are of each; the rest is counted.
-- name: metric_gauges :one metric_gauges
SELECT h.policies_used AS policies, p.active AS policies_active, p.sandbox AS policies_sandbox,
       h.bouncers_used AS bouncers, b.active AS bouncers_active, b.rpm AS requests_per_minute,
       h.users_used AS users, u.active AS users_active, h.resources_used AS resources, o.bytes AS storage_bytes
  FROM head h,
       (SELECT count(*) FILTER (WHERE environment = 'production') AS active,
               count(*) FILTER (WHERE environment = 'sandbox') AS sandbox
          FROM policies WHERE deleted_at IS NULL) p,
       (SELECT count(*) AS active, coalesce(round(sum(l.requests_per_second) * 60), 0)::int8 AS rpm
          FROM bouncers b JOIN bouncer_live l ON l.bouncer_id = b.id
         WHERE b.deleted_at IS NULL AND l.last_heartbeat > now() - interval '2 minutes') b,
       (SELECT count(*) AS active
          FROM users u JOIN user_live l ON l.user_id = u.id
         WHERE u.deleted_at IS NULL AND l.last_seen_at > now() - interval '30 days') u,
       (SELECT coalesce(sum(size), 0)::bigint AS bytes FROM objects) o;

-- Bouncers that their tenant is to be told of: that have been heard from, and are not any more; that have said for two
-- minutes that something is wrong with their bundle; that run another revision than the newest for behind_s seconds.
-- Behind them a row without an id, which says when the next may follow.
-- name: bouncers_stale :many stale_bouncer
-- args: signed_by text, behind_s int8, most int8
WITH newest AS (
	SELECT DISTINCT ON (environment) environment, revision, wanted_at FROM objects
	 WHERE kind = 'bundle' AND signed_by = $1 ORDER BY environment, version DESC, key
), heard AS (
	SELECT b.id, b.name, b.environment, l.last_heartbeat, l.revision, l.fault, n.revision AS wanted,
	       l.last_heartbeat + interval '2 minutes' AS silent_at, l.fault_at + interval '2 minutes' AS faulty_at,
	       CASE WHEN l.revision <> n.revision
	            THEN greatest(n.wanted_at, b.created_at) END AS since
	  FROM bouncers b JOIN bouncer_live l ON l.bouncer_id = b.id
	  LEFT JOIN newest n ON n.environment = b.environment
	 WHERE b.deleted_at IS NULL
), due AS (
	SELECT *, since + make_interval(secs => $2::float8) AS behind_at FROM heard
)
(SELECT id, name, environment, last_heartbeat, revision, fault, wanted, since,
        CASE WHEN silent_at <= now() THEN 'silent' WHEN faulty_at <= now() THEN 'fault' ELSE 'behind' END AS why
   FROM due WHERE least(silent_at, faulty_at, behind_at) <= now() ORDER BY id LIMIT $3)
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, min(x.at), NULL
  FROM due CROSS JOIN LATERAL (VALUES (silent_at), (faulty_at), (behind_at)) x (at)
 WHERE x.at > now() AND silent_at > now();

-- 1: the head row says something else than the rows counted.
-- name: gauges_drift :one tally
SELECT (h.policies_used <> (SELECT count(*) FROM policies WHERE deleted_at IS NULL)
     OR h.resources_used <> (SELECT count(*) FROM resources WHERE deleted_at IS NULL)
     OR h.bouncers_used <> (SELECT count(*) FROM bouncers WHERE deleted_at IS NULL)
     OR h.users_used <> (SELECT count(*) FROM users WHERE deleted_at IS NULL))::int::int8 AS total
  FROM head h;
