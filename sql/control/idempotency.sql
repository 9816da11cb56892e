-- Idempotency keys of what is changed in the control database. tenant_id is '' for calls about no tenant.
-- include: cc/model/idem.h

-- name: idem_control_find :opt idem_row
-- args: tenant_id text, scope text, key text
SELECT fingerprint, subject, status, body, location, etag
  FROM cc.idempotency
 WHERE tenant_id = $1 AND scope = $2 AND key = $3 AND created_at > now() - interval '24 hours';

-- name: idem_control_expire :exec
-- args: tenant_id text, scope text, key text
DELETE FROM cc.idempotency
 WHERE tenant_id = $1 AND scope = $2 AND key = $3 AND created_at <= now() - interval '24 hours';

-- name: idem_control_insert :exec1
-- args: tenant_id text, scope text, key text, fingerprint bytea
-- args: status int8, body text, location text, etag text
INSERT INTO cc.idempotency (tenant_id, scope, key, fingerprint, status, body, location, etag)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- An operation in several steps reserves its key with its intent; nothing when there is no such tenant (yet).
-- name: idem_control_reserve :exec
-- args: tenant_id text, scope text, key text, fingerprint bytea
-- args: subject text
INSERT INTO cc.idempotency (tenant_id, scope, key, fingerprint, subject)
SELECT $1, $2, $3, $4, id FROM cc.tenant WHERE id = $5;

-- name: idem_control_finish :exec
-- args: tenant_id text, scope text, key text
-- args: status int8, body text, location text, etag text
UPDATE cc.idempotency SET status = $4, body = $5, location = $6, etag = $7
 WHERE tenant_id = $1 AND scope = $2 AND key = $3 AND status IS NULL;

-- name: idem_control_purge :count
-- args: most int8
DELETE FROM cc.idempotency
 WHERE (tenant_id, scope, key) IN (
	SELECT tenant_id, scope, key FROM cc.idempotency WHERE created_at <= now() - interval '24 hours'
	ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED);

-- Those of a tenant that is removed.
-- name: purge_idempotency :count
-- args: id text, most int8
DELETE FROM cc.idempotency
 WHERE (tenant_id, scope, key) IN (
	SELECT i.tenant_id, i.scope, i.key FROM cc.idempotency i JOIN cc.tenant t ON t.id = i.tenant_id
	WHERE t.id = $1 AND t.status = 'deleting' LIMIT $2);
