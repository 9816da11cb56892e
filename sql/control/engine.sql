-- Names of modules that are, or may still be, in the policy engine. Run as cc_ctl.
-- include: cc/model/provision.h

-- name: engine_module_add :exec
-- args: name text
INSERT INTO cc.engine_module (name) VALUES ($1);

-- name: engine_module_drop :exec
-- args: name text
DELETE FROM cc.engine_module WHERE name = $1;

-- Older than any request that could still be at them; what cannot be removed now is tried again later.
-- name: engine_module_left :many engine_module
-- args: age_ms int8
UPDATE cc.engine_module SET tried_at = now()
 WHERE name IN (
	SELECT name FROM cc.engine_module
	 WHERE made_at < now() - make_interval(secs => $1::float8 / 1000)
	   AND (tried_at IS NULL OR tried_at < now() - interval '10 s')
	 ORDER BY made_at LIMIT 16 FOR UPDATE SKIP LOCKED)
RETURNING name;
