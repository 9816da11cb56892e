-- include: cc/model/object.h
-- include: cc/model/resource.h
-- include: cc/model/tally.h

-- The newest bundle of an environment that this key has signed, and whether anything that it is made of has changed
-- since. While nodes with the key before this one run beside those with this one, both have their own. Newer: than each
-- of those that somebody has, whoever signed them; of what is not known nobody can say so.
-- name: bundle_look :one bundle_row
-- args: environment text, signed_by text, had text[]
SELECT h.version AS head_version, h.epoch, o.key, o.size, o.sha256, o.revision, o.version,
       o.key IS NULL
       OR EXISTS (SELECT FROM policies p WHERE p.changed_version > o.version AND p.environment = $1)
       OR EXISTS (SELECT FROM resources r WHERE r.changed_version > o.version AND r.environment = $1)
       OR EXISTS (SELECT FROM tombstones t WHERE t.version > o.version AND t.tbl IN ('policies', 'resources'))
       AS touched,
       NOT EXISTS (SELECT FROM unnest($3::text[]) AS had (revision)
                    WHERE NOT EXISTS (SELECT FROM objects x
                                       WHERE x.kind = 'bundle' AND x.environment = $1
                                         AND x.revision = had.revision AND x.version < o.version))
       AS newer, (SELECT why FROM bundle_trouble WHERE environment = $1) AS trouble
  FROM head h
  LEFT JOIN LATERAL (
	SELECT key, size, sha256, revision, version FROM objects
	 WHERE kind = 'bundle' AND environment = $1 AND signed_by = $2 ORDER BY version DESC, key LIMIT 1) o ON true;

-- It cannot be made, or fetched: bouncers wait from the first change on that is not in the newest.
-- name: bundle_trouble_put :exec
-- args: environment text, why text, epoch int8, signed_by text
INSERT INTO bundle_trouble (environment, why, since)
SELECT $1, $2, least(now(), (
	SELECT min(x.at) FROM (
		SELECT max(version) AS version FROM objects
		 WHERE kind = 'bundle' AND environment = $1 AND signed_by = $4) o
	 CROSS JOIN LATERAL (
		SELECT updated_at AS at FROM policies WHERE changed_version > o.version AND environment = $1
		UNION ALL
		SELECT updated_at FROM resources WHERE changed_version > o.version AND environment = $1) x))
 WHERE EXISTS (SELECT FROM head WHERE epoch = $3 AND writable)
ON CONFLICT (environment) DO UPDATE SET why = excluded.why;

-- name: bundle_trouble_over :exec
-- args: environment text
DELETE FROM bundle_trouble WHERE environment = $1;

-- name: bundle_troubles :many bundle_trouble
SELECT environment, since, why FROM bundle_trouble ORDER BY environment;

-- What a bundle would weigh, in bytes.
-- name: bundle_weight :one tally
-- args: environment text
SELECT coalesce((SELECT sum(octet_length(rego_code)) FROM policies
                  WHERE environment = $1 AND status = 'active' AND deleted_at IS NULL), 0)::bigint
     + coalesce((SELECT sum(octet_length(coalesce(attributes::text, '')) + 1024) FROM resources
                  WHERE environment = $1 AND deleted_at IS NULL), 0)::bigint AS total;

-- name: bundle_policies :many bundle_policy
-- args: environment text
SELECT id, name, rego_code, resource_id, bouncer_id, version FROM policies
 WHERE environment = $1 AND status = 'active' AND deleted_at IS NULL
 ORDER BY id;

-- name: bundle_resources :many resource
-- args: environment text
SELECT id, name, type, environment, path, methods, description, attributes, url, original_host, target_host,
       default_security_posture, auto_discovered
  FROM resources
 WHERE environment = $1 AND deleted_at IS NULL
 ORDER BY name;

-- Somebody is about to store an object, and no purge takes the tenant for empty meanwhile.
-- name: storing_put :count
-- args: key text, secs int8, epoch int8
WITH gate AS MATERIALIZED (
	SELECT FROM head WHERE epoch = $3 AND writable FOR SHARE
), past AS (
	DELETE FROM storing WHERE until_time < now() AND key <> $1
)
INSERT INTO storing (key, until_time)
SELECT $1, now() + make_interval(secs => $2::float8) FROM gate
ON CONFLICT (key) DO UPDATE SET until_time = greatest(storing.until_time, excluded.until_time);

-- name: storing_done :exec
-- args: key text
DELETE FROM storing WHERE key = $1;

-- Unmanaged: only where the tenant lives. The same content again is the same object; when there was another in between
-- it is wanted anew.
-- name: bundle_put :count
-- args: key text, size int8, sha256 bytea, environment text
-- args: revision text, version int8, epoch int8, signed_by text
INSERT INTO objects (key, kind, size, sha256, created_at, environment, revision, version, signed_by, wanted_at)
SELECT $1, 'bundle', $2, $3, date_trunc('second', now()), $4, $5, $6, $8, date_trunc('second', now())
 WHERE EXISTS (SELECT FROM head WHERE epoch = $7 AND writable)
ON CONFLICT (key) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256,
       wanted_at = CASE WHEN EXISTS (SELECT FROM objects n
                                      WHERE n.kind = 'bundle' AND n.environment = objects.environment
                                        AND n.signed_by = objects.signed_by AND n.version > objects.version)
                        THEN excluded.wanted_at ELSE objects.wanted_at END,
       version = greatest(objects.version, excluded.version);

-- Nothing in it has changed up to this version.
-- name: bundle_seen :count
-- args: key text, version int8, epoch int8
UPDATE objects SET version = greatest(version, $2)
 WHERE key = $1 AND EXISTS (SELECT FROM head WHERE epoch = $3 AND writable);

-- Those that nobody asks for any more.
-- name: bundle_old :many object_row
-- args: environment text, kept int8, most int8
SELECT key, size, sha256 FROM objects
 WHERE kind = 'bundle' AND environment = $1 ORDER BY version DESC, key OFFSET $2 LIMIT $3;

-- Where the tenant lived when it was looked for: elsewhere it may be.
-- name: object_forget :exec
-- args: key text, epoch int8
DELETE FROM objects WHERE key = $1 AND EXISTS (SELECT FROM head WHERE epoch = $2 AND writable);

-- Those of a list that are recorded.
-- name: object_known :many object_row
-- args: keys text[]
SELECT key, size, sha256 FROM objects WHERE key = ANY ($1);

-- … or about to be.
-- name: storing_known :many object_row
-- args: keys text[]
SELECT key FROM storing WHERE key = ANY ($1) AND until_time > now();

-- name: object_page :many object_row
-- args: after text, most int8
SELECT key, size, sha256 FROM objects WHERE key > $1 ORDER BY key LIMIT $2;

-- name: object_bytes :one tally
SELECT coalesce(sum(size), 0)::bigint AS total FROM objects;
