-- Calls of Stripe's that are to be made: written with what they follow from, carried out by whoever takes them.
-- include: cc/model/outbox.h
-- include: cc/model/tally.h

-- name: outbox_add :exec1
-- args: id text, tenant_id text, lane text, op text, operation_id text, method text, path text
-- args: body text, effect json, subject text
INSERT INTO cc.outbox (id, tenant_id, lane, op, operation_id, method, path, body, effect, subject)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- The oldest whose turn it is. Of a tenant's account one call is under way at a time, in the order in which they
-- were decided; what they refer to is filled in when they are first taken and stays. What ends a subscription bills
-- the hours that Stripe knows of: for an hour it waits for those that are on their way, or that Stripe, which adds up
-- in its own time, was told of only now. One that nobody is billed by any more keeps no other waiting. Whether the
-- rest of its period was paid is what is known when it is sent.
-- name: outbox_take :opt outbox_row
-- args: lease_ms int8, settle_s int8
UPDATE cc.outbox o
   SET attempts = o.attempts + 1, first_sent_at = coalesce(o.first_sent_at, now()),
       next_at = clock_timestamp() + make_interval(secs => $1::float8 / 1000),
       path = replace(replace(replace(o.path, '{customer}', coalesce(b.customer_id, '{customer}')),
                              '{subscription}', coalesce(b.stripe_id, '{subscription}')),
                      '{prorate}', CASE WHEN EXISTS (
                          SELECT FROM cc.invoice i
                           WHERE i.tenant_id = b.tenant_id AND i.period IS NULL
                             AND i.status IN ('draft', 'open', 'uncollectible')) THEN 'false'
                                        ELSE cc.prorates(b.trouble_since, b.stripe_status) END),
       body = replace(replace(o.body, '{customer}', coalesce(b.customer_id, '{customer}')),
                      '{subscription}', coalesce(b.stripe_id, '{subscription}'))
  FROM (SELECT w.id, w.tenant_id FROM cc.outbox w
         WHERE w.state = 'waiting' AND w.next_at <= now()
           AND (w.lane = 'usage' OR NOT EXISTS (
                SELECT FROM cc.outbox e
                 WHERE e.tenant_id = w.tenant_id AND e.state = 'waiting' AND e.lane = w.lane AND e.seq < w.seq))
           AND (w.op <> 'subscription_cancel' OR w.created_at < now() - interval '1 hour' OR NOT EXISTS (
                SELECT FROM cc.outbox u
                 WHERE u.tenant_id = w.tenant_id AND u.state = 'waiting' AND u.lane = 'usage')
                AND NOT EXISTS (
                SELECT FROM cc.outbox u
                 WHERE u.tenant_id = w.tenant_id AND u.subject IS NOT NULL AND u.state = 'done' AND u.lane = 'usage'
                   AND u.done_at > now() - make_interval(secs => $2::float8)
                   AND NOT EXISTS (
                       SELECT FROM cc.billing p WHERE p.tenant_id = w.tenant_id AND p.stripe_id IS NULL)))
         ORDER BY w.next_at LIMIT 1 FOR UPDATE OF w SKIP LOCKED) k
  LEFT JOIN cc.billing b ON b.tenant_id = k.tenant_id
 WHERE o.id = k.id
RETURNING o.id, o.tenant_id, o.op, o.operation_id, o.method, o.path, o.body, o.generation, o.attempts,
       o.server_errors, o.first_sent_at, o.created_at, o.effect, now() AS now;

-- Whether there is something to take: a glance.
-- name: outbox_due :one tally
SELECT count(*) AS total FROM (
	SELECT FROM cc.outbox WHERE state = 'waiting' AND next_at <= now() LIMIT 1) AS due;

-- Of whoever still has it.
-- name: outbox_done :count
-- args: id text, attempts int8, status int8, result_id text
UPDATE cc.outbox SET state = 'done', status = $3::int, result_id = $4, done_at = now(), error = NULL, error_code = NULL
 WHERE id = $1 AND attempts = $2::int AND state = 'waiting';

