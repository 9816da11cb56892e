-- A region's database, as cc_prov. Names are quoted there, by functions of the schema cc_region.
-- include: cc/model/provision.h
-- include: cc/model/node.h
-- include: cc/model/tally.h

-- name: region_setup :exec
DO $$ BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('controlcored set-up'));
	CREATE SCHEMA IF NOT EXISTS cc_region;
END $$;

-- The control database whose tenants live here; the first to ask becomes it.
-- name: region_home :one stock
-- args: identity text
WITH claimed AS (
	INSERT INTO cc_region.home (control) VALUES ($1) ON CONFLICT DO NOTHING RETURNING control
)
SELECT control AS region FROM claimed UNION ALL SELECT control FROM cc_region.home LIMIT 1;

-- name: region_lock :exec
SELECT pg_advisory_xact_lock(hashtext('controlcored set-up'));

-- name: region_shard_create :exec
-- args: owner_role text, pool_role text
SELECT cc_region.create_shard($1, $2);

-- name: region_schema_create :exec
-- args: schema_id text, owner_role text, pool_role text
SELECT cc_region.create_tenant($1, $2, $3);

-- name: region_schema_drop :exec
-- args: schema_id text
SELECT cc_region.drop_tenant($1);

-- name: region_schema_close :exec
-- args: schema_id text
SELECT cc_region.close_tenant($1);

-- Whether it is there with its tables, which are made in one transaction.
-- name: region_schema_there :one tally
-- args: schema_id text
SELECT count(*) AS total FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = 'idempotency';

-- Everything here that looks like a tenant's: schemas of this database, and roles that the region's
-- pool roles (whose names begin alike) are members of.
-- name: region_present :many slot
-- args: pool_prefix text
SELECT nspname AS schema_id FROM pg_namespace WHERE nspname ~ '^t_[a-z2-7]{16}$'
UNION
SELECT t.rolname FROM pg_auth_members m
JOIN pg_roles t ON t.oid = m.roleid JOIN pg_roles p ON p.oid = m.member
WHERE starts_with(p.rolname, $1) AND t.rolname ~ '^t_[a-z2-7]{16}$';

-- name: region_ping :exec
SELECT 1;

-- Who may not see how standbys are sees at least that they are there.
-- name: region_replication :one replication_row
SELECT pg_catalog.pg_is_in_recovery() AS standby, count(*) AS replicas,
       max(extract(epoch FROM coalesce(replay_lag, flush_lag, write_lag)) * 1000000)::bigint AS lag_us
  FROM pg_catalog.pg_stat_replication;
