-- include: cc/model/user.h
-- include: cc/model/tally.h

-- name: user_insert :exec1
-- args: id int8, email text, username text, roles text[], department text, attributes json
-- args: created_by text, at timestamptz, head_version int8
INSERT INTO users (id, email, username, roles, department, attributes,
                   created_by, created_at, updated_at, changed_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9);

-- name: user_get :one user
-- args: id int8
SELECT id, email, username, roles, department, attributes, version, created_by, created_at, updated_at,
       l.last_seen_at
  FROM users u LEFT JOIN user_live l ON l.user_id = u.id
 WHERE id = $1 AND deleted_at IS NULL;

-- Under the head lock: a user in full, to be changed.
-- name: user_find :opt user
-- args: id int8
SELECT id, email, username, roles, department, attributes, version, created_by, created_at, updated_at,
       l.last_seen_at
  FROM users u LEFT JOIN user_live l ON l.user_id = u.id
 WHERE id = $1 AND deleted_at IS NULL;

-- Also a deleted one: it can still be removed for good.
-- name: user_find_any :opt user
-- args: id int8
SELECT id, email, roles, version, deleted_at FROM users WHERE id = $1;

-- Under the head lock: who could still administer the tenant without this user.
-- name: user_admins_besides :one user_rest
-- args: id int8, role text
SELECT count(*) AS admins FROM users WHERE id <> $1 AND $2 = ANY (roles) AND deleted_at IS NULL;

-- Changes are written under the head lock, behind user_find: the row is there until the commit.
-- name: user_update :exec
-- args: id int8, email text, username text, roles text[], department text, attributes json
-- args: at timestamptz, head_version int8
UPDATE users
   SET email = $2, username = $3, roles = $4, department = $5, attributes = $6,
       version = version + 1, updated_at = $7, changed_version = $8
 WHERE id = $1 AND deleted_at IS NULL;

-- name: user_delete :exec
-- args: id int8, at timestamptz, head_version int8
UPDATE users
   SET deleted_at = $2, changed_version = $3
 WHERE id = $1 AND deleted_at IS NULL;

-- A row that is not there fails on the tombstone.
-- name: user_remove :exec
-- args: id int8, head_version int8
WITH unseen AS (
	DELETE FROM user_live WHERE user_id = $1
), gone AS (
	DELETE FROM users WHERE id = $1 RETURNING id
)
INSERT INTO tombstones (tbl, pk, version) VALUES ('users', (SELECT id FROM gone), $2);

-- name: user_list :many user
-- args: skip int8, max_rows int8, role text, email text, username text
SELECT id, email, username, roles, department, attributes, version, created_by, created_at, updated_at,
       l.last_seen_at
  FROM users u LEFT JOIN user_live l ON l.user_id = u.id
 WHERE deleted_at IS NULL
   AND ($3::text IS NULL OR $3 = ANY (roles))
   AND ($4::text IS NULL OR lower(email) = lower($4))
   AND ($5::text IS NULL OR strpos(lower(username), lower($5)) > 0)
   AND :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- Without a filter the head row knows how many there are.
-- name: user_total :one tally
SELECT users_used AS total FROM head;

-- name: user_count :one tally
-- args: role text, email text, username text
SELECT count(*) AS total
  FROM users
 WHERE deleted_at IS NULL
   AND ($1::text IS NULL OR $1 = ANY (roles))
   AND ($2::text IS NULL OR lower(email) = lower($2))
   AND ($3::text IS NULL OR strpos(lower(username), lower($3)) > 0);

-- The person that a token speaks for, by the address it names.
-- name: user_by_email :opt user
-- args: email text
SELECT id, email, username, roles, department, attributes, version, created_by, created_at, updated_at
  FROM users
 WHERE lower(email) = lower($1) AND deleted_at IS NULL;

-- Passes no gate, but only where the tenant lives now. Those that are no users of its own are passed over.
-- name: user_seen :exec
-- args: emails text[], ats text[], epoch int8
INSERT INTO user_live AS l (user_id, last_seen_at)
SELECT u.id, max(s.at::timestamptz)
  FROM unnest($1::text[], $2::text[]) AS s (email, at)
  JOIN users u ON lower(u.email) = lower(s.email) AND u.deleted_at IS NULL
 WHERE EXISTS (SELECT FROM head WHERE epoch = $3 AND writable)
 GROUP BY u.id
ON CONFLICT (user_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
 WHERE l.last_seen_at < excluded.last_seen_at;
