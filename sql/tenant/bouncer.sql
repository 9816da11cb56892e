-- include: cc/model/bouncer.h
-- include: cc/model/heartbeat.h
-- include: cc/model/tally.h

-- name: bouncer_insert :exec1
-- args: id int8, name text, description text, hostname text
-- args: port int8, environment text, bouncer_type text, target_app text
-- args: configuration json, version text, created_by text, at timestamptz
-- args: head_version int8
INSERT INTO bouncers (id, name, description, hostname, port, environment, bouncer_type, target_app,
                      configuration, version, created_by, created_at, updated_at, changed_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13);

-- Connected: a heartbeat within the last two minutes.
-- name: bouncer_get :one bouncer
-- args: id int8
SELECT id, name, description, hostname, port, environment, bouncer_type, target_app, configuration,
       version, b.bouncer_id, resource_id, platform, row_version, created_by, created_at, updated_at,
       CASE WHEN l.last_heartbeat > now() - interval '2 minutes' THEN 'connected'::text
            ELSE 'disconnected'::text END AS status,
       coalesce(l.last_heartbeat > now() - interval '2 minutes', false) AS is_connected,
       l.last_heartbeat, l.policies_synced, l.requests_per_second, l.cache_hit_rate, l.revision,
       coalesce(l.intercepting, false) AS intercepting_traffic
  FROM bouncers b LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
 WHERE id = $1 AND deleted_at IS NULL;

-- Under the head lock: a bouncer in full, to be changed.
-- name: bouncer_find :opt bouncer
-- args: id int8
SELECT id, name, description, hostname, port, environment, bouncer_type, target_app, configuration,
       version, b.bouncer_id, resource_id, platform, row_version, created_by, created_at, updated_at,
       CASE WHEN l.last_heartbeat > now() - interval '2 minutes' THEN 'connected'::text
            ELSE 'disconnected'::text END AS status,
       coalesce(l.last_heartbeat > now() - interval '2 minutes', false) AS is_connected,
       l.last_heartbeat, l.policies_synced, l.requests_per_second, l.cache_hit_rate, l.revision,
       coalesce(l.intercepting, false) AS intercepting_traffic
  FROM bouncers b LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
 WHERE id = $1 AND deleted_at IS NULL;

-- Also a deleted one: it can still be removed for good. used_by: live policies that name it.
-- name: bouncer_find_any :opt bouncer
-- args: id int8
SELECT id, name, environment, row_version, deleted_at, key_id,
       (SELECT count(*) FROM policies p WHERE p.bouncer_id = b.id AND p.deleted_at IS NULL) AS used_by
  FROM bouncers b
 WHERE id = $1;

-- Changes are written under the head lock, behind bouncer_find: the row is there until the commit.
-- name: bouncer_update :exec
-- args: id int8, name text, description text, hostname text
-- args: port int8, bouncer_type text, target_app text, configuration json
-- args: version text, at timestamptz, head_version int8
UPDATE bouncers
   SET name = $2, description = $3, hostname = $4, port = $5, bouncer_type = $6, target_app = $7,
       configuration = $8, version = $9,
       row_version = row_version + 1, updated_at = $10, changed_version = $11
 WHERE id = $1 AND deleted_at IS NULL;

-- name: bouncer_delete :exec
-- args: id int8, at timestamptz, head_version int8
UPDATE bouncers
   SET deleted_at = $2, changed_version = $3
 WHERE id = $1 AND deleted_at IS NULL;

-- Deleted policies may still name what is about to be removed for good: without it they come back switched off.
-- name: bouncer_unlink :exec
-- args: id int8, head_version int8
UPDATE policies
   SET bouncer_id = NULL, status = CASE status WHEN 'active' THEN 'inactive' ELSE status END,
       changed_version = $2
 WHERE bouncer_id = $1 AND deleted_at IS NOT NULL;

-- A row that is not there fails on the tombstone.
-- name: bouncer_remove :exec
-- args: id int8, head_version int8
WITH silent AS (
	DELETE FROM bouncer_live WHERE bouncer_id = $1
), gone AS (
	DELETE FROM bouncers WHERE id = $1 RETURNING id
)
INSERT INTO tombstones (tbl, pk, version) VALUES ('bouncers', (SELECT id FROM gone), $2);

-- name: bouncer_list :many bouncer
-- args: skip int8, max_rows int8, environment text, status text
-- args: name text
SELECT id, name, description, hostname, port, environment, bouncer_type, target_app, configuration,
       version, b.bouncer_id, resource_id, platform, row_version, created_by, created_at, updated_at, status, status = 'connected' AS is_connected,
       l.last_heartbeat, l.policies_synced, l.requests_per_second, l.cache_hit_rate, l.revision,
       coalesce(l.intercepting, false) AS intercepting_traffic
  FROM bouncers b LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
 CROSS JOIN LATERAL (
       SELECT CASE WHEN l.last_heartbeat > now() - interval '2 minutes' THEN 'connected'::text
                   ELSE 'disconnected'::text END AS status) s
 WHERE deleted_at IS NULL
   AND ($3::text IS NULL OR environment = $3)
   AND ($4::text IS NULL OR status = $4)
   AND ($5::text IS NULL OR strpos(lower(name), lower($5)) > 0)
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- Without a filter the head row knows how many there are.
-- name: bouncer_total :one tally
SELECT bouncers_used AS total FROM head;

