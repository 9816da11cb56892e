-- Moves of tenants between regions. The first part runs as cc_ctl, by whoever has the turn.
-- include: cc/model/move.h
-- include: cc/model/provision.h
-- include: cc/model/tally.h

-- Somebody's turn, of those whose tenants wait for it, or of the others.
-- name: move_due :one tally
-- args: regions text[], urgent bool
SELECT count(*) AS total FROM (
	SELECT FROM cc.deployment
	 WHERE completed_at IS NULL AND urgent = $2 AND lease_until <= now()
	   AND from_region = ANY ($1) AND to_region = ANY ($1)
	 LIMIT 1) AS due;

-- name: move_claim :opt move_row
-- args: regions text[], urgent bool, lease_ms int8, owner text
UPDATE cc.deployment SET turn = nextval('cc.move_turn'), lease_owner = $4,
       lease_until = clock_timestamp() + make_interval(secs => $3::float8 / 1000)
WHERE id = (
	SELECT id FROM cc.deployment
	WHERE completed_at IS NULL AND urgent = $2 AND lease_until <= now()
	  AND from_region = ANY ($1) AND to_region = ANY ($1)
	ORDER BY lease_until
	LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id, from_region, from_schema, from_shard, epoch, to_region, to_schema, to_shard, bare, window_at,
       step, reason, attempts, failures, fenced_at, not_before, cancelled, turn, rows_copied, bytes_copied,
       verified_version, verified_seq, checksum, now() AS now;

-- The next state in place of the one it was made of: no row when it is not the caller's turn any more, or when
-- the move would flip although it was cancelled. What changes the tenant as well has locked it before.
-- name: move_store :opt move_row
-- args: id text, turn int8, step text, reason int8, attempts int8, failures int8, fenced_at timestamptz
-- args: not_before timestamptz, lease_ms int8, flips bool, is_over bool, noted bool, owner text
UPDATE cc.deployment
   SET step = $3, reason = $4::int, attempts = $5::int, failures = $6::int,
       fenced_at = coalesce($7, CASE WHEN $11 THEN fenced_at END),
       not_before = $8, turn = nextval('cc.move_turn'), lease_owner = $13,
       lease_until = clock_timestamp() + make_interval(secs => $9::float8 / 1000),
       completed_at = CASE WHEN $11 THEN date_trunc('second', now()) END,
       error = CASE WHEN $3 = 'completed' AND names_due IS NULL THEN NULL ELSE error END,
       steps = CASE WHEN $12 THEN format('%s%s{"step":"%s","at":"%s"}]', left(steps::text, -1),
               CASE steps::text WHEN '[]' THEN '' ELSE ',' END, $3,
               to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::json
               ELSE steps END
 WHERE id = $1 AND turn = $2 AND NOT ($10 AND cancelled)
RETURNING id, tenant_id, from_region, from_schema, from_shard, epoch, to_region, to_schema, to_shard, bare, window_at,
       step, reason, attempts, failures, fenced_at, not_before, cancelled, turn, rows_copied, bytes_copied,
       verified_version, verified_seq, checksum, now() AS now;

-- name: move_rest :exec
-- args: id text, turn int8, ms int8
UPDATE cc.deployment SET lease_until = clock_timestamp() + make_interval(secs => $3::float8 / 1000)
 WHERE id = $1 AND turn = $2;

-- The turn goes on for so long. No row: it is somebody else's by now.
-- name: move_renew :opt move_lease
-- args: id text, turn int8, ms int8
UPDATE cc.deployment
   SET lease_until = CASE WHEN cancelled THEN lease_until
                          ELSE clock_timestamp() + make_interval(secs => $3::float8 / 1000) END
 WHERE id = $1 AND turn = $2
RETURNING cancelled;

-- What was found out or done under the present turn.
-- name: move_note :exec
-- args: id text, turn int8, copied int8, bytes int8, copy_ms int8, lag int8, verified_version int8
-- args: verified_seq int8, checksum text
UPDATE cc.deployment
   SET rows_copied = rows_copied + $3, bytes_copied = bytes_copied + $4, copy_ms = copy_ms + $5,
       lag_rows = coalesce($6, lag_rows), verified_version = coalesce($7, verified_version),
       verified_seq = coalesce($8, verified_seq), checksum = coalesce($9, checksum)
 WHERE id = $1 AND turn = $2;

-- name: move_trouble :exec
-- args: id text, error json
UPDATE cc.deployment SET error = $2 WHERE id = $1;

-- How long the tenant took no writes.
-- name: move_froze :exec
-- args: id text, ms int8
UPDATE cc.deployment SET freeze_ms = coalesce(freeze_ms, $2) WHERE id = $1;

-- The schema that the tenant will have, recorded before it is made.
-- name: move_target_record :count
-- args: id text, turn int8, schema_id text, shard int8
WITH d AS (
	UPDATE cc.deployment SET to_schema = $3, to_shard = $4::int
	 WHERE id = $1 AND turn = $2 AND to_schema IS NULL
	RETURNING tenant_id, to_region
)
INSERT INTO cc.tenant_schema (schema_id, region, shard, state, tenant_id)
SELECT $3, to_region, $4::int, 'claimed', tenant_id FROM d;

-- name: move_schema_version :opt slot
-- args: schema_id text
SELECT schema_id, region, shard, state, version FROM cc.tenant_schema WHERE schema_id = $1;

-- name: move_schema_made :exec
-- args: schema_id text, version int8
UPDATE cc.tenant_schema SET version = $2::int WHERE schema_id = $1 AND state = 'claimed' AND version = 0;

-- The flip. No row: the tenant does not live where the move found it, and then something is very wrong.
-- name: move_flip :exec1
-- args: id text
UPDATE cc.tenant t
   SET region = d.to_region, schema_id = d.to_schema, shard = d.to_shard, epoch = d.epoch + 1,
       row_version = row_version + 1, updated_at = date_trunc('second', now())
  FROM cc.deployment d
 WHERE d.id = $1 AND t.id = d.tenant_id AND t.epoch = d.epoch AND t.schema_id = d.from_schema;

-- What is left behind goes when the time has passed.
-- name: move_leave :exec
-- args: schema_id text, after_s int8
UPDATE cc.tenant_schema
   SET state = 'dropping', tenant_id = NULL, lease_until = now() + make_interval(secs => $2::float8)
 WHERE schema_id = $1 AND state = 'claimed';

-- The operation that stands for the move. It may go back in its steps, not in what it has come to.
-- name: move_operation_step :exec
-- args: id text, step text, percent int8
UPDATE cc.operation
   SET step = $2, percent = greatest(percent, $3::int), updated_at = date_trunc('second', now())
 WHERE id = $1 AND status = 'running';

-- name: move_operation_end :exec
-- args: id text, status text
UPDATE cc.operation o
   SET status = $2, percent = CASE $2 WHEN 'completed' THEN 100 ELSE percent END, step = $2,
       error = CASE $2 WHEN 'failed' THEN d.error END,
       updated_at = date_trunc('second', now()), finished_at = date_trunc('second', now())
  FROM cc.deployment d
 WHERE o.id = $1 AND o.status = 'running' AND d.id = o.id;

-- The move goes on to its end without them.
-- name: move_names_late :exec
-- args: id text, after_s int8
UPDATE cc.deployment SET names_due = now() + make_interval(secs => $2::float8) WHERE id = $1;

-- name: move_names_due :one tally
SELECT count(*) AS total FROM (SELECT FROM cc.deployment WHERE names_due <= now() LIMIT 1) AS due;

-- Some of them, for so long. A tenant that is about to move again gets its records from that move, or later.
-- name: move_names_claim :many move_names
-- args: lease_s int8, max_rows int8
UPDATE cc.deployment SET names_due = now() + make_interval(secs => $1::float8)
 WHERE id IN (
	SELECT id FROM cc.deployment d
	 WHERE names_due <= now()
	   AND NOT EXISTS (SELECT FROM cc.deployment o WHERE o.tenant_id = d.tenant_id AND o.completed_at IS NULL)
	 ORDER BY names_due
	 LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, tenant_id;

-- They lead to that region: enough, if the tenant is still there.
-- name: move_names_led :exec
-- args: id text, region text
UPDATE cc.deployment d SET names_due = NULL
  FROM cc.tenant t
 WHERE d.id = $1 AND t.id = d.tenant_id AND t.region = $2;

-- name: region_tenants :many tenant_group
SELECT region, count(*) AS tenants FROM cc.tenant GROUP BY region;

-- For the tenant's routes -------------------------------------------------------------------------

-- name: deployment_insert :exec1
-- args: id text, tenant_id text, region text, migrate_data bool, bare bool, window_at timestamptz
-- args: estimated_at timestamptz, started_by text, rows_total int8, bytes_total int8
INSERT INTO cc.deployment (id, tenant_id, from_region, from_schema, from_shard, epoch, to_region, migrate_data, bare,
                           window_at, estimated_at, started_by, rows_total, bytes_total)
SELECT $1, t.id, t.region, t.schema_id, t.shard, t.epoch, $3, $4, $5, $6, $7, $8, $9, $10
  FROM cc.tenant t WHERE t.id = $2;

-- name: copy_speed :one tally
SELECT cc.copy_speed() AS total;

-- name: deployment_get :one deployment
-- args: tenant_id text, id text
SELECT * FROM cc.deployment_seen WHERE tenant_id = $1 AND deployment_id = $2;

-- name: deployment_list :many deployment
-- args: tenant_id text, skip int8, max_rows int8
SELECT * FROM cc.deployment_seen
 WHERE tenant_id = $1 AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- The one that is under way, under the lock of the tenant.
-- name: deployment_target :opt move_target
-- args: tenant_id text
SELECT id, to_region FROM cc.deployment WHERE tenant_id = $1 AND completed_at IS NULL;

-- name: deployment_count :one tally
-- args: tenant_id text
SELECT count(*) AS total FROM cc.deployment WHERE tenant_id = $1;

-- The rival of the flip: from now on the move cannot flip any more. $3: the reason for which one goes back only to
-- try again.
-- name: deployment_cancel :count
-- args: tenant_id text, id text, too_long int8
UPDATE cc.deployment SET cancelled = true, lease_until = least(lease_until, now())
 WHERE tenant_id = $1 AND id = $2
   AND step NOT IN ('retire', 'cleanup', 'completed', 'aborted') AND (step <> 'aborting' OR reason = $3);
