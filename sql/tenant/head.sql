-- include: cc/model/head.h

-- The gate of a write that takes no place: zero rows when the tenant is fenced or has moved.
-- name: head_pass :opt head
-- args: epoch int8
UPDATE head
   SET version = version + 1, audit_seq = audit_seq + 1
 WHERE epoch = $1 AND writable
RETURNING version, epoch, writable, audit_seq, audit_mac, date_trunc('second', now()) AS now,
          date_trunc('milliseconds', clock_timestamp()) AS audit_at;

-- The gates that take a place and the next id of its kind: zero rows also when the limit is reached.
-- name: head_take_policy :opt head
-- args: epoch int8, max_used int8
UPDATE head
   SET version = version + 1, audit_seq = audit_seq + 1,
       policies_used = policies_used + 1, last_policy_id = last_policy_id + 1
 WHERE epoch = $1 AND writable AND policies_used < $2
RETURNING version, epoch, writable, audit_seq, audit_mac, date_trunc('second', now()) AS now,
          date_trunc('milliseconds', clock_timestamp()) AS audit_at,
          policies_used, last_policy_id AS last_id;

-- name: head_take_resource :opt head
-- args: epoch int8, max_used int8
UPDATE head
   SET version = version + 1, audit_seq = audit_seq + 1,
       resources_used = resources_used + 1, last_resource_id = last_resource_id + 1
 WHERE epoch = $1 AND writable AND resources_used < $2
RETURNING version, epoch, writable, audit_seq, audit_mac, date_trunc('second', now()) AS now,
          date_trunc('milliseconds', clock_timestamp()) AS audit_at,
          resources_used, last_resource_id AS last_id;

-- name: head_take_bouncer :opt head
-- args: epoch int8, max_used int8
UPDATE head
   SET version = version + 1, audit_seq = audit_seq + 1,
       bouncers_used = bouncers_used + 1, last_bouncer_id = last_bouncer_id + 1
 WHERE epoch = $1 AND writable AND bouncers_used < $2
RETURNING version, epoch, writable, audit_seq, audit_mac, date_trunc('second', now()) AS now,
          date_trunc('milliseconds', clock_timestamp()) AS audit_at,
          bouncers_used, last_bouncer_id AS last_id;

-- name: head_take_user :opt head
-- args: epoch int8, max_used int8
UPDATE head
   SET version = version + 1, audit_seq = audit_seq + 1,
       users_used = users_used + 1, last_user_id = last_user_id + 1
 WHERE epoch = $1 AND writable AND users_used < $2
RETURNING version, epoch, writable, audit_seq, audit_mac, date_trunc('second', now()) AS now,
          date_trunc('milliseconds', clock_timestamp()) AS audit_at,
          users_used, last_user_id AS last_id;

-- A place more, under the head lock that the gate took: zero rows when the limit is reached. With or without
-- the next id.
-- name: head_add_policy :opt head
-- args: max_used int8, ids int8
UPDATE head
   SET policies_used = policies_used + 1, last_policy_id = last_policy_id + $2
 WHERE policies_used < $1
RETURNING version, epoch, writable, audit_seq, policies_used, last_policy_id AS last_id;

-- name: head_add_resource :opt head
-- args: max_used int8, ids int8
UPDATE head
   SET resources_used = resources_used + 1, last_resource_id = last_resource_id + $2
 WHERE resources_used < $1
RETURNING version, epoch, writable, audit_seq, resources_used, last_resource_id AS last_id;

-- name: head_add_bouncer :opt head
-- args: max_used int8, ids int8
UPDATE head
   SET bouncers_used = bouncers_used + 1, last_bouncer_id = last_bouncer_id + $2
 WHERE bouncers_used < $1
RETURNING version, epoch, writable, audit_seq, bouncers_used, last_bouncer_id AS last_id;

-- name: head_add_user :opt head
-- args: max_used int8, ids int8
UPDATE head
   SET users_used = users_used + 1, last_user_id = last_user_id + $2
 WHERE users_used < $1
RETURNING version, epoch, writable, audit_seq, users_used, last_user_id AS last_id;

-- Places given back, under the head lock that the gate took.
-- name: head_release_policy :exec
UPDATE head SET policies_used = policies_used - 1;

-- name: head_release_resource :exec
UPDATE head SET resources_used = resources_used - 1;

-- name: head_release_bouncer :exec
UPDATE head SET bouncers_used = bouncers_used - 1;

-- name: head_release_user :exec
UPDATE head SET users_used = users_used - 1;

-- The write turned out to change nothing: version and place in the audit go back.
-- name: head_undo :exec
UPDATE head SET version = version - 1, audit_seq = audit_seq - 1;

-- name: head_look :opt head
SELECT version, epoch, writable, policies_used, resources_used, bouncers_used, users_used, audit_seq
  FROM head;
