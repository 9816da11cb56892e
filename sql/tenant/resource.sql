-- include: cc/model/resource.h
-- include: cc/model/tally.h

-- name: resource_insert :exec1
-- args: id int8, name text, type text, environment text
-- args: path text, methods text[], description text, attributes json
-- args: url text, original_host text, target_host text, default_security_posture text
-- args: created_by text, at timestamptz, head_version int8
INSERT INTO resources (id, name, type, environment, path, methods, description, attributes, url,
                       original_host, target_host, default_security_posture,
                       created_by, created_at, updated_at, changed_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15);

-- name: resource_get :one resource
-- args: id int8
SELECT id, name, type, environment, path, methods, description, attributes, url, original_host,
       target_host, default_security_posture, auto_discovered, version, created_by, created_at, updated_at,
       (SELECT coalesce(json_agg(p.id ORDER BY p.id), '[]'::json)
          FROM policies p WHERE p.resource_id = r.id AND p.deleted_at IS NULL) AS policies
  FROM resources r
 WHERE id = $1 AND deleted_at IS NULL;

-- Under the head lock: a resource in full, to be changed.
-- name: resource_find :opt resource
-- args: id int8
SELECT id, name, type, environment, path, methods, description, attributes, url, original_host,
       target_host, default_security_posture, auto_discovered, version, created_by, created_at, updated_at,
       (SELECT coalesce(json_agg(p.id ORDER BY p.id), '[]'::json)
          FROM policies p WHERE p.resource_id = r.id AND p.deleted_at IS NULL) AS policies
  FROM resources r
 WHERE id = $1 AND deleted_at IS NULL;

-- Also a deleted one: it can still be removed for good. used_by: live policies that name it.
-- name: resource_find_any :opt resource
-- args: id int8
SELECT id, name, environment, version, deleted_at,
       (SELECT count(*) FROM policies p WHERE p.resource_id = r.id AND p.deleted_at IS NULL) AS used_by
  FROM resources r
 WHERE id = $1;

-- Changes are written under the head lock, behind resource_find: the row is there until the commit.
-- name: resource_update :exec
-- args: id int8, name text, type text, path text
-- args: methods text[], description text, attributes json, url text
-- args: original_host text, target_host text, default_security_posture text, at timestamptz
-- args: head_version int8
UPDATE resources
   SET name = $2, type = $3, path = $4, methods = $5, description = $6, attributes = $7, url = $8,
       original_host = $9, target_host = $10, default_security_posture = $11,
       version = version + 1, updated_at = $12, changed_version = $13
 WHERE id = $1 AND deleted_at IS NULL;

-- name: resource_delete :exec
-- args: id int8, at timestamptz, head_version int8
UPDATE resources
   SET deleted_at = $2, changed_version = $3
 WHERE id = $1 AND deleted_at IS NULL;

-- Deleted policies may still name what is about to be removed for good: without it they come back switched off.
-- name: resource_unlink :exec
-- args: id int8, head_version int8
UPDATE policies
   SET resource_id = NULL, status = CASE status WHEN 'active' THEN 'inactive' ELSE status END,
       changed_version = $2
 WHERE resource_id = $1 AND deleted_at IS NOT NULL;

-- A row that is not there fails on the tombstone.
-- name: resource_remove :exec
-- args: id int8, head_version int8
WITH gone AS (
	DELETE FROM resources WHERE id = $1 RETURNING id
)
INSERT INTO tombstones (tbl, pk, version) VALUES ('resources', (SELECT id FROM gone), $2);

-- name: resource_list :many resource
-- args: skip int8, max_rows int8, type text, environment text
-- args: name text
SELECT id, name, type, environment, path, methods, description, attributes, url, original_host,
       target_host, default_security_posture, auto_discovered, version, created_by, created_at, updated_at,
       (SELECT coalesce(json_agg(p.id ORDER BY p.id), '[]'::json)
          FROM policies p WHERE p.resource_id = r.id AND p.deleted_at IS NULL) AS policies
  FROM resources r
 WHERE deleted_at IS NULL
   AND ($3::text IS NULL OR type = $3)
   AND ($4::text IS NULL OR environment = $4)
   AND ($5::text IS NULL OR strpos(lower(name), lower($5)) > 0)
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- Without a filter the head row knows how many there are.
-- name: resource_total :one tally
SELECT resources_used AS total FROM head;

-- name: resource_count :one tally
-- args: type text, environment text, name text
SELECT count(*) AS total
  FROM resources
 WHERE deleted_at IS NULL
   AND ($1::text IS NULL OR type = $1)
   AND ($2::text IS NULL OR environment = $2)
   AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0);
