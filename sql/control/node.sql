-- What operators want to know of all nodes at once, asked every ten seconds by each: all by qualified names.
-- include: cc/model/node.h
-- include: cc/model/admin.h

-- name: node_seen :exec
-- args: node text, version text, started_at timestamptz
INSERT INTO cc.node (node, version, started_at) VALUES ($1, $2, $3)
ON CONFLICT (node) DO UPDATE SET version = excluded.version, started_at = excluded.started_at, seen_at = now();

-- name: node_trim :exec
DELETE FROM cc.node WHERE seen_at < now() - interval '1 day';

-- name: node_gone :exec
-- args: node text
DELETE FROM cc.node WHERE node = $1;

-- name: control_state :one control_state_row
SELECT (SELECT count(*) FROM cc.outbox WHERE state = 'waiting') AS calls_waiting,
       (SELECT count(*) FROM cc.outbox WHERE state = 'dead' AND done_at > now() - interval '1 day') AS calls_dead,
       (SELECT min(created_at) FROM cc.outbox WHERE state = 'waiting') AS calls_oldest,
       (SELECT count(*) FROM cc.deployment WHERE completed_at IS NULL) AS moves,
       (SELECT count(*) FROM cc.operation WHERE status = 'running') AS operations,
       (SELECT min(not_after) FROM cc.certificate) AS certificate_end,
       now() AS now;

-- Who may not see how standbys are sees at least that they are there.
-- name: control_replication :one replication_row
SELECT pg_catalog.pg_is_in_recovery() AS standby, count(*) AS replicas,
       max(extract(epoch FROM coalesce(replay_lag, flush_lag, write_lag)) * 1000000)::bigint AS lag_us
  FROM pg_catalog.pg_stat_replication;

-- name: admin_tenants :many admin_tenant
-- args: status text, region text, name text, most int8
SELECT id, slug, status, region, plan_type, created_at, updated_at
  FROM cc.tenant
 WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR region = $2)
   AND ($3::text IS NULL OR id = $3 OR slug = $3)
 ORDER BY created_at DESC, id LIMIT $4;

-- name: admin_tenants_total :one tally
-- args: status text, region text, name text
SELECT count(*) AS total FROM cc.tenant
 WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR region = $2)
   AND ($3::text IS NULL OR id = $3 OR slug = $3);

-- The latest first; what is under way before what is over.
-- name: admin_deployments :many admin_deployment
-- args: live bool, most int8
SELECT id, tenant_id, from_region, to_region, step, rows_copied, rows_total, bytes_copied, failures, lease_owner,
       created_at, completed_at
  FROM cc.deployment
 WHERE NOT $1 OR completed_at IS NULL
 ORDER BY completed_at IS NOT NULL, created_at DESC, id LIMIT $2;

-- name: admin_deployments_total :one tally
-- args: live bool
SELECT count(*) AS total FROM cc.deployment WHERE NOT $1 OR completed_at IS NULL;

-- name: admin_outbox :many admin_call
-- args: most int8
SELECT id, tenant_id, op, state, attempts, status, error_code, created_at, next_at
  FROM cc.outbox
 WHERE state = 'waiting' OR (state = 'dead' AND done_at > now() - interval '7 days')
 ORDER BY state = 'waiting', seq LIMIT $1;

-- name: admin_outbox_total :one tally
SELECT count(*) AS total FROM cc.outbox
 WHERE state = 'waiting' OR (state = 'dead' AND done_at > now() - interval '7 days');

-- name: admin_nodes :many admin_node
-- args: most int8
SELECT node, version, started_at, seen_at, (extract(epoch FROM now() - seen_at))::bigint AS silent_s
  FROM cc.node ORDER BY started_at, node LIMIT $1;

-- name: admin_nodes_total :one tally
SELECT count(*) AS total FROM cc.node;
