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

-- Purge: no managed write, for nobody asks for what is a day old, but fenced as one is. The oldest by
-- version are the oldest by time, but for those that ran at once.
-- name: idem_due :one tally
SELECT count(*) AS total
  FROM (SELECT created_at FROM idempotency ORDER BY changed_version LIMIT 1) AS oldest
 WHERE created_at <= now() - interval '24 hours';

-- name: idem_purge :count
-- args: epoch int8, most int8
WITH gate AS MATERIALIZED (
	SELECT FROM head WHERE epoch = $1 AND writable FOR SHARE
)
DELETE FROM idempotency
 WHERE (scope, key) IN (SELECT scope, key FROM idempotency ORDER BY changed_version LIMIT $2)
   AND created_at <= now() - interval '24 hours' AND EXISTS (SELECT FROM gate);
