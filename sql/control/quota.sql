-- include: cc/model/quota.h

-- name: quota_get :opt quota_row
-- args: tenant_id text
SELECT t.max_policies, t.max_resources, t.max_users, t.max_bouncers, t.max_api_keys, t.quotas, t.row_version,
       (SELECT count(*) FROM cc.api_key k
         WHERE k.tenant_id = t.id AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > now())
           AND NOT EXISTS (SELECT FROM cc.api_key s
                            WHERE s.id = k.rotated_to AND s.revoked_at IS NULL
                              AND (s.expires_at IS NULL OR s.expires_at > now()))) AS api_keys_used
  FROM cc.tenant t
 WHERE t.id = $1;

-- Under the lock of the tenant's row: what is decided on it stays true until the commit.
-- name: quota_set :exec1
-- args: tenant_id text, max_policies int8, max_resources int8, max_users int8, max_bouncers int8
-- args: max_api_keys int8, quotas json
UPDATE cc.tenant
   SET max_policies = $2, max_resources = $3, max_users = $4, max_bouncers = $5, max_api_keys = $6, quotas = $7,
       row_version = row_version + 1, updated_at = date_trunc('second', now())
 WHERE id = $1;
