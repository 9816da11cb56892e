-- Promotion, status and return of policies, all under the head lock.
-- include: cc/model/policy.h
-- include: cc/model/tally.h

-- Under the head lock: the production policy that a promotion of this sandbox policy goes to. One of the same
-- name whose own sandbox policy is gone is taken over.
-- name: policy_twin :opt policy
-- args: sandbox_id int8, name text
SELECT id, name, description, status, environment, rego_code, resource_id, bouncer_id, test_cases,
       version, created_by, created_at, updated_at, promoted_from
  FROM policies p
 WHERE environment = 'production' AND deleted_at IS NULL
   AND (promoted_from = $1
        OR (name = $2 AND NOT EXISTS (SELECT FROM policies s
                                       WHERE s.id = p.promoted_from AND s.deleted_at IS NULL)))
 ORDER BY promoted_from = $1 DESC NULLS LAST
 LIMIT 1;

-- What a sandbox policy names, as production has it: the object of the same name there, else the same one.
-- name: policy_counterparts :one policy_counterparts
-- args: resource_id int8, bouncer_id int8
SELECT coalesce((SELECT p.id FROM resources s JOIN resources p ON p.name = s.name
                  WHERE s.id = $1 AND s.environment = 'sandbox' AND p.environment = 'production'
                    AND p.deleted_at IS NULL), $1::int8) AS resource_id,
       coalesce((SELECT p.id FROM bouncers s JOIN bouncers p ON p.name = s.name
                  WHERE s.id = $2 AND s.environment = 'sandbox' AND p.environment = 'production'
                    AND p.deleted_at IS NULL), $2::int8) AS bouncer_id;

-- name: policy_promote :exec
-- args: id int8, name text, description text, rego_code text
-- args: resource_id int8, bouncer_id int8, test_cases json, promoted_from int8
-- args: at timestamptz, head_version int8
UPDATE policies
   SET name = $2, description = $3, rego_code = $4, resource_id = $5, bouncer_id = $6, test_cases = $7,
       promoted_from = $8, version = version + 1, updated_at = $9, changed_version = $10
 WHERE id = $1;

-- name: policy_restore :exec
-- args: id int8, status text, resource_id int8, bouncer_id int8
-- args: at timestamptz, head_version int8
UPDATE policies
   SET deleted_at = NULL, status = $2, resource_id = $3, bouncer_id = $4, version = version + 1,
       updated_at = $5, changed_version = $6
 WHERE id = $1;

-- Whether it was there and is gone for good.
-- name: policy_tombstone :one tally
-- args: id int8
SELECT count(*) AS total FROM tombstones WHERE tbl = 'policies' AND pk = $1;

-- name: policy_set_status :exec
-- args: id int8, status text, at timestamptz, head_version int8
UPDATE policies
   SET status = $2, version = version + 1, updated_at = $3, changed_version = $4
 WHERE id = $1;
