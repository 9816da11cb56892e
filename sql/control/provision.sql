-- Making and removing tenants: names, placements, spare schemas. Run as cc_ctl.
-- include: cc/model/purge.h
-- include: cc/model/provision.h
-- include: cc/model/tally.h

-- Whether anything waits, asked once a second by every node: what the claims below would find. Each part is
-- answered from an index that is empty while nothing is due.
-- name: work_due :one due
-- args: regions text[], spares int8, version int8
SELECT EXISTS (
		SELECT FROM cc.tenant WHERE status = 'provisioning' AND lease_until < now()) AS undo,
	EXISTS (
		SELECT FROM cc.tenant
		WHERE region = ANY ($1) AND ((status = 'deletion_scheduled' AND purge_at <= now()
			AND purge_hold IS DISTINCT FROM 'held')
			OR (status = 'deleting' AND (lease_until IS NULL OR lease_until < now())))) AS purge,
	EXISTS (
		SELECT FROM cc.tenant_schema
		WHERE region = ANY ($1) AND state IN ('dropping', 'preparing') AND lease_until <= now()) AS discard,
	EXISTS (
		SELECT FROM unnest($1) AS r (region)
		WHERE $2 > (SELECT count(*) FROM cc.tenant_schema s
			WHERE s.region = r.region
			  AND (s.state = 'ready' OR (s.state = 'preparing' AND s.lease_until > now())))) AS prepare,
	EXISTS (
		SELECT FROM cc.tenant_schema
		WHERE region = ANY ($1) AND state IN ('ready', 'claimed') AND version BETWEEN 1 AND $3 - 1
		  AND lease_until <= now()) AS migrate,
	EXISTS (
		SELECT FROM cc.tenant
		WHERE region = ANY ($1) AND status = 'active' AND expunge_at <= now()) AS expunge,
	EXISTS (
		SELECT FROM cc.tenant
		WHERE region = ANY ($1) AND status IN ('active', 'suspended') AND checkpoint_at <= now()) AS checkpoint;

-- A tenant on a spare schema, if there is one: nothing is written otherwise, nor when the custom
-- domain is another's or the id was used before (the longer way then says which).
-- name: tenant_claim :opt slot
-- args: id text, slug text, name text, domain text, custom_domain text, plan_type text, region text
-- args: max_policies int8, max_resources int8, max_users int8, max_bouncers int8, owner_email text
-- args: term_months int8, lease_s int8, version int8, require_if_match bool
-- args: require_tests bool, allowed_regions text[], cors_origins text[]
WITH spare AS (
	UPDATE cc.tenant_schema SET state = 'claimed', tenant_id = $1
	WHERE schema_id = (
		SELECT schema_id FROM cc.tenant_schema
		WHERE region = $7 AND state = 'ready' AND version >= $15 - 1
		ORDER BY version DESC, created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
	  AND NOT cc.domain_is_held($5, $1)
	  AND NOT EXISTS (SELECT FROM cc.tenant_tombstone WHERE id = $1)
	RETURNING schema_id, shard
)
INSERT INTO cc.tenant (id, slug, name, domain, custom_domain, status, plan_type, region, schema_id, shard,
	max_policies, max_resources, max_users, max_bouncers, owner_email, created_at, updated_at, expires_at,
	lease_until, require_if_match, require_tests, allowed_regions, cors_origins)
SELECT $1, $2, $3, $4, $5, 'provisioning', $6, $7, schema_id, shard, $8, $9, $10, $11, $12,
	date_trunc('second', now()), date_trunc('second', now()),
	date_trunc('second', now()) + make_interval(months => $13::int), now() + make_interval(secs => $14::float8), $16,
	$17, $18, $19
FROM spare
RETURNING schema_id, shard;

-- The same on a schema that is recorded now and made after the commit.
-- name: tenant_intend :exec
-- args: id text, slug text, name text, domain text, custom_domain text, plan_type text, region text
-- args: max_policies int8, max_resources int8, max_users int8, max_bouncers int8, owner_email text
-- args: term_months int8, lease_s int8, schema_id text, shard int8, require_if_match bool
-- args: require_tests bool, allowed_regions text[], cors_origins text[]
WITH fresh AS (
	INSERT INTO cc.tenant_schema (schema_id, region, shard, state, tenant_id)
	VALUES ($15, $7, $16::int, 'claimed', $1)
	RETURNING schema_id, shard
)
INSERT INTO cc.tenant (id, slug, name, domain, custom_domain, status, plan_type, region, schema_id, shard,
	max_policies, max_resources, max_users, max_bouncers, owner_email, created_at, updated_at, expires_at,
	lease_until, require_if_match, require_tests, allowed_regions, cors_origins)
SELECT $1, $2, $3, $4, $5, 'provisioning', $6, $7, schema_id, shard, $8, $9, $10, $11, $12,
	date_trunc('second', now()), date_trunc('second', now()),
	date_trunc('second', now()) + make_interval(months => $13::int), now() + make_interval(secs => $14::float8), $17,
	$18, $19, $20
FROM fresh;

-- name: tenant_names_add :exec
-- args: id text
INSERT INTO cc.name (name, tenant_id, kind)
SELECT id, id, 'id' FROM cc.tenant WHERE id = $1
UNION ALL
SELECT slug, id, 'slug' FROM cc.tenant WHERE id = $1;

-- name: tenant_domains_add :exec
-- args: id text, token text, claim_s int8, check_s int8
INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, custom, is_default, token, reason, claim_expires_at,
       next_check_at)