-- name: bouncer_count :one tally
-- args: environment text, status text, name text
SELECT count(*) AS total
  FROM bouncers b LEFT JOIN bouncer_live l ON l.bouncer_id = b.id
 WHERE deleted_at IS NULL
   AND ($1::text IS NULL OR environment = $1)
   AND ($2::text IS NULL
        OR ($2 = 'connected') = coalesce(l.last_heartbeat > now() - interval '2 minutes', false))
   AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0);

-- A sign of life: passes no gate, but only where the tenant lives now. What the counter of requests has grown by is
-- found here, where the row is locked: the first one only tells where it stands, and none grows by more than max_rate a
-- second. A smaller one was overtaken on its way and changes nothing, unless it is below half of what was counted last
-- and thirty seconds behind it: then it began anew. What is not said of the revision was said before. of_environment: NULL, or
-- the only one that the caller speaks for.
-- name: bouncer_beat :opt heartbeat
-- args: id int8, epoch int8, requests_total int8, policies_synced int8, cache_hit_rate float8
-- args: revision text, intercepting bool, max_rate int8, of_environment text
INSERT INTO bouncer_live AS l (bouncer_id, last_heartbeat, policies_synced, cache_hit_rate, requests_total,
                               requests_at, revision, revision_at, intercepting)
SELECT b.id, now(), $4, $5, $3, CASE WHEN $3::int8 IS NOT NULL THEN now() END, $6,
       CASE WHEN $6::text IS NOT NULL THEN now() END, $7
  FROM bouncers b
 WHERE b.id = $1 AND b.deleted_at IS NULL AND ($9::text IS NULL OR b.environment = $9)
   AND EXISTS (SELECT FROM head WHERE epoch = $2 AND writable)
ON CONFLICT (bouncer_id) DO UPDATE
   SET last_heartbeat = greatest(l.last_heartbeat, excluded.last_heartbeat),
       policies_synced = excluded.policies_synced, cache_hit_rate = excluded.cache_hit_rate,
       revision = coalesce(excluded.revision, l.revision), intercepting = excluded.intercepting,
       revision_at = CASE WHEN excluded.revision <> coalesce(l.revision, '') THEN excluded.revision_at
                          ELSE l.revision_at END,
       requests_new = CASE WHEN excluded.requests_total IS NULL OR l.requests_total IS NULL THEN 0
                      ELSE least(CASE WHEN excluded.requests_total >= l.requests_total
                                      THEN excluded.requests_total - l.requests_total
                                      WHEN excluded.requests_total < l.requests_total / 2
                                       AND l.requests_at <= now() - interval '30 seconds'
                                      THEN excluded.requests_total ELSE 0 END,
                                 $8 * ceil(greatest(extract(epoch FROM now() - l.requests_at), 1))::int8) END,
       requests_per_second = CASE WHEN excluded.requests_total IS NULL THEN NULL
                      WHEN l.requests_total IS NULL OR excluded.requests_at <= l.requests_at
                           OR (excluded.requests_total < l.requests_total
                               AND (excluded.requests_total >= l.requests_total / 2
                                    OR l.requests_at > now() - interval '30 seconds'))
                      THEN l.requests_per_second
                      ELSE least(CASE WHEN excluded.requests_total >= l.requests_total
                                      THEN excluded.requests_total - l.requests_total
                                      WHEN excluded.requests_total < l.requests_total / 2
                                       AND l.requests_at <= now() - interval '30 seconds'
                                      THEN excluded.requests_total ELSE 0 END
                                 / greatest(extract(epoch FROM now() - l.requests_at), 1)::float8, $8) END,
       requests_total = CASE WHEN excluded.requests_total < l.requests_total
                              AND (excluded.requests_total >= l.requests_total / 2
                                   OR l.requests_at > now() - interval '30 seconds')
                             THEN l.requests_total ELSE coalesce(excluded.requests_total, l.requests_total) END,
       requests_at = CASE WHEN excluded.requests_total < l.requests_total
                           AND (excluded.requests_total >= l.requests_total / 2
                                OR l.requests_at > now() - interval '30 seconds')
                          THEN l.requests_at ELSE greatest(l.requests_at, excluded.requests_at) END
RETURNING last_heartbeat, requests_new;

-- What it should run: the newest bundle of its environment, if there is any; and whether something has changed
-- since that a newer one may come of.
-- name: bouncer_desired :opt heartbeat
-- args: id int8, signed_by text
SELECT b.environment, o.revision AS desired_revision, o.version IS DISTINCT FROM h.version AS behind
  FROM head h, bouncers b
  LEFT JOIN LATERAL (
	SELECT revision, version FROM objects
	 WHERE kind = 'bundle' AND environment = b.environment AND signed_by = $2 ORDER BY version DESC, key LIMIT 1) o ON true
 WHERE b.id = $1;

-- Why there was none.
-- name: bouncer_fate :opt heartbeat
-- args: id int8, epoch int8
SELECT environment, deleted_at IS NOT NULL AS deleted, EXISTS (SELECT FROM head WHERE epoch = $2 AND writable) AS at_home
  FROM bouncers WHERE id = $1;
