-- include: cc/model/audit.h
-- include: cc/model/tally.h

-- name: audit_insert :exec1
-- args: seq int8, actor_kind text, actor text, action text
-- args: object_type text, object_id text, request_id text, ip text
-- args: detail json
INSERT INTO audit (seq, actor_kind, actor, action, object_type, object_id, request_id, ip, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- Newest first; the numbers of a chain grow with its times.
-- name: audit_page :many audit_row
-- args: since timestamptz, until timestamptz, actor text, action text
-- args: object text, outcome text, max_rows int8
SELECT 'data'::text AS chain, seq, at AS timestamp, actor_kind, actor, action, object_type, object_id,
       outcome, request_id, ip, detail
  FROM audit
 WHERE ($1::timestamptz IS NULL OR at >= $1)
   AND ($2::timestamptz IS NULL OR at <= $2)
   AND ($3::text IS NULL OR actor = $3)
   AND ($4::text IS NULL OR action = $4)
   AND ($5::text IS NULL OR object_type = $5)
   AND ($6::text IS NULL OR outcome = $6)
 ORDER BY audit.at DESC, audit.seq DESC
 LIMIT $7;

-- name: audit_count :one tally
-- args: since timestamptz, until timestamptz, actor text, action text
-- args: object text, outcome text
SELECT count(*) AS total
  FROM audit
 WHERE ($1::timestamptz IS NULL OR at >= $1)
   AND ($2::timestamptz IS NULL OR at <= $2)
   AND ($3::text IS NULL OR actor = $3)
   AND ($4::text IS NULL OR action = $4)
   AND ($5::text IS NULL OR object_type = $5)
   AND ($6::text IS NULL OR outcome = $6);
