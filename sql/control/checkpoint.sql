-- include: cc/model/checkpoint.h
-- include: cc/model/tally.h

-- The newest checkpoint of either chain.
-- name: checkpoint_last :many checkpoint
-- args: tenant_id text
SELECT DISTINCT ON (chain) tenant_id, chain, number, seq, encode(mac, 'hex') AS mac, at,
       encode(previous, 'hex') AS previous, key_id,
       translate(rtrim(encode(signature, 'base64'), E'=\n'), E'+/\n', '-_') AS signature
  FROM cc.audit_checkpoint
 WHERE tenant_id = $1
 ORDER BY chain, number DESC;

-- Where the control chain ends, and the mac of its row in the place $2. One checkpoint at a time is made.
-- name: checkpoint_control_tip :one audit_tip
-- args: tenant_id text, marked int8
SELECT t.audit_seq AS seq, t.audit_mac AS mac,
       (SELECT a.mac FROM cc.tenant_audit a WHERE a.tenant_id = t.id AND a.seq = $2) AS marked
  FROM cc.tenant t
 WHERE t.id = $1
   FOR NO KEY UPDATE OF t;

-- name: checkpoint_insert :exec1
-- args: tenant_id text, chain text, number int8, seq int8, mac bytea
-- args: at timestamptz, previous bytea, key_id text, signature bytea
INSERT INTO cc.audit_checkpoint (tenant_id, chain, number, seq, mac, at, previous, key_id, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: checkpoint_page :many checkpoint
-- args: tenant_id text, chain text, skip int8, max_rows int8
SELECT tenant_id, chain, number, seq, encode(mac, 'hex') AS mac, at, encode(previous, 'hex') AS previous,
       key_id, translate(rtrim(encode(signature, 'base64'), E'=\n'), E'+/\n', '-_') AS signature
  FROM cc.audit_checkpoint
 WHERE tenant_id = $1
   AND ($2::text IS NULL OR chain = $2)
   AND :after
 ORDER BY :sort
OFFSET $3 LIMIT $4;

-- name: checkpoint_count :one tally
-- args: tenant_id text, chain text
SELECT count(*) AS total
  FROM cc.audit_checkpoint
 WHERE tenant_id = $1
   AND ($2::text IS NULL OR chain = $2);