SELECT id, domain, 'active', 'active', false, true, NULL, NULL, NULL, NULL FROM cc.tenant WHERE id = $1
UNION ALL
SELECT id, custom_domain, 'pending', 'pending', true, false, $2, 'not_checked',
       date_trunc('second', now()) + make_interval(secs => $3::float8),
       date_trunc('second', now()) + make_interval(secs => $4::float8)
  FROM cc.tenant WHERE id = $1 AND custom_domain IS NOT NULL;

-- name: domain_held :opt slot
-- args: domain text
SELECT tenant_id FROM cc.domain WHERE domain = $1 AND held
UNION ALL
SELECT tenant_id FROM cc.domain_quarantine WHERE domain = $1 AND until > now()
LIMIT 1;

-- The schema's version is what it was made with; a spare's is recorded already.
-- name: tenant_activate :exec1
-- args: id text, version int8
WITH live AS (
	UPDATE cc.tenant SET status = 'active', lease_until = NULL
	WHERE id = $1 AND status = 'provisioning' AND lease_until > now()
	RETURNING schema_id
)
UPDATE cc.tenant_schema s SET version = greatest(s.version, $2::int) FROM live WHERE s.schema_id = live.schema_id;

-- name: tenant_state :opt slot
-- args: id text
SELECT id AS tenant_id, status AS state, region, schema_id, coalesce(shard, 0) AS shard FROM cc.tenant WHERE id = $1;

-- Takes back a creation: a certain one, or with NULL one whose lease ran out. Its schema is left to be dropped.
-- name: tenant_undo :opt slot
-- args: id text
WITH gone AS (
	DELETE FROM cc.tenant WHERE id = (
		SELECT id FROM cc.tenant
		WHERE status = 'provisioning' AND (id = $1 OR ($1 IS NULL AND lease_until < now()))
		ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED)
	RETURNING id, schema_id
), domains AS (
	DELETE FROM cc.domain WHERE tenant_id IN (SELECT id FROM gone)
), alerts AS (
	DELETE FROM cc.alert WHERE tenant_id IN (SELECT id FROM gone)
), keys AS (
	DELETE FROM cc.api_key WHERE tenant_id IN (SELECT id FROM gone)
), names AS (
	DELETE FROM cc.name WHERE tenant_id IN (SELECT id FROM gone)
), reservations AS (
	DELETE FROM cc.idempotency WHERE subject IN (SELECT id FROM gone)
)
UPDATE cc.tenant_schema s SET state = 'dropping', tenant_id = NULL, lease_until = now()
FROM gone WHERE s.schema_id = gone.schema_id
RETURNING s.schema_id, s.region, s.shard, gone.id AS tenant_id;

-- Shards ------------------------------------------------------------------------------------------

