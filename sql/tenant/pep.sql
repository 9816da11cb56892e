-- include: cc/model/bouncer.h
-- include: cc/model/pep.h
-- include: cc/model/resource.h
-- include: cc/model/tally.h

-- Under the head lock: the live bouncer that calls itself so.
-- name: pep_find :opt bouncer
-- args: bouncer_id text
SELECT id, name, description, hostname, port, environment, bouncer_type, target_app, configuration, version,
       row_version, created_by, created_at, updated_at, bouncer_id, resource_id, platform, key_id
  FROM bouncers WHERE bouncer_id = $1 AND deleted_at IS NULL;

-- One that was made by hand, and is now heard of for the first time.
-- name: pep_adopt :opt bouncer
-- args: environment text, name text
SELECT id, name, description, hostname, port, environment, bouncer_type, target_app, configuration, version,
       row_version, created_by, created_at, updated_at, bouncer_id, resource_id, platform, key_id
  FROM bouncers WHERE environment = $1 AND name = $2 AND bouncer_id IS NULL AND deleted_at IS NULL;

-- name: pep_insert :exec1
-- args: id int8, name text, hostname text, environment text
-- args: bouncer_type text, version text, bouncer_id text, resource_id int8
-- args: platform text, created_by text, at timestamptz, head_version int8, key_id text
INSERT INTO bouncers (id, name, hostname, environment, bouncer_type, version, bouncer_id, resource_id, platform,
                      created_by, created_at, updated_at, changed_version, key_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13);

-- name: pep_update :exec
-- args: id int8, name text, hostname text, bouncer_type text
-- args: version text, bouncer_id text, resource_id int8, platform text
-- args: at timestamptz, head_version int8, key_id text
UPDATE bouncers
   SET name = $2, hostname = $3, bouncer_type = $4, version = $5, bouncer_id = $6, resource_id = $7, platform = $8,
       key_id = $11, row_version = row_version + 1, updated_at = $9, changed_version = $10
 WHERE id = $1 AND deleted_at IS NULL;

-- Other bouncers that registered with one of these keys.
-- name: pep_sharing :one tally
-- args: id int8, keys text[]
SELECT count(*) AS total FROM bouncers WHERE key_id = ANY ($2) AND deleted_at IS NULL AND id <> $1;

-- name: pep_resource :opt resource
-- args: environment text, name text
SELECT id, name, environment, type, url, original_host, target_host, default_security_posture, auto_discovered
  FROM resources WHERE environment = $1 AND name = $2 AND deleted_at IS NULL;

-- name: pep_resource_update :exec
-- args: id int8, type text, url text, original_host text
-- args: target_host text, default_security_posture text, at timestamptz, head_version int8
UPDATE resources
   SET type = $2, url = $3, original_host = $4, target_host = $5, default_security_posture = $6,
       version = version + 1, updated_at = $7, changed_version = $8
 WHERE id = $1 AND deleted_at IS NULL;

-- name: pep_resource_insert :exec1
-- args: id int8, name text, type text, environment text
-- args: url text, original_host text, target_host text, default_security_posture text
-- args: created_by text, at timestamptz, head_version int8
INSERT INTO resources (id, name, type, environment, url, original_host, target_host, default_security_posture,
                       auto_discovered, created_by, created_at, updated_at, changed_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true, $9, $10, $10, $11);

-- What a bouncer says of the bundle that it runs. Unmanaged, and a sign of life.
-- name: pep_status :count
-- args: bouncer_id text, environment text, revision text, fault text
-- args: epoch int8
INSERT INTO bouncer_live (bouncer_id, last_heartbeat, revision, revision_at, fault, fault_at)
SELECT b.id, now(), $3, now(), $4, CASE WHEN $4::text IS NOT NULL THEN now() END FROM bouncers b, head h
 WHERE b.bouncer_id = $1 AND b.deleted_at IS NULL AND ($2::text IS NULL OR b.environment = $2)
   AND h.epoch = $5 AND h.writable
ON CONFLICT (bouncer_id) DO UPDATE
   SET last_heartbeat = excluded.last_heartbeat,
       revision_at = CASE WHEN bouncer_live.revision IS DISTINCT FROM excluded.revision THEN excluded.revision_at
                          ELSE bouncer_live.revision_at END,
       revision = excluded.revision, fault = excluded.fault,
       fault_at = CASE WHEN excluded.fault IS NOT NULL THEN coalesce(bouncer_live.fault_at, now()) END;

-- name: pep_known :one tally
-- args: bouncer_id text, environment text
SELECT count(*) AS total FROM bouncers
 WHERE bouncer_id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR environment = $2);

