-- What a move copies, as the owner of both schemas. Rows travel as PostgreSQL writes them (their columns are the
-- same on both sides); $1 says of which table, and the branches of the others are not even begun.
-- include: cc/model/head.h
-- include: cc/model/move.h
-- include: cc/model/tally.h

-- What the copy begins with: from then on it is the mark up to which the target has everything.
-- name: move_adopt :exec
-- args: epoch int8, version int8, audit_seq int8
UPDATE head SET epoch = $1, version = $2, audit_seq = $3 WHERE epoch = 0;

-- References are checked again when all is there: while rows arrive in whatever order they cannot be.
-- name: move_loosen :exec
ALTER TABLE policies DROP CONSTRAINT IF EXISTS policies_resource_id_fkey,
	DROP CONSTRAINT IF EXISTS policies_bouncer_id_fkey;

-- name: move_loosen_versions :exec
ALTER TABLE policy_versions DROP CONSTRAINT IF EXISTS policy_versions_policy_id_fkey;

-- What refers to something that was not verified would not have passed: new rows are checked from now on …
-- name: move_tighten :exec
ALTER TABLE policies
	ADD CONSTRAINT policies_resource_id_fkey FOREIGN KEY (resource_id) REFERENCES resources NOT VALID,
	ADD CONSTRAINT policies_bouncer_id_fkey FOREIGN KEY (bouncer_id) REFERENCES bouncers NOT VALID;

-- name: move_tighten_versions :exec
ALTER TABLE policy_versions
	ADD CONSTRAINT policy_versions_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES policies NOT VALID;

-- … and the old ones when the tenant works again.
-- name: move_validate :exec
ALTER TABLE policies VALIDATE CONSTRAINT policies_resource_id_fkey, VALIDATE CONSTRAINT policies_bouncer_id_fkey;

-- name: move_validate_versions :exec
ALTER TABLE policy_versions VALIDATE CONSTRAINT policy_versions_policy_id_fkey;

-- How many of the references are there.
-- name: move_references :one tally
SELECT count(*) AS total FROM pg_constraint
 WHERE contype = 'f' AND connamespace = current_schema()::regnamespace;

-- Who writes into the target first takes its head, in the name of the turn that the step was decided in.
-- name: move_touch :opt head
-- args: epoch int8, turn int8
UPDATE head SET turn = $2 WHERE epoch = $1 AND turn <= $2 AND NOT writable
RETURNING version, epoch, writable, audit_seq;

-- Waits for the write under way, which holds the row.
-- name: move_close :opt head
-- args: epoch int8, turn int8
UPDATE head SET turn = $2, writable = false WHERE epoch = $1 AND turn <= $2
RETURNING version, epoch, writable, audit_seq;

-- name: move_open :opt head
-- args: epoch int8, turn int8
UPDATE head SET turn = $2, writable = true WHERE epoch = $1 AND turn <= $2
RETURNING version, epoch, writable, audit_seq;

-- name: move_head :one head
SELECT version, epoch, writable, policies_used, resources_used, bouncers_used, users_used, audit_seq, audit_mac
  FROM head;

-- name: move_head_line :one move_line
SELECT version AS key, h::text AS line FROM head h;

-- Counters and marks of the source. What is left behind is not counted.
-- name: move_head_put :exec
-- args: line text, bare bool
UPDATE head h
   SET version = (x.r).version, last_policy_id = (x.r).last_policy_id, last_resource_id = (x.r).last_resource_id,
       last_bouncer_id = (x.r).last_bouncer_id, last_user_id = (x.r).last_user_id,
       audit_seq = (x.r).audit_seq, audit_mac = (x.r).audit_mac, users_used = (x.r).users_used,
       policies_used = CASE WHEN $2 THEN 0 ELSE (x.r).policies_used END,
       resources_used = CASE WHEN $2 THEN 0 ELSE (x.r).resources_used END,
       bouncers_used = CASE WHEN $2 THEN 0 ELSE (x.r).bouncers_used END
  FROM (SELECT $1::text::head AS r OFFSET 0) AS x;

-- A part of what changed is there: up to these marks.
-- name: move_mark_put :exec
-- args: version int8, audit_seq int8
UPDATE head SET version = $1, audit_seq = $2;