-- name: outbox_dead :count
-- args: id text, attempts int8, status int8, error_code text, error text
UPDATE cc.outbox SET state = 'dead', status = $3::int, error_code = $4, error = $5, done_at = now()
 WHERE id = $1 AND attempts = $2::int AND state = 'waiting';

-- What was to follow it.
-- name: outbox_skip_rest :exec
-- args: operation_id text
UPDATE cc.outbox SET state = 'skipped', done_at = now() WHERE operation_id = $1 AND state = 'waiting';

-- Again later. server_errors: one more, or none yet with a new generation.
-- name: outbox_later :count
-- args: id text, attempts int8, delay_ms int8, server_error bool, renew bool, error text
UPDATE cc.outbox
   SET next_at = now() + make_interval(secs => $3::float8 / 1000), error = $6,
       server_errors = CASE WHEN $5 THEN 0 WHEN $4 THEN server_errors + 1 ELSE server_errors END,
       generation = CASE WHEN $5 THEN generation + 1 ELSE generation END,
       first_sent_at = CASE WHEN $5 THEN NULL ELSE first_sent_at END
 WHERE id = $1 AND attempts = $2::int AND state = 'waiting';

-- name: outbox_group :one outbox_group
-- args: operation_id text
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'dead') AS failed,
       (min(status) FILTER (WHERE state = 'dead'))::bigint AS status,
       min(error_code) FILTER (WHERE state = 'dead') AS error_code, min(error) FILTER (WHERE state = 'dead') AS error
  FROM cc.outbox WHERE operation_id = $1;

-- What of a tenant's payment is being changed: what is there is not what will be.
-- name: outbox_paying :one outbox_paying
-- args: tenant_id text
SELECT coalesce(bool_or(effect->'payment_method' IS NOT NULL), false) AS method,
       coalesce(bool_or(effect->'address' IS NOT NULL), false) AS address
  FROM cc.outbox WHERE tenant_id = $1 AND lane = 'account' AND state = 'waiting';

-- name: outbox_operation_end :exec
-- args: operation_id text, status text, error json
UPDATE cc.operation
   SET status = $2, step = $2, percent = CASE $2 WHEN 'completed' THEN 100 ELSE percent END, error = $3,
       updated_at = date_trunc('second', now()), finished_at = date_trunc('second', now())
 WHERE id = $1 AND status = 'running';

-- name: outbox_trim :exec
-- args: most int8
DELETE FROM cc.outbox WHERE id IN (
	SELECT id FROM cc.outbox WHERE state <> 'waiting' AND done_at < now() - interval '90 days' LIMIT $1);

-- name: outbox_idempotency_drop :exec
-- args: tenant_id text, scope text, key text
DELETE FROM cc.idempotency WHERE tenant_id = $1 AND scope = $2 AND key = $3;

-- Hours -------------------------------------------------------------------------------------------------------

-- name: outbox_meter_due :one tally
SELECT EXISTS (
	SELECT FROM cc.billing b
	 WHERE b.customer_id IS NOT NULL AND b.stripe_id IS NOT NULL
	   AND b.metered_until < date_trunc('hour', now() - interval '65 minutes', 'UTC') + interval '1 hour'
	   AND NOT EXISTS (SELECT FROM cc.outbox o WHERE o.tenant_id = b.tenant_id AND o.lane = 'account'
	                      AND o.op = 'subscription_cancel' AND o.state = 'waiting'))::int::int8
	AS total;

