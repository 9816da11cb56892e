-- The first rows of a tenant's schema (as its owner role), and the last of rows deleted long ago (as the tenant).
-- include: cc/model/purge.h
-- include: cc/model/provision.h
-- include: cc/model/head.h
-- include: cc/model/tally.h

-- name: head_open :one head
UPDATE head SET epoch = 1, writable = true, version = 1, users_used = 1, last_user_id = 1, audit_seq = 1
WHERE epoch = 0
RETURNING version, epoch, writable, users_used, audit_seq, audit_mac, date_trunc('second', now()) AS now,
          date_trunc('milliseconds', clock_timestamp()) AS audit_at;

-- name: owner_add :exec
-- args: email text, username text
INSERT INTO users (id, email, username, roles, created_by, created_at, updated_at, changed_version)
VALUES (1, $1, $2, '{Admin}', 'system', date_trunc('second', now()), date_trunc('second', now()), 1);

-- name: expunge_due :one tally
-- args: before_s int8
SELECT count(*) AS total FROM (
	SELECT 1 FROM policies WHERE deleted_at < now() - make_interval(secs => $1::float8)
	UNION ALL
	SELECT 1 FROM bouncers b WHERE deleted_at < now() - make_interval(secs => $1::float8)
		AND NOT EXISTS (SELECT FROM policies WHERE bouncer_id = b.id)
	UNION ALL
	SELECT 1 FROM resources r WHERE deleted_at < now() - make_interval(secs => $1::float8)
		AND NOT EXISTS (SELECT FROM policies WHERE resource_id = r.id)
	UNION ALL
	SELECT 1 FROM users WHERE deleted_at < now() - make_interval(secs => $1::float8)
	LIMIT 1
) AS due;

-- First the versions of policies that are due, so that no step is too large, then those without any.
-- name: expunge_policy_versions :count
-- args: before_s int8, most int8, version int8
WITH gone AS (
	DELETE FROM policy_versions WHERE id IN (
		SELECT v.id FROM policy_versions v JOIN policies p ON p.id = v.policy_id
		 WHERE p.deleted_at < now() - make_interval(secs => $1::float8) LIMIT $2)
	RETURNING id
)
INSERT INTO tombstones (tbl, pk, version) SELECT 'policy_versions', id, $3 FROM gone;

-- name: expunge_policies :count
-- args: before_s int8, most int8, version int8
WITH gone AS (
	DELETE FROM policies WHERE id IN (
		SELECT id FROM policies p WHERE deleted_at < now() - make_interval(secs => $1::float8)
		AND NOT EXISTS (SELECT FROM policy_versions WHERE policy_id = p.id) LIMIT $2)
	RETURNING id
)
INSERT INTO tombstones (tbl, pk, version) SELECT 'policies', id, $3 FROM gone;

-- name: expunge_bouncers :count
-- args: before_s int8, most int8, version int8
WITH gone AS (
	DELETE FROM bouncers WHERE id IN (
		SELECT id FROM bouncers b WHERE deleted_at < now() - make_interval(secs => $1::float8)
		AND NOT EXISTS (SELECT FROM policies WHERE bouncer_id = b.id) LIMIT $2)
	RETURNING id
), live AS (
	DELETE FROM bouncer_live WHERE bouncer_id IN (SELECT id FROM gone)
)
INSERT INTO tombstones (tbl, pk, version) SELECT 'bouncers', id, $3 FROM gone;

-- name: expunge_resources :count
-- args: before_s int8, most int8, version int8
WITH gone AS (
	DELETE FROM resources WHERE id IN (
		SELECT id FROM resources r WHERE deleted_at < now() - make_interval(secs => $1::float8)
		AND NOT EXISTS (SELECT FROM policies WHERE resource_id = r.id) LIMIT $2)
	RETURNING id
)
INSERT INTO tombstones (tbl, pk, version) SELECT 'resources', id, $3 FROM gone;

-- name: expunge_users :count
-- args: before_s int8, most int8, version int8
WITH gone AS (
	DELETE FROM users WHERE id IN (
		SELECT id FROM users WHERE deleted_at < now() - make_interval(secs => $1::float8) LIMIT $2)
	RETURNING id
), unseen AS (
	DELETE FROM user_live WHERE user_id IN (SELECT id FROM gone)
)
INSERT INTO tombstones (tbl, pk, version) SELECT 'users', id, $3 FROM gone;

-- Before the schema is dropped: nobody writes any more, and this is what there is.
-- name: purge_close :exec
UPDATE head SET writable = false;

-- name: purge_storing :one tally
SELECT count(*) AS total FROM storing WHERE until_time > now();

-- name: purge_catalogued :one tally
SELECT count(*) AS total FROM (SELECT FROM objects LIMIT 1) AS any_object;

-- What there is to count, and how many pages each has.
-- name: purge_tables :many purge_count
SELECT c.relname AS what, pg_relation_size(c.oid) / current_setting('block_size')::bigint AS n
  FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('head', 'bundle_trouble', 'storing')
 ORDER BY c.relname;

-- The rows of some pages of one of them, from "(0,0)" to before "(1024,0)".
-- name: purge_rows :one tally
-- args: tbl text, first text, behind text
SELECT sum(n)::bigint AS total FROM (
	SELECT count(*) AS n FROM users WHERE $1 = 'users' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM user_live WHERE $1 = 'user_live' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM resources WHERE $1 = 'resources' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM bouncers WHERE $1 = 'bouncers' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM bouncer_live WHERE $1 = 'bouncer_live' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM policies WHERE $1 = 'policies' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM policy_versions WHERE $1 = 'policy_versions' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM tombstones WHERE $1 = 'tombstones' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM objects WHERE $1 = 'objects' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM audit WHERE $1 = 'audit' AND ctid >= $2::text::tid AND ctid < $3::text::tid
	UNION ALL SELECT count(*) FROM idempotency WHERE $1 = 'idempotency' AND ctid >= $2::text::tid AND ctid < $3::text::tid
) x;