-- A page of a table in the order of its keys, as it was at a version; two rows of one key are on one page.
-- name: move_page :many move_line
-- args: tbl text, after int8, version int8, audit_seq int8, most int8
(SELECT id AS key, t::text AS line FROM users t
  WHERE $1 = 'users' AND id > $2 AND changed_version <= $3 ORDER BY id FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT id AS key, t::text AS line FROM resources t
  WHERE $1 = 'resources' AND id > $2 AND changed_version <= $3 ORDER BY id FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT id AS key, t::text AS line FROM bouncers t
  WHERE $1 = 'bouncers' AND id > $2 AND changed_version <= $3 ORDER BY id FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT id AS key, t::text AS line FROM policies t
  WHERE $1 = 'policies' AND id > $2 AND changed_version <= $3 ORDER BY id FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT id AS key, t::text AS line FROM policy_versions t
  WHERE $1 = 'policy_versions' AND id > $2 AND changed_version <= $3 ORDER BY id FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT version AS key, t::text AS line FROM tombstones t
  WHERE $1 = 'tombstones' AND version > $2 AND version <= $3 ORDER BY version FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT seq AS key, t::text AS line FROM audit t
  WHERE $1 = 'audit' AND seq > $2 AND seq <= $4 ORDER BY seq FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, t::text AS line FROM idempotency t
  WHERE $1 = 'idempotency' AND changed_version > $2 AND changed_version <= $3 ORDER BY changed_version FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT user_id AS key, t::text AS line FROM user_live t
  WHERE $1 = 'user_live' AND user_id > $2 ORDER BY user_id FETCH FIRST ($5) ROWS WITH TIES)
UNION ALL
(SELECT bouncer_id AS key, t::text AS line FROM bouncer_live t
  WHERE $1 = 'bouncer_live' AND bouncer_id > $2 ORDER BY bouncer_id FETCH FIRST ($5) ROWS WITH TIES);

-- Signs of life of bouncers, all or those of a time in which nobody can have been between these two.
-- name: move_beats :many move_line
-- args: after int8, young bool, most int8
SELECT bouncer_id AS key, l::text AS line FROM bouncer_live l
 WHERE bouncer_id > $1 AND (NOT $2 OR last_heartbeat > now() - interval '5 minutes')
 ORDER BY bouncer_id LIMIT $3;

-- name: move_beats_put :exec
-- args: lines text[]
INSERT INTO bouncer_live
SELECT (x.r).* FROM (SELECT l::bouncer_live AS r FROM unnest($1) AS l OFFSET 0) AS x
 WHERE EXISTS (SELECT FROM bouncers b WHERE b.id = (x.r).bouncer_id)
ON CONFLICT (bouncer_id) DO UPDATE
   SET last_heartbeat = excluded.last_heartbeat, policies_synced = excluded.policies_synced,
       requests_per_second = excluded.requests_per_second, cache_hit_rate = excluded.cache_hit_rate,
       requests_total = excluded.requests_total, requests_at = excluded.requests_at,
       requests_new = excluded.requests_new, revision = excluded.revision, revision_at = excluded.revision_at,
       fault = excluded.fault, fault_at = excluded.fault_at, intercepting = excluded.intercepting;

-- Where a copy that was broken off goes on.
-- name: move_cursor :one tally
-- args: tbl text
SELECT coalesce(CASE $1
	WHEN 'users' THEN (SELECT max(id) FROM users)
	WHEN 'resources' THEN (SELECT max(id) FROM resources)
	WHEN 'bouncers' THEN (SELECT max(id) FROM bouncers)
	WHEN 'policies' THEN (SELECT max(id) FROM policies)
	WHEN 'policy_versions' THEN (SELECT max(id) FROM policy_versions)
	WHEN 'tombstones' THEN (SELECT max(version) FROM tombstones)
	WHEN 'audit' THEN (SELECT max(seq) FROM audit)
	WHEN 'idempotency' THEN (SELECT max(changed_version) FROM idempotency)
	END, 0) AS total;

