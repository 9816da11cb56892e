-- include: cc/model/issuer.h

-- name: issuers_get :one issuer_list
-- args: tenant_id text
SELECT issuers, row_version FROM cc.tenant WHERE id = $1;

-- name: issuers_lock :one issuer_list
-- args: tenant_id text
SELECT issuers, row_version FROM cc.tenant WHERE id = $1 FOR UPDATE;

-- name: issuers_set :exec1
-- args: tenant_id text, issuers json
UPDATE cc.tenant
   SET issuers = $2, row_version = row_version + 1, updated_at = date_trunc('second', now())
 WHERE id = $1;
