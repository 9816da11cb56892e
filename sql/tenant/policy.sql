-- include: cc/model/policy.h
-- include: cc/model/tally.h

-- name: policy_insert :exec1
-- args: id int8, name text, description text, status text
-- args: environment text, rego_code text, resource_id int8, bouncer_id int8
-- args: test_cases json, created_by text, at timestamptz, promoted_from int8
-- args: head_version int8
INSERT INTO policies (id, name, description, status, environment, rego_code, resource_id, bouncer_id,
                      test_cases, created_by, created_at, updated_at, promoted_from, changed_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13);

-- name: policy_get :one policy
-- args: id int8
SELECT id, name, description, status, environment, rego_code, resource_id, bouncer_id, test_cases,
       version, created_by, created_at, updated_at, promoted_from
  FROM policies
 WHERE id = $1 AND deleted_at IS NULL;

-- Under the head lock: a policy in full, to be changed.
-- name: policy_find :opt policy
-- args: id int8
SELECT id, name, description, status, environment, rego_code, resource_id, bouncer_id, test_cases,
       version, created_by, created_at, updated_at, promoted_from
  FROM policies
 WHERE id = $1 AND deleted_at IS NULL;

-- Also a deleted one: it can still be removed for good.
-- name: policy_find_any :opt policy
-- args: id int8
SELECT id, name, status, environment, rego_code, version, resource_id, bouncer_id, deleted_at FROM policies
 WHERE id = $1;

-- Other active policies that may be of a package that begins with this name.
-- name: policy_neighbours :many policy
-- args: id int8, environment text, first_name text
SELECT id, name, rego_code FROM policies
 WHERE environment = $2 AND status = 'active' AND deleted_at IS NULL AND id <> $1
   AND strpos(rego_code, $3) > 0
 ORDER BY id;

-- What they weigh, in bytes.
-- name: policy_neighbours_weight :one tally
-- args: id int8, environment text, first_name text
SELECT coalesce(sum(octet_length(rego_code)), 0)::bigint AS total FROM policies
 WHERE environment = $2 AND status = 'active' AND deleted_at IS NULL AND id <> $1
   AND strpos(rego_code, $3) > 0;

-- Whether what a policy names is there; NULL names nothing.
-- name: policy_refs :one policy_refs
-- args: resource_id int8, bouncer_id int8
SELECT $1::int8 IS NULL OR EXISTS (SELECT FROM resources WHERE id = $1 AND deleted_at IS NULL)
           AS resource_live,
       $2::int8 IS NULL OR EXISTS (SELECT FROM bouncers WHERE id = $2 AND deleted_at IS NULL)
           AS bouncer_live;

-- Changes are written under the head lock, behind policy_find: the row is there until the commit.
-- name: policy_update :exec
-- args: id int8, name text, description text, status text
-- args: rego_code text, resource_id int8, bouncer_id int8, test_cases json
-- args: at timestamptz, head_version int8
UPDATE policies
   SET name = $2, description = $3, status = $4, rego_code = $5, resource_id = $6, bouncer_id = $7,
       test_cases = $8, version = version + 1, updated_at = $9, changed_version = $10
 WHERE id = $1 AND deleted_at IS NULL;

-- name: policy_delete :exec
-- args: id int8, at timestamptz, head_version int8
UPDATE policies
   SET deleted_at = $2, changed_version = $3
 WHERE id = $1 AND deleted_at IS NULL;

-- For good, with its versions. A row that is not there fails on the tombstone.
-- name: policy_remove :exec
-- args: id int8, head_version int8
WITH old AS (
	DELETE FROM policy_versions WHERE policy_id = $1 RETURNING id
), gone AS (
	DELETE FROM policies WHERE id = $1 RETURNING id
)
INSERT INTO tombstones (tbl, pk, version)
VALUES ('policies', (SELECT id FROM gone), $2)
 UNION ALL SELECT 'policy_versions', id, $2 FROM old;

-- name: policy_list :many policy
-- args: skip int8, max_rows int8, status text, environment text
-- args: name text, resource_id int8, bouncer_id int8
SELECT id, name, description, status, environment, resource_id, bouncer_id,
       version, created_by, created_at, updated_at, promoted_from
  FROM policies
 WHERE deleted_at IS NULL
   AND ($3::text IS NULL OR status = $3)
   AND ($4::text IS NULL OR environment = $4)
   AND ($5::text IS NULL OR strpos(lower(name), lower($5)) > 0)
   AND ($6::int8 IS NULL OR resource_id = $6)
   AND ($7::int8 IS NULL OR bouncer_id = $7)
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- name: policy_list_full :many policy
-- args: skip int8, max_rows int8, status text, environment text
-- args: name text, resource_id int8, bouncer_id int8
SELECT id, name, description, status, environment, rego_code, resource_id, bouncer_id, test_cases,
       version, created_by, created_at, updated_at, promoted_from
  FROM policies
 WHERE deleted_at IS NULL
   AND ($3::text IS NULL OR status = $3)
   AND ($4::text IS NULL OR environment = $4)
   AND ($5::text IS NULL OR strpos(lower(name), lower($5)) > 0)
   AND ($6::int8 IS NULL OR resource_id = $6)
   AND ($7::int8 IS NULL OR bouncer_id = $7)
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- Without a filter the head row knows how many there are.
-- name: policy_total :one tally
SELECT policies_used AS total FROM head;

-- name: policy_count :one tally
-- args: status text, environment text, name text, resource_id int8, bouncer_id int8
SELECT count(*) AS total
  FROM policies
 WHERE deleted_at IS NULL
   AND ($1::text IS NULL OR status = $1)
   AND ($2::text IS NULL OR environment = $2)
   AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0)
   AND ($4::int8 IS NULL OR resource_id = $4)
   AND ($5::int8 IS NULL OR bouncer_id = $5);