-- What a bouncer should run, and what it does. All of it follows from what is stored: it changes when something
-- happens, and not with the clock.
-- name: bouncer_revisions :one bouncer_revisions
-- args: id int8, signed_by text
SELECT b.id, b.bouncer_id, b.environment, o.revision AS wanted_revision, o.wanted_at AS wanted_since,
       l.revision AS acknowledged_revision, l.revision_at AS acknowledged_at, l.fault,
       coalesce(l.revision = o.revision AND t.since IS NULL, false) AS current, x.since AS behind_since,
       t.since AS unbuilt_since,
       coalesce(greatest(0, extract(epoch FROM l.last_heartbeat - x.since))::bigint, 0) AS lag_seconds
  FROM bouncers b
  LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
  LEFT JOIN LATERAL (
	SELECT revision, wanted_at FROM objects
	 WHERE kind = 'bundle' AND environment = b.environment AND signed_by = $2 ORDER BY version DESC, key LIMIT 1) o ON true
  LEFT JOIN bundle_trouble t ON t.environment = b.environment
 CROSS JOIN LATERAL (
	SELECT least(CASE WHEN t.since IS NOT NULL THEN greatest(t.since, b.created_at) END,
	             CASE WHEN l.revision IS DISTINCT FROM o.revision AND o.revision IS NOT NULL
	                  THEN greatest(o.wanted_at, b.created_at) END) AS since) x
 WHERE b.id = $1 AND b.deleted_at IS NULL;

-- name: bouncer_health :one bouncer_health
-- args: id int8
SELECT b.id, b.bouncer_id, l.last_heartbeat, l.policies_synced AS policies_loaded,
       coalesce(l.fault, 'bundle_failed: ' || t.why) AS fault,
       CASE WHEN l.last_heartbeat IS NULL THEN 'unknown'
            WHEN l.last_heartbeat <= now() - interval '2 minutes' THEN 'disconnected'
            WHEN l.fault IS NOT NULL OR t.why IS NOT NULL THEN 'degraded' ELSE 'healthy' END AS status,
       (CASE WHEN l.revision IS NOT NULL
             THEN l.last_heartbeat > now() - interval '2 minutes' AND l.fault IS NULL END)::text AS opal_connected,
       l.cache_hit_rate AS "cache_status.hit_rate",
       (SELECT p.id FROM bouncers p JOIN resources x ON x.id = p.resource_id JOIN resources y ON y.id = b.resource_id
         WHERE p.environment <> b.environment AND p.deleted_at IS NULL AND x.name = y.name
         ORDER BY p.id LIMIT 1) AS pair_id
  FROM bouncers b LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
  LEFT JOIN bundle_trouble t ON t.environment = b.environment
 WHERE b.id = $1 AND b.deleted_at IS NULL;

-- How far a revision has come, among bouncers that are there: what is switched off runs nothing, and would keep every
-- rollout from its end.
-- name: rollout_look :one rollout
-- args: revision text, signed_by text
SELECT o.revision, o.environment, o.created_at,
       coalesce(o.signed_by = $2 AND o.version =
                (SELECT max(version) FROM objects n
                  WHERE n.kind = 'bundle' AND n.environment = o.environment AND n.signed_by = $2), false) AS wanted,
       (SELECT since FROM bundle_trouble t WHERE t.environment = o.environment) AS unbuilt_since,
       count(b.id) FILTER (WHERE l.last_heartbeat > now() - interval '2 minutes') AS total,
       count(b.id) FILTER (WHERE l.last_heartbeat > now() - interval '2 minutes' AND l.revision = o.revision) AS live,
       count(b.id) FILTER (WHERE l.last_heartbeat > now() - interval '2 minutes' AND l.revision = o.revision
                             AND l.fault IS NULL) AS connected,
       count(b.id) FILTER (WHERE coalesce(l.last_heartbeat <= now() - interval '2 minutes', true)) AS disconnected
  FROM objects o
  LEFT JOIN bouncers b ON b.environment = o.environment AND b.deleted_at IS NULL
  LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
 WHERE o.kind = 'bundle' AND o.revision = $1
 GROUP BY o.key;

-- name: rollout_behind :many rollout_bouncer
-- args: revision text, most int8
SELECT b.id, b.name, l.revision, l.last_heartbeat, l.fault
  FROM objects o
  JOIN bouncers b ON b.environment = o.environment AND b.deleted_at IS NULL
  JOIN bouncer_live l ON l.bouncer_id = b.id
 WHERE o.kind = 'bundle' AND o.revision = $1 AND l.revision IS DISTINCT FROM o.revision
   AND l.last_heartbeat > now() - interval '2 minutes'
 ORDER BY b.id LIMIT $2;

-- A sign of life, with the write that it comes with.
-- name: pep_alive :exec
-- args: id int8
INSERT INTO bouncer_live (bouncer_id, last_heartbeat) VALUES ($1, now())
ON CONFLICT (bouncer_id) DO UPDATE SET last_heartbeat = excluded.last_heartbeat;
