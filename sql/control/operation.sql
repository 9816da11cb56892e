-- Work on tenants that takes longer than a request. Written under the lock of the tenant's row.
-- include: cc/model/operation.h
-- include: cc/model/tally.h

-- name: operation_insert :exec1
-- args: id text, tenant_id text, kind text, exclusive bool
-- args: step text, started_by text
INSERT INTO cc.operation (id, tenant_id, kind, exclusive, step, started_by)
VALUES ($1, $2, $3, $4, $5, $6);

-- What excludes another operation.
-- name: operation_blocker :opt operation
-- args: tenant_id text
SELECT id, kind FROM cc.operation WHERE tenant_id = $1 AND status = 'running' AND exclusive;

-- Of one tenant, or with NULL of any.
-- name: operation_get :one operation
-- args: tenant_id text, id text
SELECT id, tenant_id, kind, status, step AS "progress.step", percent AS "progress.percent", error, started_by,
       created_at, updated_at, finished_at
  FROM cc.operation
 WHERE id = $2 AND ($1::text IS NULL OR tenant_id = $1);

-- name: operation_find :opt operation
-- args: tenant_id text, id text
SELECT id, tenant_id, kind, status, step AS "progress.step", percent AS "progress.percent", error, started_by,
       created_at, updated_at, finished_at
  FROM cc.operation
 WHERE id = $2 AND ($1::text IS NULL OR tenant_id = $1);

-- name: operation_list :many operation
-- args: tenant_id text, skip int8, max_rows int8, status text, kind text
SELECT id, tenant_id, kind, status, step AS "progress.step", percent AS "progress.percent", error, started_by,
       created_at, updated_at, finished_at
  FROM cc.operation
 WHERE tenant_id = $1
   AND ($4::text IS NULL OR status = $4)
   AND ($5::text IS NULL OR kind = $5)
   AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- name: operation_count :one tally
-- args: tenant_id text, status text, kind text
SELECT count(*) AS total
  FROM cc.operation
 WHERE tenant_id = $1
   AND ($2::text IS NULL OR status = $2)
   AND ($3::text IS NULL OR kind = $3);

-- It came further: what failed before has succeeded now.
-- name: operation_step :exec
-- args: tenant_id text, kind text, step text, percent int8
UPDATE cc.operation
   SET step = $3, percent = $4::int, error = NULL, updated_at = date_trunc('second', now())
 WHERE tenant_id = $1 AND kind = $2 AND status = 'running' AND percent <= $4::int;

-- name: operation_trouble :exec
-- args: tenant_id text, kind text, error json
UPDATE cc.operation
   SET error = $3, updated_at = date_trunc('second', now())
 WHERE tenant_id = $1 AND kind = $2 AND status = 'running';

-- name: operation_end :exec
-- args: tenant_id text, kind text, status text
UPDATE cc.operation
   SET status = $3, percent = CASE $3 WHEN 'completed' THEN 100 ELSE percent END, step = $3, error = NULL,
       updated_at = date_trunc('second', now()), finished_at = date_trunc('second', now())
 WHERE tenant_id = $1 AND kind = $2 AND status = 'running';

-- What ended long ago. Run as cc_ctl.
-- name: operation_trim :exec
-- args: most int8
DELETE FROM cc.operation
 WHERE id IN (SELECT id FROM cc.operation WHERE finished_at < now() - interval '90 days' LIMIT $1);
