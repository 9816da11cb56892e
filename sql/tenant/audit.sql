-- include: cc/model/audit.h
-- include: cc/model/checkpoint.h
-- include: cc/model/tally.h

-- The row, and its mac where the next one finds it.
-- name: audit_insert :exec
-- args: seq int8, at timestamptz, actor_kind text, actor text
-- args: action text, category text, object_type text, object_id text
-- args: environment text, outcome text, request_id text, ip text
-- args: detail json, key_version int8, prev_mac bytea, mac bytea
WITH head AS (
	UPDATE head SET audit_mac = $16
)
INSERT INTO audit (seq, at, actor_kind, actor, action, category, object_type, object_id, environment,
                   outcome, request_id, ip, detail, key_version, prev_mac, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- Newest first; the numbers of a chain grow with its times.
-- name: audit_page :many audit_row
-- args: since timestamptz, until timestamptz, actor text, action text
-- args: category text, object text, object_id text, environment text
-- args: outcome text, before_at timestamptz, before_seq int8, max_rows int8
SELECT 'data'::text AS chain, seq, at AS timestamp, actor_kind, actor, action, category, object_type,
       object_id, environment, outcome, request_id, ip, detail
  FROM audit
 WHERE ($1::timestamptz IS NULL OR at >= $1)
   AND ($2::timestamptz IS NULL OR at <= $2)
   AND ($3::text IS NULL OR actor = $3)
   AND ($4::text IS NULL OR action = $4)
   AND ($5::text IS NULL OR category = $5)
   AND ($6::text IS NULL OR object_type = $6)
   AND ($7::text IS NULL OR object_id = $7)
   AND ($8::text IS NULL OR environment = $8)
   AND ($9::text IS NULL OR outcome = $9)
   AND ($10::timestamptz IS NULL OR (at, seq) < ($10, $11))
 ORDER BY audit.at DESC, audit.seq DESC
 LIMIT $12;

-- name: audit_count :one tally
-- args: since timestamptz, until timestamptz, actor text, action text
-- args: category text, object text, object_id text, environment text
-- args: outcome text
SELECT count(*) AS total
  FROM audit
 WHERE ($1::timestamptz IS NULL OR at >= $1)
   AND ($2::timestamptz IS NULL OR at <= $2)
   AND ($3::text IS NULL OR actor = $3)
   AND ($4::text IS NULL OR action = $4)
   AND ($5::text IS NULL OR category = $5)
   AND ($6::text IS NULL OR object_type = $6)
   AND ($7::text IS NULL OR object_id = $7)
   AND ($8::text IS NULL OR environment = $8)
   AND ($9::text IS NULL OR outcome = $9);

-- Where the chain ends, and the mac of its row in the place $1.
-- name: audit_tip :one audit_tip
-- args: marked int8
SELECT audit_seq AS seq, audit_mac AS mac, (SELECT a.mac FROM audit a WHERE a.seq = $1) AS marked FROM head;

-- For exports: in the order of the chain, from the place behind one to another.
-- name: audit_export :many audit_row
-- args: since timestamptz, until timestamptz, actor text, action text
-- args: category text, object text, object_id text, environment text
-- args: outcome text, after_seq int8, upto_seq int8, max_rows int8
SELECT 'data'::text AS chain, seq, at AS timestamp, actor_kind, actor, action, category, object_type,
       object_id, environment, outcome, request_id, ip, detail, key_version,
       encode(prev_mac, 'hex') AS prev_mac, encode(mac, 'hex') AS mac
  FROM audit
 WHERE seq > $10 AND seq <= $11
   AND ($1::timestamptz IS NULL OR at >= $1)
   AND ($2::timestamptz IS NULL OR at <= $2)
   AND ($3::text IS NULL OR actor = $3)
   AND ($4::text IS NULL OR action = $4)
   AND ($5::text IS NULL OR category = $5)
   AND ($6::text IS NULL OR object_type = $6)
   AND ($7::text IS NULL OR object_id = $7)
   AND ($8::text IS NULL OR environment = $8)
   AND ($9::text IS NULL OR outcome = $9)
 ORDER BY seq
 LIMIT $12;