-- How many rows a table has, or that changed since a version.
-- name: move_lag :one tally
-- args: version int8, audit_seq int8
SELECT 0
	+ (SELECT count(*) FROM users WHERE changed_version > $1)
	+ (SELECT count(*) FROM resources WHERE changed_version > $1)
	+ (SELECT count(*) FROM bouncers WHERE changed_version > $1)
	+ (SELECT count(*) FROM policies WHERE changed_version > $1)
	+ (SELECT count(*) FROM policy_versions WHERE changed_version > $1)
	+ (SELECT count(*) FROM tombstones WHERE version > $1)
	+ (SELECT count(*) FROM audit WHERE seq > $2)
	+ (SELECT count(*) FROM idempotency WHERE changed_version > $1) AS total;

-- What there is to move: rows, and bytes on the disk.
-- name: move_size :one move_size
SELECT 0
	+ (SELECT count(*) FROM users)
	+ (SELECT count(*) FROM resources)
	+ (SELECT count(*) FROM bouncers)
	+ (SELECT count(*) FROM policies)
	+ (SELECT count(*) FROM policy_versions)
	+ (SELECT count(*) FROM tombstones)
	+ (SELECT count(*) FROM audit)
	+ (SELECT count(*) FROM idempotency) AS rows,
       0
	+ pg_total_relation_size('users')
	+ pg_total_relation_size('resources')
	+ pg_total_relation_size('bouncers')
	+ pg_total_relation_size('policies')
	+ pg_total_relation_size('policy_versions')
	+ pg_total_relation_size('tombstones')
	+ pg_total_relation_size('audit')
	+ pg_total_relation_size('idempotency') AS bytes;

-- What changed between two versions, in that order; and the keys alone, also of what is gone.
-- name: move_changed :many move_line
-- args: tbl text, after int8, upto int8, most int8
(SELECT changed_version AS key, t::text AS line FROM users t
  WHERE $1 = 'users' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, t::text AS line FROM resources t
  WHERE $1 = 'resources' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, t::text AS line FROM bouncers t
  WHERE $1 = 'bouncers' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, t::text AS line FROM policies t
  WHERE $1 = 'policies' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, t::text AS line FROM policy_versions t
  WHERE $1 = 'policy_versions' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT version AS key, t::text AS line FROM tombstones t
  WHERE $1 = 'tombstones' AND version > $2 AND version <= $3 ORDER BY version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT seq AS key, t::text AS line FROM audit t
  WHERE $1 = 'audit' AND seq > $2 AND seq <= $3 ORDER BY seq FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, t::text AS line FROM idempotency t
  WHERE $1 = 'idempotency' AND changed_version > $2 AND changed_version <= $3 ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES);

-- name: move_touched :many move_line
-- args: tbl text, after int8, upto int8, most int8
(SELECT changed_version AS key, id::text AS line FROM users
  WHERE $1 = 'users' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, id::text AS line FROM resources
  WHERE $1 = 'resources' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, id::text AS line FROM bouncers
  WHERE $1 = 'bouncers' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, id::text AS line FROM policies
  WHERE $1 = 'policies' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT changed_version AS key, id::text AS line FROM policy_versions
  WHERE $1 = 'policy_versions' AND changed_version > $2 AND changed_version <= $3
  ORDER BY changed_version FETCH FIRST ($4) ROWS WITH TIES)
UNION ALL
(SELECT version AS key, pk::text AS line FROM tombstones
  WHERE tbl || ' gone' = $1 AND version > $2 AND version <= $3
  ORDER BY version FETCH FIRST ($4) ROWS WITH TIES);

-- name: move_forget :exec
-- args: tbl text, keys text[]
WITH k AS MATERIALIZED (SELECT v::bigint AS id FROM unnest($2) AS v), d0 AS (DELETE FROM users WHERE $1 = 'users' AND id IN (SELECT id FROM k)),
d1 AS (DELETE FROM resources WHERE $1 = 'resources' AND id IN (SELECT id FROM k)),
d2 AS (DELETE FROM bouncers WHERE $1 = 'bouncers' AND id IN (SELECT id FROM k)),
d3 AS (DELETE FROM policies WHERE $1 = 'policies' AND id IN (SELECT id FROM k))
DELETE FROM policy_versions WHERE $1 = 'policy_versions' AND id IN (SELECT id FROM k);

