-- What saves of policies left behind; see policy.sql for the policies themselves.
-- include: cc/model/policy.h
-- include: cc/model/policy_version.h
-- include: cc/model/tally.h

-- The content as the write that comes before it left it.
-- name: policy_version_add :exec
-- args: head_version int8, policy_id int8, action text, author text
-- args: at timestamptz, summary text, source_policy_id int8, source_version int8
-- args: deployment_notes text, approver text
INSERT INTO policy_versions (id, policy_id, version, action, author, created_at, summary, name, description,
                             status, environment, rego_code, resource_id, bouncer_id, test_cases,
                             source_policy_id, source_version, deployment_notes, approver, changed_version)
SELECT $1, id, version, $3, $4, $5, $6, name, description, status, environment, rego_code, resource_id,
       bouncer_id, test_cases, $7, $8, $9, $10, $1
  FROM policies
 WHERE id = $2;

-- Newest first unless the client says otherwise. Of a deleted policy none are shown.
-- name: policy_version_list :many policy_version
-- args: policy_id int8, skip int8, max_rows int8
SELECT id, policy_id, version, action, author, created_at, summary, name, description, status, environment,
       resource_id, bouncer_id, source_policy_id, source_version, deployment_notes, approver
  FROM policy_versions
 WHERE policy_id = $1 AND EXISTS (SELECT FROM policies WHERE id = $1 AND deleted_at IS NULL)
   AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- name: policy_version_list_full :many policy_version
-- args: policy_id int8, skip int8, max_rows int8
SELECT id, policy_id, version, action, author, created_at, summary, name, description, status, environment,
       rego_code, resource_id, bouncer_id, test_cases, source_policy_id, source_version, deployment_notes,
       approver
  FROM policy_versions
 WHERE policy_id = $1 AND EXISTS (SELECT FROM policies WHERE id = $1 AND deleted_at IS NULL)
   AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- A live policy has at least one.
-- name: policy_version_count :one tally
-- args: policy_id int8
SELECT count(*) AS total
  FROM policy_versions
 WHERE policy_id = $1 AND EXISTS (SELECT FROM policies WHERE id = $1 AND deleted_at IS NULL);

-- name: policy_version_get :opt policy_version
-- args: policy_id int8, version int8
SELECT id, policy_id, version, action, author, created_at, summary, name, description, status, environment,
       rego_code, resource_id, bouncer_id, test_cases, source_policy_id, source_version, deployment_notes,
       approver
  FROM policy_versions
 WHERE policy_id = $1 AND version = $2
   AND EXISTS (SELECT FROM policies WHERE id = $1 AND deleted_at IS NULL);

-- The number of the newest, to compare with.
-- name: policy_version_last :opt tally
-- args: policy_id int8
SELECT version AS total FROM policies WHERE id = $1 AND deleted_at IS NULL;
