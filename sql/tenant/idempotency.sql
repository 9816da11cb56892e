-- Idempotency keys of the tenant's data: asked for in front of a write's gate, recorded behind its effect.
-- include: cc/model/idem.h
-- include: cc/model/tally.h

-- Duplicates wait here for the first of them, at most for lock_timeout. A statement of its own: what
-- comes after it has a younger snapshot and sees what the first has committed.
-- name: idem_lock :one tally
-- args: number int8
SELECT 1::int8 AS total FROM pg_advisory_xact_lock($1);

-- name: idem_find :opt idem_row
-- args: scope text, key text
SELECT fingerprint, status, body, location, etag
  FROM idempotency
 WHERE scope = $1 AND key = $2 AND created_at > now() - interval '24 hours';

-- A key that is a day old may be used again.
-- name: idem_expire :exec
-- args: scope text, key text
DELETE FROM idempotency
 WHERE scope = $1 AND key = $2 AND created_at <= now() - interval '24 hours';

-- name: idem_insert :exec1
-- args: scope text, key text, fingerprint bytea, status int8
-- args: body text, location text, etag text, head_version int8
INSERT INTO idempotency (scope, key, fingerprint, status, body, location, etag, changed_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);