-- name: shard_take :opt slot
-- args: region text
UPDATE cc.shard SET schemas = schemas + 1
WHERE region = $1 AND shard = (
	SELECT shard FROM cc.shard WHERE region = $1 AND schemas < 256 ORDER BY shard LIMIT 1 FOR UPDATE)
RETURNING shard;

-- name: shard_add :opt slot
-- args: region text, most int8
INSERT INTO cc.shard (region, shard, schemas)
SELECT $1, coalesce(max(shard) + 1, 0), 1 FROM cc.shard WHERE region = $1
HAVING coalesce(max(shard) + 1, 0) < $2
ON CONFLICT DO NOTHING
RETURNING shard;

-- name: shard_list :many slot
SELECT region, shard FROM cc.shard ORDER BY region, shard;

-- Schemas -----------------------------------------------------------------------------------------

-- name: spare_stock :many stock
-- args: regions text[]
SELECT r.region, count(s.schema_id) AS spares
FROM unnest($1) AS r (region)
LEFT JOIN cc.tenant_schema s ON s.region = r.region
	AND (s.state = 'ready' OR (s.state = 'preparing' AND s.lease_until > now()))
GROUP BY r.region ORDER BY r.region;

-- Under the lock of the shard's row: two nodes together keep no more than one alone.
-- name: spare_record :count
-- args: schema_id text, region text, shard int8, lease_s int8, most int8
INSERT INTO cc.tenant_schema (schema_id, region, shard, state, lease_until)
SELECT $1, $2, $3::int, 'preparing', now() + make_interval(secs => $4::float8)
WHERE (SELECT count(*) FROM cc.tenant_schema WHERE region = $2 AND state IN ('preparing', 'ready')) < $5;

-- name: spare_ready :count
-- args: schema_id text, version int8
UPDATE cc.tenant_schema SET state = 'ready', version = $2::int, lease_until = now()
WHERE schema_id = $1 AND state = 'preparing' AND lease_until > now();