-- A page that came before changes nothing. A key of a day ago may have been used again.
-- name: move_put :exec
-- args: tbl text, lines text[]
WITH i0 AS (
INSERT INTO users SELECT (x.r).* FROM (
	SELECT l::users AS r FROM unnest($2) AS l WHERE $1 = 'users' OFFSET 0) AS x
	ON CONFLICT (id) DO NOTHING
), i1 AS (
INSERT INTO resources SELECT (x.r).* FROM (
	SELECT l::resources AS r FROM unnest($2) AS l WHERE $1 = 'resources' OFFSET 0) AS x
	ON CONFLICT (id) DO NOTHING
), i2 AS (
INSERT INTO bouncers SELECT (x.r).* FROM (
	SELECT l::bouncers AS r FROM unnest($2) AS l WHERE $1 = 'bouncers' OFFSET 0) AS x
	ON CONFLICT (id) DO NOTHING
), i3 AS (
INSERT INTO policies SELECT (x.r).* FROM (
	SELECT l::policies AS r FROM unnest($2) AS l WHERE $1 = 'policies' OFFSET 0) AS x
	ON CONFLICT (id) DO NOTHING
), i4 AS (
INSERT INTO policy_versions SELECT (x.r).* FROM (
	SELECT l::policy_versions AS r FROM unnest($2) AS l WHERE $1 = 'policy_versions' OFFSET 0) AS x
	ON CONFLICT (id) DO NOTHING
), i5 AS (
INSERT INTO tombstones SELECT (x.r).* FROM (
	SELECT l::tombstones AS r FROM unnest($2) AS l WHERE $1 = 'tombstones' OFFSET 0) AS x
	ON CONFLICT (version, tbl, pk) DO NOTHING
), i6 AS (
INSERT INTO audit SELECT (x.r).* FROM (
	SELECT l::audit AS r FROM unnest($2) AS l WHERE $1 = 'audit' OFFSET 0) AS x
	ON CONFLICT (seq) DO NOTHING
), i7 AS (
INSERT INTO idempotency SELECT (x.r).* FROM (
	SELECT l::idempotency AS r FROM unnest($2) AS l WHERE $1 = 'idempotency' OFFSET 0) AS x
	ON CONFLICT (scope, key) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, status = EXCLUDED.status, body = EXCLUDED.body, location = EXCLUDED.location, etag = EXCLUDED.etag, created_at = EXCLUDED.created_at, changed_version = EXCLUDED.changed_version
), i8 AS (
INSERT INTO user_live SELECT (x.r).* FROM (
	SELECT l::user_live AS r FROM unnest($2) AS l WHERE $1 = 'user_live' OFFSET 0) AS x
	ON CONFLICT (user_id) DO NOTHING
)
INSERT INTO bouncer_live SELECT (x.r).* FROM (
	SELECT l::bouncer_live AS r FROM unnest($2) AS l WHERE $1 = 'bouncer_live' OFFSET 0) AS x
	ON CONFLICT (bouncer_id) DO NOTHING;

-- Sums over 64 rows each, by their keys, of those from one key up to another one. Of idempotency keys only those that
-- nobody may remove meanwhile.
-- name: move_sums :many move_sum
-- args: tbl text, young timestamptz, first int8, behind int8
(SELECT t.id >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM users t WHERE $1 = 'users' AND t.id >= $3 AND t.id < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.id >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM resources t WHERE $1 = 'resources' AND t.id >= $3 AND t.id < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.id >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM bouncers t WHERE $1 = 'bouncers' AND t.id >= $3 AND t.id < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.id >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM policies t WHERE $1 = 'policies' AND t.id >= $3 AND t.id < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.id >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM policy_versions t WHERE $1 = 'policy_versions' AND t.id >= $3 AND t.id < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.version >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM tombstones t WHERE $1 = 'tombstones' AND t.version >= $3 AND t.version < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.seq >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM audit t WHERE $1 = 'audit' AND t.seq >= $3 AND t.seq < $4
  GROUP BY 1 ORDER BY 1)
UNION ALL
(SELECT t.changed_version >> 6 AS bucket, count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum
   FROM idempotency t WHERE $1 = 'idempotency' AND t.changed_version >= $3 AND t.changed_version < $4 AND created_at > $2
  GROUP BY 1 ORDER BY 1);