-- One call for each hour and meter that can change no more. An hour belongs to its last second. What comes while the
-- subscription is about to be ended is not billed by it any more: it was told of the rest.
-- name: outbox_meter :count
-- args: most int8, api_event text, bouncer_event text
WITH due AS (
	SELECT b.tenant_id, b.customer_id, b.metered_until,
	       date_trunc('hour', now() - interval '65 minutes', 'UTC') + interval '1 hour' AS closed
	  FROM cc.billing b
	 WHERE b.customer_id IS NOT NULL AND b.stripe_id IS NOT NULL
	   AND b.metered_until < date_trunc('hour', now() - interval '65 minutes', 'UTC') + interval '1 hour'
	   AND NOT EXISTS (SELECT FROM cc.outbox o WHERE o.tenant_id = b.tenant_id AND o.lane = 'account'
	                      AND o.op = 'subscription_cancel' AND o.state = 'waiting')
	 ORDER BY b.metered_until LIMIT $1 FOR UPDATE SKIP LOCKED
), calls AS (
	INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path, subject, body)
	SELECT 'm' || replace(gen_random_uuid()::text, '-', ''), d.tenant_id, 'usage', 'meter_event', 'POST',
	       '/v1/billing/meter_events', e.subject, e.form
	  FROM due d
	 CROSS JOIN LATERAL cc.meter_events(d.tenant_id, d.customer_id, d.metered_until, d.closed, $2, $3) e
)
UPDATE cc.billing b SET metered_until = d.closed FROM due d WHERE b.tenant_id = d.tenant_id;

-- In front of the end of a subscription: what was counted so far of the hours that Stripe was not told of. What is
-- counted later is not billed, but by another subscription that begins in the same hour, or by this one when it is
-- still there: its end is withdrawn, or comes in the next hour. So the hour that is now is not over with this.
-- name: outbox_meter_rest :exec
-- args: tenant_id text, api_event text, bouncer_event text
WITH due AS (
	SELECT b.tenant_id, b.customer_id, b.metered_until, date_trunc('hour', now(), 'UTC') AS hour
	  FROM cc.billing b
	 WHERE b.tenant_id = $1 AND b.customer_id IS NOT NULL AND b.stripe_id IS NOT NULL AND b.metered_until IS NOT NULL
), calls AS (
	INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path, subject, body)
	SELECT 'm' || replace(gen_random_uuid()::text, '-', ''), d.tenant_id, 'usage', 'meter_event', 'POST',
	       '/v1/billing/meter_events', e.subject, e.form
	  FROM due d
	 CROSS JOIN LATERAL cc.meter_events(d.tenant_id, d.customer_id, d.metered_until, d.hour + interval '1 hour', $2, $3) e
)
UPDATE cc.billing b
   SET metered_since = d.hour, metered_until = greatest(d.metered_until, d.hour), ended_hour = d.hour,
       begin_calls = coalesce(t.api_calls, 0), begin_requests = coalesce(t.bouncer_requests, 0),
       ended_calls = CASE WHEN d.metered_until <= d.hour THEN coalesce(c.quantity, 0)
                          WHEN b.ended_hour = d.hour THEN b.ended_calls ELSE 0 END,
       ended_requests = CASE WHEN d.metered_until <= d.hour THEN coalesce(r.quantity, 0)
                             WHEN b.ended_hour = d.hour THEN b.ended_requests ELSE 0 END
  FROM due d
  LEFT JOIN cc.usage_hour_total t ON t.tenant_id = d.tenant_id AND t.hour = d.hour
  LEFT JOIN cc.usage_hour_billed c ON c.tenant_id = d.tenant_id AND c.hour = d.hour AND c.meter = 'api_calls'
  LEFT JOIN cc.usage_hour_billed r ON r.tenant_id = d.tenant_id AND r.hour = d.hour AND r.meter = 'bouncer_requests'
 WHERE b.tenant_id = d.tenant_id;

-- What was sent of an hour before. last: the identifier of the event that may be taken back; NULL: none, or it is
-- too old for that.
-- name: outbox_hour :one hour_calls
-- args: tenant_id text, subject text, window_s int8
SELECT count(*) FILTER (WHERE op = 'meter_event_cancel' AND state <> 'dead') AS cancelled,
       (array_agg(result_id ORDER BY seq DESC) FILTER (
           WHERE op = 'meter_event' AND state = 'done' AND done_at > now() - make_interval(secs => $3::float8)
             AND result_id IS NOT NULL AND NOT EXISTS (
                 SELECT FROM cc.outbox c
                  WHERE c.tenant_id = $1 AND c.subject = $2 AND c.op = 'meter_event_cancel' AND c.seq > o.seq)))[1] AS last
  FROM cc.outbox o WHERE tenant_id = $1 AND subject = $2;