-- One to drop: given up, or being prepared by somebody who is gone.
-- name: schema_drop_claim :opt slot
-- args: regions text[], lease_s int8
UPDATE cc.tenant_schema SET state = 'dropping', lease_until = now() + make_interval(secs => $2::float8)
WHERE schema_id = (
	SELECT schema_id FROM cc.tenant_schema
	WHERE region = ANY ($1) AND state IN ('dropping', 'preparing') AND lease_until <= now()
	ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING schema_id, region, shard;

-- Whose it was before a move, or would have become: where that tenant's objects lie now, or soon will.
-- name: schema_left :opt leftover
-- args: schema_id text
SELECT t.id AS tenant_id, t.region,
       (SELECT to_region FROM cc.deployment WHERE tenant_id = t.id AND completed_at IS NULL) AS to_region
  FROM cc.deployment d JOIN cc.tenant t ON t.id = d.tenant_id
 WHERE d.from_schema = $1 OR d.to_schema = $1
 LIMIT 1;

-- name: schema_drop_again :exec
-- args: schema_id text
UPDATE cc.tenant_schema SET lease_until = now() WHERE schema_id = $1 AND state = 'dropping';

-- name: schema_give_up :exec
-- args: schema_id text
UPDATE cc.tenant_schema SET state = 'dropping', lease_until = now() WHERE schema_id = $1 AND state = 'preparing';

-- The schema is gone from its region: so is its record, and its place in the shard is free.
-- name: schema_forget :exec
-- args: schema_id text
WITH gone AS (
	DELETE FROM cc.tenant_schema WHERE schema_id = $1 AND state = 'dropping' RETURNING region, shard
), loose AS (
	UPDATE cc.tenant SET schema_id = NULL WHERE schema_id = $1 AND status = 'deleting'
)
UPDATE cc.shard s SET schemas = s.schemas - 1 FROM gone WHERE s.region = gone.region AND s.shard = gone.shard;

-- Those of a list that are recorded, in whatever region and state.
-- name: schema_known :many slot
-- args: schemas text[]
SELECT schema_id FROM cc.tenant_schema WHERE schema_id = ANY ($1);

-- Something exists that nothing records: from now on it is recorded, and dropped when the time has passed.
-- name: schema_adopt :count
-- args: schema_id text, region text, shard int8, grace_s int8
INSERT INTO cc.tenant_schema (schema_id, region, shard, state, lease_until)
VALUES ($1, $2, $3::int, 'dropping', now() + make_interval(secs => $4::float8))
ON CONFLICT DO NOTHING;

-- name: schema_behind_count :one stock
-- args: regions text[], version int8
SELECT count(*) FILTER (WHERE version < $2) AS spares, count(*) AS schemas FROM cc.tenant_schema
WHERE region = ANY ($1) AND state IN ('ready', 'claimed') AND version > 0;

-- name: schema_migrate_claim :opt slot
-- args: regions text[], version int8, lease_s int8
UPDATE cc.tenant_schema SET lease_until = now() + make_interval(secs => $3::float8)
WHERE schema_id = (
	SELECT schema_id FROM cc.tenant_schema
	WHERE region = ANY ($1) AND state IN ('ready', 'claimed') AND version BETWEEN 1 AND $2 - 1
	  AND lease_until <= now()
	ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING schema_id, region, shard, version, tenant_id;

-- name: schema_migrated :exec
-- args: schema_id text, version int8
UPDATE cc.tenant_schema SET version = greatest(version, $2::int), lease_until = now() WHERE schema_id = $1;

-- Purge -------------------------------------------------------------------------------------------

-- name: purge_claim :opt slot
-- args: regions text[], lease_s int8
UPDATE cc.tenant SET status = 'deleting', lease_until = now() + make_interval(secs => $2::float8)
WHERE id = (
	SELECT id FROM cc.tenant
	WHERE region = ANY ($1) AND ((status = 'deletion_scheduled' AND purge_at <= now()
			AND purge_hold IS DISTINCT FROM 'held')
		OR (status = 'deleting' AND (lease_until IS NULL OR lease_until < now())))
	ORDER BY purge_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id AS tenant_id, status AS state, region, schema_id, coalesce(shard, 0) AS shard;

-- name: purge_pause :exec
-- args: id text
UPDATE cc.tenant SET lease_until = now() - interval '1 second' WHERE id = $1 AND status = 'deleting';

-- Nobody reaches the schema any more; the tenant's row still says which it is.
-- name: purge_schema_drop :exec
-- args: id text, lease_s int8
UPDATE cc.tenant_schema s SET state = 'dropping', tenant_id = NULL,
	lease_until = now() + make_interval(secs => $2::float8)
FROM cc.tenant t WHERE t.id = $1 AND t.status = 'deleting' AND s.schema_id = t.schema_id;

-- name: purge_keys :count
-- args: id text, most int8
DELETE FROM cc.api_key WHERE id IN (
	SELECT k.id FROM cc.api_key k JOIN cc.tenant t ON t.id = k.tenant_id
	WHERE t.id = $1 AND t.status = 'deleting' LIMIT $2);

-- What it used goes in steps, too: there may be years of it.
-- name: purge_usage :count
-- args: id text, most int8
WITH gone AS (
	SELECT id FROM cc.tenant WHERE id = $1 AND status = 'deleting'
), days AS (
	DELETE FROM cc.usage_day WHERE tenant_id IN (SELECT id FROM gone)
), totals AS (
	DELETE FROM cc.usage_hour_total WHERE tenant_id IN (SELECT id FROM gone)
), watch AS (
	DELETE FROM cc.usage_watch WHERE tenant_id IN (SELECT id FROM gone)
)
DELETE FROM cc.usage_hour u
 WHERE u.tenant_id IN (SELECT id FROM gone) AND (u.hour, u.meter, u.detail) IN (
	SELECT hour, meter, detail FROM cc.usage_hour WHERE tenant_id = $1 ORDER BY hour LIMIT $2);

-- name: purge_audit :one tally
-- args: id text, most int8
SELECT cc.forget_audit($1, $2::int) AS total;

-- Schemas that a move has left, or was to lead to.
-- name: purge_left :many slot
-- args: id text
SELECT DISTINCT s.schema_id, s.region, s.shard
  FROM cc.deployment d JOIN cc.tenant_schema s ON s.schema_id IN (d.from_schema, d.to_schema)
 WHERE d.tenant_id = $1 AND s.state = 'dropping';

-- name: purge_count_set :exec
-- args: id text, part text, what text, n int8
INSERT INTO cc.purge_count (tenant_id, part, what, n) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, part, what) DO UPDATE SET n = excluded.n;

-- How many parts of each table of a schema are counted.
-- name: purge_parts :many purge_count
-- args: id text, schema_id text
SELECT what, count(*) AS n FROM cc.purge_count
 WHERE tenant_id = $1 AND starts_with(part, $2 || ':') GROUP BY what;

-- name: purge_count_add :exec
-- args: id text, what text, n int8
INSERT INTO cc.purge_count (tenant_id, part, what, n) VALUES ($1, '', $2, $3)
ON CONFLICT (tenant_id, part, what) DO UPDATE SET n = cc.purge_count.n + excluded.n;

-- name: purge_batch_get :opt purge_batch
-- args: id text
SELECT number, keys FROM cc.purge_batch WHERE tenant_id = $1;

-- No row: somebody else has gone on.
-- name: purge_batch_put :count
-- args: id text, number int8, keys text[]
INSERT INTO cc.purge_batch AS b (tenant_id, number, keys) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO UPDATE SET number = excluded.number, keys = excluded.keys WHERE b.number = $2 - 1;

-- What goes with the tenant's row.
-- name: purge_rest :many purge_count
-- args: id text
SELECT 'domains' AS what, count(*) AS n FROM cc.domain WHERE tenant_id = $1
UNION ALL SELECT 'certificates', count(*) FROM cc.certificate WHERE tenant_id = $1
UNION ALL SELECT 'alerts', count(*) FROM cc.alert WHERE tenant_id = $1
UNION ALL SELECT 'deployments', count(*) FROM cc.deployment WHERE tenant_id = $1
UNION ALL SELECT 'invoices', count(*) FROM cc.invoice WHERE tenant_id = $1;

-- name: purge_counts :many purge_count
-- args: id text
SELECT what, sum(n)::bigint AS n FROM cc.purge_count WHERE tenant_id = $1 GROUP BY what ORDER BY what COLLATE "C";

-- name: purge_certify :exec1
-- args: id text, removed json, certificate text
WITH counts AS (
	DELETE FROM cc.purge_count WHERE tenant_id = $1
), batch AS (
	DELETE FROM cc.purge_batch WHERE tenant_id = $1
)
UPDATE cc.tenant_tombstone SET removed = $2, certificate = $3 WHERE id = $1;

-- name: tenant_purged :one tally
-- args: id text
SELECT count(*) AS total FROM cc.tenant_tombstone WHERE id = $1;

-- name: tombstone_get :one deletion_certificate
-- args: id text
SELECT id AS tenant_id, region, created_at, deleted_at AS requested_at,
       date_trunc('second', purged_at) AS purged_at, removed, certificate
  FROM cc.tenant_tombstone WHERE id = $1;

-- name: deletion_certificate_get :one deletion_certificate
-- args: id text
SELECT id AS tenant_id, region, created_at, deleted_at AS requested_at,
       date_trunc('second', purged_at) AS purged_at, removed, certificate
  FROM cc.tenant_tombstone WHERE id = $1 AND certificate IS NOT NULL;

-- What it was called, and what it had proven, is kept from others for a while yet.
-- Calls that were never sent are not made any more; what comes of those that were is seen to when it is known.
-- name: purge_tenant :count
-- args: id text, quarantine_s int8, hold_days int8
WITH gone AS (
	DELETE FROM cc.tenant WHERE id = $1 AND status = 'deleting' AND schema_id IS NULL
	RETURNING id, region, created_at, deleted_at
), unsubscribed AS (
	INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path)
	SELECT 'c' || replace(gen_random_uuid()::text, '-', ''), b.tenant_id, 'account', 'subscription_cancel', 'DELETE',
	       cc.cancel_path(b.stripe_id, cc.prorates(b.trouble_since, b.stripe_status))
	  FROM cc.billing b WHERE b.tenant_id IN (SELECT id FROM gone) AND b.stripe_id IS NOT NULL
), unsent AS (
	UPDATE cc.outbox SET state = 'skipped', done_at = now()
	 WHERE tenant_id IN (SELECT id FROM gone) AND lane = 'account' AND state = 'waiting' AND attempts = 0
	   AND (op <> 'subscription_cancel' OR strpos(path, '{subscription}') > 0)
), quarantine AS (
	INSERT INTO cc.domain_quarantine (tenant_id, domain, until)
	SELECT tenant_id, domain, coalesce(release_at, now() + make_interval(secs => $2::float8))
	  FROM cc.domain
	 WHERE tenant_id IN (SELECT id FROM gone) AND held AND custom
	ON CONFLICT (tenant_id, domain) DO UPDATE SET until = greatest(cc.domain_quarantine.until, excluded.until)
), domains AS (
	DELETE FROM cc.domain WHERE tenant_id IN (SELECT id FROM gone)
), alerts AS (
	DELETE FROM cc.alert WHERE tenant_id IN (SELECT id FROM gone)
), deployments AS (
	DELETE FROM cc.deployment WHERE tenant_id IN (SELECT id FROM gone)
), ids AS (
	DELETE FROM cc.name WHERE tenant_id IN (SELECT id FROM gone) AND kind = 'id'
), slugs AS (
	UPDATE cc.name SET kind = 'retired', until = now() + make_interval(days => $3::int)
	 WHERE tenant_id IN (SELECT id FROM gone) AND kind = 'slug'
), reservations AS (
	DELETE FROM cc.idempotency WHERE subject IN (SELECT id FROM gone)
)
INSERT INTO cc.tenant_tombstone (id, region, created_at, deleted_at)
SELECT id, region, created_at, coalesce(deleted_at, now()) FROM gone;

-- Whose objects there are.
-- name: tenant_ids :many slot
-- args: after text, most int8
SELECT id AS tenant_id FROM cc.tenant
 WHERE id > $1 AND status IN ('active', 'suspended', 'deletion_scheduled') ORDER BY id LIMIT $2;

-- Whose an object is, and where it may be: regions that a move is on its way to, or has left and not cleared yet.
-- name: object_owner :one object_owner
-- args: id text
SELECT t.region, EXISTS (SELECT FROM cc.tenant_tombstone WHERE id = $1) AS purged,
       t.status IN ('provisioning', 'deleting') IS TRUE AS busy,
       ARRAY(SELECT CASE WHEN s.schema_id = d.from_schema THEN d.from_region ELSE d.to_region END
               FROM cc.deployment d
               JOIN cc.tenant_schema s ON s.schema_id IN (d.from_schema, d.to_schema)
              WHERE d.tenant_id = $1) AS others
  FROM (SELECT) x LEFT JOIN cc.tenant t ON t.id = $1;

-- name: tenant_groups :many tenant_group
SELECT plan_type, region, count(*) AS tenants FROM cc.tenant GROUP BY plan_type, region
ORDER BY plan_type, region;

-- Expunging ---------------------------------------------------------------------------------------

-- Whose turn it is to lose what was deleted long ago.
-- name: expunge_claim :opt slot
-- args: regions text[], pause_s int8
UPDATE cc.tenant SET expunge_at = now() + make_interval(secs => $2::float8)
WHERE id = (
	SELECT id FROM cc.tenant WHERE region = ANY ($1) AND status = 'active' AND expunge_at <= now()
	ORDER BY expunge_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id AS tenant_id;

-- name: expunge_again :exec
-- args: id text
UPDATE cc.tenant SET expunge_at = now() WHERE id = $1;

-- Checkpoints -------------------------------------------------------------------------------------

-- It failed: not only when its turn comes again.
-- name: checkpoint_again :exec
-- args: id text, pause_s int8
UPDATE cc.tenant
   SET checkpoint_at = least(checkpoint_at, now() + make_interval(secs => $2::float8))
 WHERE id = $1;

-- Whose audit is looked at next.
-- name: checkpoint_claim :opt slot
-- args: regions text[], pause_s int8
UPDATE cc.tenant SET checkpoint_at = now() + make_interval(secs => $2::float8)
WHERE id = (
	SELECT id FROM cc.tenant
	WHERE region = ANY ($1) AND status IN ('active', 'suspended') AND checkpoint_at <= now()
	ORDER BY checkpoint_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id AS tenant_id;
