-- Names that tenants had until lately, across tenants: for operators. Run as cc_ctl.
-- include: cc/model/held_name.h
-- include: cc/model/tally.h

-- name: held_name_list :many held_name
-- args: skip int8, max_rows int8
SELECT name, kind, tenant_id, until
  FROM cc.held_name
 WHERE :after
 ORDER BY :sort
OFFSET $1 LIMIT $2;

-- name: held_name_count :one tally
SELECT count(*) AS total FROM cc.held_name;

-- Those by whom it is held: one, or none.
-- name: held_name_find :many held_name
-- args: name text
SELECT h.name, h.kind, h.tenant_id, h.until, EXISTS (SELECT FROM cc.tenant t WHERE t.id = h.tenant_id) AS exists
  FROM cc.held_name h
 WHERE h.name = $1;

-- What is detached is released by the next round.
-- name: held_name_release :one held_name_release
-- args: name text
WITH names AS (
	DELETE FROM cc.name WHERE name = $1 AND kind = 'retired'
), quarantine AS (
	DELETE FROM cc.domain_quarantine WHERE domain = $1
), detached AS (
	UPDATE cc.domain SET release_at = now() WHERE domain = $1 AND status = 'detached'
)
SELECT 'Name released'::text AS message, $1::text AS name, date_trunc('second', now()) AS released_at;

-- name: retired_name_trim :exec
-- args: most int8
DELETE FROM cc.name
 WHERE name IN (SELECT name FROM cc.name WHERE kind = 'retired' AND until <= now() LIMIT $1);
