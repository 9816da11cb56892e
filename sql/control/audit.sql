-- include: cc/model/audit.h
-- include: cc/model/tally.h

-- The row and its place in the tenant's control chain, which the tenant's row hands out; a tenant
-- that cannot be seen fails on the missing place.
-- name: tenant_audit_insert :exec
-- args: tenant_id text, actor_kind text, actor text, action text
-- args: object_type text, object_id text, request_id text, ip text
-- args: detail json
WITH next AS (
	UPDATE cc.tenant SET audit_seq = audit_seq + 1 WHERE id = $1 RETURNING audit_seq
)
INSERT INTO cc.tenant_audit (tenant_id, seq, actor_kind, actor, action, object_type, object_id,
                             request_id, ip, detail)
VALUES ($1, (SELECT audit_seq FROM next), $2, $3, $4, $5, $6, $7, $8, $9);

-- The feed's head is locked until the commit: the last statement of a control write.
-- name: change_insert :exec
-- args: tenant_id text, kind text, subject text
WITH next AS (
	UPDATE cc.change_head SET version = version + 1 RETURNING version
)
INSERT INTO cc.change (version, tenant_id, kind, subject)
VALUES ((SELECT version FROM next), $1, $2, $3);

-- name: tenant_audit_page :many audit_row
-- args: tenant_id text, since timestamptz, until timestamptz, actor text
-- args: action text, object text, outcome text, max_rows int8
SELECT 'control'::text AS chain, seq, at AS timestamp, actor_kind, actor, action, object_type, object_id,
       outcome, request_id, ip, detail
  FROM cc.tenant_audit a
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR at >= $2)
   AND ($3::timestamptz IS NULL OR at <= $3)
   AND ($4::text IS NULL OR actor = $4)
   AND ($5::text IS NULL OR action = $5)
   AND ($6::text IS NULL OR object_type = $6)
   AND ($7::text IS NULL OR outcome = $7)
 ORDER BY a.at DESC, a.seq DESC
 LIMIT $8;

-- name: tenant_audit_count :one tally
-- args: tenant_id text, since timestamptz, until timestamptz, actor text
-- args: action text, object text, outcome text
SELECT count(*) AS total
  FROM cc.tenant_audit
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR at >= $2)
   AND ($3::timestamptz IS NULL OR at <= $3)
   AND ($4::text IS NULL OR actor = $4)
   AND ($5::text IS NULL OR action = $5)
   AND ($6::text IS NULL OR object_type = $6)
   AND ($7::text IS NULL OR outcome = $7);
