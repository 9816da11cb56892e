-- include: cc/model/audit.h
-- include: cc/model/head.h
-- include: cc/model/tally.h

-- The next place of a tenant's control chain, and the mac of the row before; held until the commit.
-- name: tenant_audit_next :one head
-- args: tenant_id text
UPDATE cc.tenant SET audit_seq = audit_seq + 1 WHERE id = $1
RETURNING audit_seq, audit_mac, date_trunc('milliseconds', clock_timestamp()) AS audit_at;

-- name: tenant_audit_insert :exec
-- args: tenant_id text, seq int8, at timestamptz, actor_kind text
-- args: actor text, action text, category text, object_type text
-- args: object_id text, environment text, outcome text, request_id text
-- args: ip text, detail json, key_version int8, prev_mac bytea
-- args: mac bytea
WITH head AS (
	UPDATE cc.tenant SET audit_mac = $17 WHERE id = $1
)
INSERT INTO cc.tenant_audit (tenant_id, seq, at, actor_kind, actor, action, category, object_type,
                             object_id, environment, outcome, request_id, ip, detail, key_version,
                             prev_mac, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- The same of a tenant that is gone. Run as cc_ctl.
-- name: tombstone_audit_next :one head
-- args: tenant_id text
UPDATE cc.tenant_tombstone SET audit_seq = audit_seq + 1 WHERE id = $1
RETURNING audit_seq, audit_mac, date_trunc('milliseconds', clock_timestamp()) AS audit_at;

-- name: tombstone_audit_head :exec
-- args: tenant_id text, mac bytea
UPDATE cc.tenant_tombstone SET audit_mac = $2 WHERE id = $1;

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
-- args: action text, category text, object text, object_id text
-- args: environment text, outcome text, before_at timestamptz, before_seq int8
-- args: max_rows int8
SELECT 'control'::text AS chain, seq, at AS timestamp, actor_kind, actor, action, category, object_type,
       object_id, environment, outcome, request_id, ip, detail
  FROM cc.tenant_audit a
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR at >= $2)
   AND ($3::timestamptz IS NULL OR at <= $3)
   AND ($4::text IS NULL OR actor = $4)
   AND ($5::text IS NULL OR action = $5)
   AND ($6::text IS NULL OR category = $6)
   AND ($7::text IS NULL OR object_type = $7)
   AND ($8::text IS NULL OR object_id = $8)
   AND ($9::text IS NULL OR environment = $9)
   AND ($10::text IS NULL OR outcome = $10)
   AND ($11::timestamptz IS NULL OR (at, seq) < ($11, $12))
 ORDER BY a.at DESC, a.seq DESC
 LIMIT $13;

-- name: tenant_audit_count :one tally
-- args: tenant_id text, since timestamptz, until timestamptz, actor text
-- args: action text, category text, object text, object_id text
-- args: environment text, outcome text
SELECT count(*) AS total
  FROM cc.tenant_audit
 WHERE tenant_id = $1
   AND ($2::timestamptz IS NULL OR at >= $2)
   AND ($3::timestamptz IS NULL OR at <= $3)
   AND ($4::text IS NULL OR actor = $4)
   AND ($5::text IS NULL OR action = $5)
   AND ($6::text IS NULL OR category = $6)
   AND ($7::text IS NULL OR object_type = $7)
   AND ($8::text IS NULL OR object_id = $8)
   AND ($9::text IS NULL OR environment = $9)
   AND ($10::text IS NULL OR outcome = $10);

-- For exports: in the order of the chain, from the place behind one to another.
-- name: tenant_audit_export :many audit_row
-- args: tenant_id text, since timestamptz, until timestamptz, actor text
-- args: action text, category text, object text, object_id text
-- args: environment text, outcome text, after_seq int8, upto_seq int8
-- args: max_rows int8
SELECT 'control'::text AS chain, seq, at AS timestamp, actor_kind, actor, action, category, object_type,
       object_id, environment, outcome, request_id, ip, detail, tenant_id, key_version,
       encode(prev_mac, 'hex') AS prev_mac, encode(mac, 'hex') AS mac
  FROM cc.tenant_audit
 WHERE seq > $11 AND seq <= $12
   AND tenant_id = $1
   AND ($2::timestamptz IS NULL OR at >= $2)
   AND ($3::timestamptz IS NULL OR at <= $3)
   AND ($4::text IS NULL OR actor = $4)
   AND ($5::text IS NULL OR action = $5)
   AND ($6::text IS NULL OR category = $6)
   AND ($7::text IS NULL OR object_type = $7)
   AND ($8::text IS NULL OR object_id = $8)
   AND ($9::text IS NULL OR environment = $9)
   AND ($10::text IS NULL OR outcome = $10)
 ORDER BY seq
 LIMIT $13;