-- Which of them are not what they were at a version.
-- name: move_dirty :many move_sum
-- args: tbl text, version int8, audit_seq int8
(SELECT id >> 6 AS bucket FROM users WHERE $1 = 'users' AND changed_version > $2)
UNION
(SELECT id >> 6 AS bucket FROM resources WHERE $1 = 'resources' AND changed_version > $2)
UNION
(SELECT id >> 6 AS bucket FROM bouncers WHERE $1 = 'bouncers' AND changed_version > $2)
UNION
(SELECT id >> 6 AS bucket FROM policies WHERE $1 = 'policies' AND changed_version > $2)
UNION
(SELECT id >> 6 AS bucket FROM policy_versions WHERE $1 = 'policy_versions' AND changed_version > $2)
UNION
(SELECT version >> 6 AS bucket FROM tombstones WHERE $1 = 'tombstones' AND version > $2)
UNION
(SELECT seq >> 6 AS bucket FROM audit WHERE $1 = 'audit' AND seq > $3)
UNION
(SELECT changed_version >> 6 AS bucket FROM idempotency WHERE $1 = 'idempotency' AND changed_version > $2)
UNION
(SELECT pk >> 6 AS bucket FROM tombstones WHERE tbl = $1 AND version > $2)
ORDER BY bucket;

-- Of some of them: each by the index, never by a look at all there is.
-- name: move_sums_of :many move_sum
-- args: tbl text, young timestamptz, buckets text[]
WITH b AS MATERIALIZED (SELECT v::bigint AS n FROM unnest($3) AS v)
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM users t
	 WHERE t.id >= b.n << 6 AND t.id < (b.n + 1) << 6) AS s
  WHERE $1 = 'users' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM resources t
	 WHERE t.id >= b.n << 6 AND t.id < (b.n + 1) << 6) AS s
  WHERE $1 = 'resources' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM bouncers t
	 WHERE t.id >= b.n << 6 AND t.id < (b.n + 1) << 6) AS s
  WHERE $1 = 'bouncers' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM policies t
	 WHERE t.id >= b.n << 6 AND t.id < (b.n + 1) << 6) AS s
  WHERE $1 = 'policies' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM policy_versions t
	 WHERE t.id >= b.n << 6 AND t.id < (b.n + 1) << 6) AS s
  WHERE $1 = 'policy_versions' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM tombstones t
	 WHERE t.version >= b.n << 6 AND t.version < (b.n + 1) << 6) AS s
  WHERE $1 = 'tombstones' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM audit t
	 WHERE t.seq >= b.n << 6 AND t.seq < (b.n + 1) << 6) AS s
  WHERE $1 = 'audit' AND s.rows > 0 ORDER BY 1)
UNION ALL
(SELECT b.n AS bucket, s.rows, s.sum FROM b CROSS JOIN LATERAL (
	SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric)::text AS sum FROM idempotency t
	 WHERE t.changed_version >= b.n << 6 AND t.changed_version < (b.n + 1) << 6 AND created_at > $2) AS s
  WHERE $1 = 'idempotency' AND s.rows > 0 ORDER BY 1);

-- The catalogue of objects, which has no versions: a page of it, and all that it is.
-- name: move_objects :many move_object
-- args: after text, most int8
SELECT key, size, sha256, o::text AS line FROM objects o WHERE key > $1 ORDER BY key LIMIT $2;

-- name: move_objects_of :many move_object
-- args: keys text[]
SELECT key, size, sha256, o::text AS line FROM objects o WHERE key = ANY ($1);

-- What lies between two keys, the second included unless it is NULL, and is not in the list.
-- name: move_objects_beside :many move_object
-- args: after text, upto text, keys text[], most int8
SELECT key, size, sha256, o::text AS line FROM objects o
 WHERE key > $1 AND ($2::text IS NULL OR key <= $2) AND key <> ALL ($3)
 ORDER BY key LIMIT $4;

-- name: move_objects_sum :one move_sum
SELECT 0::bigint AS bucket, count(*) AS rows, md5(string_agg(o::text, '|' ORDER BY key)) AS sum FROM objects o;

-- name: move_objects_put :exec
-- args: lines text[]
INSERT INTO objects SELECT (x.r).* FROM (SELECT l::objects AS r FROM unnest($1) AS l OFFSET 0) AS x
ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, size = excluded.size, sha256 = excluded.sha256,
       created_at = excluded.created_at, environment = excluded.environment, revision = excluded.revision,
       version = excluded.version;

-- name: move_objects_forget :exec
-- args: keys text[]
DELETE FROM objects WHERE key = ANY ($1);
