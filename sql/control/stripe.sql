-- What is known of tenants at Stripe. Most of it runs as cc_ctl, by whoever has the turn.
-- include: cc/model/outbox.h
-- include: cc/model/billing.h
-- include: cc/model/tally.h

-- Without a customer only the call that makes one keeps another from being asked for.
-- name: stripe_get :opt stripe_row
-- args: tenant_id text
SELECT b.tenant_id, t.name, t.owner_email, t.plan_type, t.status AS tenant_status, b.customer_id, b.stripe_id, b.items,
       b.stripe_status, b.payment_method, b.status, b.status_next, b.status_next_at, b.trouble_since, b.debt,
       b.suspended, b.fetched_at, b.stale_at, b.next_plan, b.next_plan_at, b.standing_at, b.removing, b.plan_from, b.stripe_start,
       b.cancels, b.leaving, b.address, b.address_unsent,
       cc.cancel_path('{subscription}', '{prorate}') AS cancel_path,
       (SELECT count(*) FROM cc.outbox o WHERE o.tenant_id = b.tenant_id AND o.lane = 'account' AND o.state = 'waiting'
           AND (b.customer_id IS NOT NULL OR o.op = 'customer_create')) AS open_calls, now() AS now
  FROM cc.billing b JOIN cc.tenant t ON t.id = b.tenant_id
 WHERE b.tenant_id = $1;

-- Results of calls ------------------------------------------------------------------------------------------

-- What was named as payment method before there was a customer is nobody's there; an address is sent.
-- name: stripe_customer :exec
-- args: tenant_id text, customer_id text
UPDATE cc.billing
   SET customer_id = coalesce(customer_id, $2), sync_at = now(),
       payment_method = CASE WHEN customer_id IS NOT NULL THEN payment_method END,
       address_unsent = CASE WHEN customer_id IS NOT NULL THEN address_unsent ELSE address IS NOT NULL END
 WHERE tenant_id = $1;

-- It was deleted there, with all that it had. What is owed is looked at as soon as there is another; that the
-- subscription never began, so that nothing is, stays known until another one begins.
-- name: stripe_forget :exec
-- args: tenant_id text, customer_id text
UPDATE cc.billing
   SET customer_id = NULL, stripe_id = NULL, items = NULL, stripe_start = NULL, stripe_end = NULL,
       stripe_status = CASE WHEN stripe_status = 'incomplete_expired' THEN stripe_status END,
       debt = trouble_since IS NOT NULL AND cc.owes(trouble_since, stripe_status, debt),
       payment_method = NULL, cancels = false, leaving = false, stale_at = NULL, fetch_until = NULL,
       look_at = CASE WHEN trouble_since IS NOT NULL THEN now() END, plan_from = NULL, preview_at = NULL,
       preview_base = NULL, sync_at = now(), row_version = row_version + 1,
       ended_hour = NULL, status = CASE WHEN trouble_since IS NULL THEN 'active' ELSE status END
 WHERE tenant_id = $1 AND customer_id = $2;

-- Without a subscription there is nothing else to be known of it; again when something is owed. What it lacks is
-- thought of when that changed, or was never asked: a call that was refused for good would be made after each look.
-- name: stripe_customer_seen :count
-- args: tenant_id text, fetched_at timestamptz, payment_method text, look_s int8
UPDATE cc.billing
   SET fetched_at = $2, payment_method = $3, fetch_until = NULL,
       sync_at = CASE WHEN fetched_at IS NULL OR payment_method IS DISTINCT FROM $3 THEN now() ELSE sync_at END,
       look_at = CASE WHEN trouble_since IS NOT NULL THEN now() + make_interval(secs => $4::float8) END,
       stale_at = CASE WHEN stale_at >= $2 THEN stale_at END,
       row_version = row_version + CASE WHEN payment_method IS DISTINCT FROM $3 THEN 1 ELSE 0 END
 WHERE tenant_id = $1 AND (fetched_at IS NULL OR fetched_at < $2);

-- One that nobody is billed by any more, or that is the second, ends at once. Of the hour in which a tenant's first
-- one begins nothing is billed: what was used before it may be counted behind it. Who comes back is billed for what
-- comes from then on, so that nothing is gained by it; hours between are nobody's.
-- name: stripe_subscribed :exec
-- args: tenant_id text, stripe_id text
WITH known AS (
	UPDATE cc.billing
	   SET stripe_id = coalesce(stripe_id, $2), stale_at = clock_timestamp(), row_version = row_version + 1,
	       stripe_status = CASE WHEN stripe_id IS NOT NULL THEN stripe_status END,
	       metered_since = CASE WHEN stripe_id IS NULL THEN begun.hour ELSE metered_since END,
	       metered_until = CASE WHEN stripe_id IS NULL THEN begun.hour ELSE metered_until END,
	       begin_calls = CASE WHEN stripe_id IS NULL THEN begun.api_calls ELSE begin_calls END,
	       begin_requests = CASE WHEN stripe_id IS NULL THEN begun.bouncer_requests ELSE begin_requests END
	  FROM (SELECT this.hour + CASE WHEN w.metered_since IS NULL THEN interval '1 hour' ELSE interval '0' END AS hour,
	               CASE WHEN w.metered_since IS NULL THEN 0 ELSE coalesce(t.api_calls, 0) END AS api_calls,
	               CASE WHEN w.metered_since IS NULL THEN 0 ELSE coalesce(t.bouncer_requests, 0) END AS bouncer_requests
	          FROM cc.billing w
	         CROSS JOIN (SELECT date_trunc('hour', now(), 'UTC') AS hour) this
	          LEFT JOIN cc.usage_hour_total t ON t.tenant_id = w.tenant_id AND t.hour = this.hour
	         WHERE w.tenant_id = $1) begun
	 WHERE tenant_id = $1
	RETURNING stripe_id
)
INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path)
SELECT 'c' || replace(gen_random_uuid()::text, '-', ''), $1, 'account', 'subscription_cancel', 'DELETE',
       cc.cancel_path($2, 'true')
 WHERE NOT EXISTS (SELECT FROM known WHERE stripe_id = $2);

-- It is so from now on: what was asked for before says nothing of it.
-- A subscription that is over stays so: with a new payment method there is to be another. What is known of the old
-- one may be wrong by now: it is cancelled in any case, and until that is done nothing is subscribed to. That it never
-- began stays known until then; and what is owed for it, until another is paid.
-- name: stripe_paid_by :exec
-- args: tenant_id text, payment_method text, address json
WITH was AS (
	SELECT tenant_id, stripe_id, trouble_since, stripe_status,
	       $2::text IS NOT NULL AND stripe_status IN ('canceled', 'incomplete_expired') AS over
	  FROM cc.billing WHERE tenant_id = $1 FOR UPDATE
), ended AS (
	INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path)
	SELECT 'c' || replace(gen_random_uuid()::text, '-', ''), tenant_id, 'account', 'subscription_cancel', 'DELETE',
	       cc.cancel_path(stripe_id, cc.prorates(trouble_since, stripe_status))
	  FROM was WHERE over AND stripe_id IS NOT NULL
)
UPDATE cc.billing b
   SET payment_method = coalesce($2, b.payment_method), address = coalesce($3, b.address), sync_at = now(),
       address_unsent = b.address_unsent AND $3 IS NULL, address_refused = b.address_refused AND $3 IS NULL,
       fetched_at = clock_timestamp(),
       row_version = b.row_version + 1,
       stripe_id = CASE WHEN w.over THEN NULL ELSE b.stripe_id END,
       stripe_status = CASE WHEN NOT w.over OR b.stripe_status = 'incomplete_expired' THEN b.stripe_status END,
       items = CASE WHEN w.over THEN NULL ELSE b.items END,
       debt = b.debt OR (w.over AND cc.owes(b.trouble_since, b.stripe_status, b.debt))
  FROM was w WHERE b.tenant_id = w.tenant_id;

-- The subscription was ended because the plan is one that is not sold: nothing is owed, and there is none.
-- name: stripe_unsubscribed :exec
-- args: tenant_id text, stripe_id text
UPDATE cc.billing
   SET stripe_id = NULL, items = NULL, stripe_status = NULL, stripe_start = NULL, stripe_end = NULL, cancels = false,
       leaving = false, stale_at = NULL, look_at = NULL, plan_from = NULL, preview_at = NULL, preview_base = NULL, sync_at = now(),
       status = 'active', status_next = NULL, status_next_at = NULL, trouble_since = NULL, debt = false, standing_at = NULL,
       row_version = row_version + 1
 WHERE tenant_id = $1 AND stripe_id = $2;

-- It was cancelled by us: whatever the plan is by then, nothing is owed for it. What was asked for before says nothing
-- of that.
-- name: stripe_cancelled :exec
-- args: tenant_id text, stripe_id text
UPDATE cc.billing
   SET leaving = true, fetched_at = clock_timestamp(), stale_at = clock_timestamp(), preview_at = NULL
 WHERE tenant_id = $1 AND stripe_id = $2;

-- name: stripe_stale :exec
-- args: tenant_id text
UPDATE cc.billing
   SET stale_at = clock_timestamp(), preview_at = NULL,
       sync_at = CASE WHEN stripe_id IS NULL THEN now() ELSE sync_at END
 WHERE tenant_id = $1;

-- A call was refused because something is not there: it is looked at, and what is lacking is asked for again when that
-- shows a change.
-- name: stripe_doubtful :exec
-- args: tenant_id text
UPDATE cc.billing SET stale_at = clock_timestamp(), preview_at = NULL WHERE tenant_id = $1;

-- An address that Stripe refused is not sent again, unless somebody names it again. Another that has come since then is.
-- name: stripe_address_refused :exec
-- args: call_id text
UPDATE cc.billing b SET address_unsent = false, address_refused = true
  FROM cc.outbox o
 WHERE o.id = $1 AND b.tenant_id = o.tenant_id AND b.address_unsent
   AND b.address::jsonb = (o.effect->'address')::jsonb;

-- What is wanted ---------------------------------------------------------------------------------------------

-- Tenants that lack something at Stripe.
-- name: stripe_wanting :many billing_due
-- args: most int8
SELECT b.tenant_id FROM cc.billing b JOIN cc.tenant t ON t.id = b.tenant_id
 WHERE b.sync_at <= now() AND t.status IN ('active', 'suspended', 'deletion_scheduled')
   AND (b.stripe_id IS NULL OR b.stale_at IS NULL)
 ORDER BY b.sync_at LIMIT $1;

-- NULL: until something changes.
-- name: stripe_synced :exec
-- args: tenant_id text, again_s int8
UPDATE cc.billing SET sync_at = now() + make_interval(secs => $2::float8) WHERE tenant_id = $1;

-- A plan that was asked for the end of the period, where Stripe has no subscription that says when that is.
-- name: stripe_plans_due :many billing_due
-- args: most int8
SELECT b.tenant_id FROM cc.billing b JOIN cc.tenant t ON t.id = b.tenant_id
 WHERE b.next_plan IS NOT NULL AND b.next_plan_at <= now() AND b.stripe_id IS NULL
   AND t.status IN ('active', 'suspended')
 ORDER BY b.next_plan_at LIMIT $1;

-- It is the plan now; what Stripe has to be told of it counts from plan_from.
-- name: stripe_plan_turned :exec
-- args: tenant_id text, plan_from timestamptz
UPDATE cc.billing
   SET next_plan = NULL, next_plan_at = NULL, plan_from = $2, sync_at = now(), preview_at = NULL,
       row_version = row_version + 1
 WHERE tenant_id = $1;

-- Subscriptions that are about to end with their period, and whose last hours Stripe was not told of: once in each hour.
-- name: stripe_ending :many billing_due
-- args: most int8
SELECT b.tenant_id FROM cc.billing b
 WHERE b.cancels AND b.stripe_status IN ('active', 'trialing') AND b.stripe_end > now()
   AND b.stripe_end <= now() + interval '1 minute' AND b.metered_until <= date_trunc('hour', now(), 'UTC')
   AND b.ended_hour IS DISTINCT FROM date_trunc('hour', now(), 'UTC')
 ORDER BY b.stripe_end LIMIT $1;

-- name: stripe_plan_told :exec
-- args: tenant_id text
UPDATE cc.billing SET plan_from = NULL WHERE tenant_id = $1;

-- Hints ------------------------------------------------------------------------------------------------------

-- name: stripe_event_add :exec
-- args: event_id text, type text, created int8, livemode bool, api_version text, customer text
-- args: payload text, tell bool
INSERT INTO cc.stripe_event (event_id, type, created, livemode, api_version, customer, payload, tell_at)
VALUES ($1, $2, to_timestamp($3::float8), $4, $5, $6, $7, CASE WHEN $8 THEN now() END)
ON CONFLICT (event_id) DO NOTHING;

-- One that somebody has to be told of.
-- name: stripe_event_tell_due :one tally
SELECT EXISTS (SELECT FROM cc.stripe_event WHERE tell_at <= now())::int::int8 AS total;

-- name: stripe_event_tell :opt stripe_notice
-- args: lease_s int8
UPDATE cc.stripe_event
   SET tell_at = now() + make_interval(secs => $1::float8), tell_tries = tell_tries + 1
 WHERE event_id = (SELECT event_id FROM cc.stripe_event WHERE tell_at <= now()
                    ORDER BY tell_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING event_id, type, payload, tell_tries AS tries;

-- name: stripe_event_told :exec
-- args: event_id text
UPDATE cc.stripe_event SET tell_at = NULL WHERE event_id = $1;

-- name: stripe_tenant_of :opt billing_due
-- args: customer_id text
SELECT tenant_id FROM cc.billing WHERE customer_id = $1 LIMIT 1;

-- Events that never came -------------------------------------------------------------------------------------

-- name: stripe_replay_due :one tally
SELECT EXISTS (SELECT FROM cc.stripe_replay WHERE look_at <= now())::int::int8 AS total;

-- Whoever gets the row reads the list from there on. Seconds since 1970.
-- name: stripe_replay_take :opt stripe_span
-- args: every_s int8
UPDATE cc.stripe_replay SET look_at = now() + make_interval(secs => $1::float8)
 WHERE look_at <= now()
RETURNING extract(epoch FROM read_to)::bigint AS since,
       extract(epoch FROM least(now(), read_to + interval '6 hours'))::bigint AS until;

-- name: stripe_events_missing :many stripe_missing
-- args: ids text[]
SELECT i.id AS event_id FROM unnest($1::text[]) AS i (id)
 WHERE NOT EXISTS (SELECT FROM cc.stripe_event e WHERE e.event_id = i.id);

-- name: stripe_replay_read :exec
-- args: read_to int8
UPDATE cc.stripe_replay
   SET read_to = greatest(read_to, to_timestamp($1::float8)),
       look_at = CASE WHEN to_timestamp($1::float8) < now() - interval '1 hour' THEN now() ELSE look_at END;

-- name: stripe_events_due :one tally
SELECT EXISTS (SELECT FROM cc.stripe_event WHERE handled_at IS NULL)::int::int8 AS total;

-- An event says that something has changed, not what. It is handled when the customer is marked. What names a payment
-- method that nobody has any more is about whom it was known of. Rows are locked in one order by all nodes.
-- name: stripe_events_handle :count
-- args: most int8
WITH taken AS (
	UPDATE cc.stripe_event SET handled_at = now()
	 WHERE event_id IN (
		SELECT event_id FROM cc.stripe_event WHERE handled_at IS NULL
		ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED)
	RETURNING customer
), whose AS (
	SELECT tenant_id FROM cc.billing
	 WHERE tenant_id IN (SELECT b.tenant_id FROM cc.billing b JOIN taken t ON b.customer_id = t.customer
	                      UNION SELECT b.tenant_id FROM cc.billing b JOIN taken t ON b.payment_method = t.customer
	                     WHERE b.customer_id IS NOT NULL)
	 ORDER BY tenant_id FOR UPDATE
), marked AS (
	UPDATE cc.billing b SET stale_at = clock_timestamp(), preview_at = NULL
	  FROM whose w WHERE b.tenant_id = w.tenant_id
)
SELECT FROM taken;

-- name: stripe_event_trim :exec
-- args: most int8
DELETE FROM cc.stripe_event WHERE event_id IN (
	SELECT event_id FROM cc.stripe_event WHERE received_at < now() - interval '35 days' LIMIT $1);

-- Fetching ---------------------------------------------------------------------------------------------------

-- name: stripe_fetch_due :one tally
SELECT EXISTS (
	SELECT FROM cc.billing w
	 WHERE w.customer_id IS NOT NULL
	   AND (w.stale_at IS NOT NULL
	        OR ((w.stripe_id IS NOT NULL OR w.trouble_since IS NOT NULL) AND w.look_at <= now()))
	   AND (w.fetch_until IS NULL OR w.fetch_until <= now()))::int::int8 AS total;

-- Something has changed, or it is time to look again. fetched_at of what is fetched is the time of this.
-- name: stripe_fetch_take :opt stripe_row
-- args: lease_s int8
UPDATE cc.billing b
   SET fetch_until = clock_timestamp() + make_interval(secs => $1::float8)
  FROM (SELECT w.tenant_id FROM cc.billing w
         WHERE w.customer_id IS NOT NULL
           AND (w.stale_at IS NOT NULL
                OR ((w.stripe_id IS NOT NULL OR w.trouble_since IS NOT NULL) AND w.look_at <= now()))
           AND (w.fetch_until IS NULL OR w.fetch_until <= now())
         ORDER BY w.stale_at NULLS LAST LIMIT 1 FOR UPDATE SKIP LOCKED) k
 WHERE b.tenant_id = k.tenant_id
RETURNING b.tenant_id, b.customer_id, b.stripe_id, b.stripe_status, clock_timestamp() AS now;

-- name: stripe_fetch_give :exec
-- args: tenant_id text, rest_s int8
UPDATE cc.billing SET fetch_until = now() + make_interval(secs => $2::float8) WHERE tenant_id = $1;

-- Of two answers the one that was asked for later counts, in whatever order they come. leaving: that it ends was seen
-- while the tenant was deleted, or it was cancelled by us; what has ended says no more why. What it lacks is thought of
-- when something changed, and with each look that was due without a hint, for plans may have other prices since: a call
-- that was refused for good brings a look at once, and would be made after it again.
-- name: stripe_apply :count
-- args: tenant_id text, fetched_at timestamptz, stripe_status text, starts timestamptz, ends timestamptz
-- args: items json, payment_method text, look_s int8, cancels bool
UPDATE cc.billing b
   SET fetched_at = $2, stripe_status = $3, stripe_start = coalesce($4, stripe_start),
       stripe_end = coalesce($5, stripe_end), items = coalesce($6, items), payment_method = $7, cancels = $9,
       stale_at = CASE WHEN stale_at >= $2 THEN stale_at END, fetch_until = NULL, preview_at = NULL,
       look_at = now() + make_interval(secs => $8::float8),
       sync_at = CASE WHEN fetched_at IS NULL OR look_at IS NULL OR look_at <= $2
                        OR (stripe_status, stripe_start, stripe_end, payment_method, cancels, items::jsonb) IS DISTINCT FROM
                           ($3, coalesce($4, stripe_start), coalesce($5, stripe_end), $7, $9, coalesce($6, items)::jsonb)
                      THEN now() ELSE sync_at END,
       leaving = CASE WHEN $3 = 'canceled' THEN leaving
                      ELSE $9 AND $3 IN ('active', 'trialing') AND NOT removing
                           AND (leaving OR EXISTS (SELECT FROM cc.tenant t
                                                    WHERE t.id = b.tenant_id AND t.status = 'deletion_scheduled')) END,
       row_version = row_version + CASE WHEN (stripe_status, stripe_start, stripe_end, payment_method)
                     IS DISTINCT FROM ($3, coalesce($4, stripe_start), coalesce($5, stripe_end), $7) THEN 1 ELSE 0 END
 WHERE tenant_id = $1 AND (fetched_at IS NULL OR fetched_at < $2);

-- A plan that was asked for from the next period on is no way out of what is owed by then. Only what was asked for
-- before: what an operator asks for later lets somebody off.
-- name: stripe_status :exec
-- args: tenant_id text, status text, status_next text, status_next_at timestamptz, trouble_since timestamptz
-- args: suspended bool, removing bool, standing_at timestamptz
UPDATE cc.billing b
   SET row_version = row_version + CASE WHEN status <> $2 OR w.dropped THEN 1 ELSE 0 END, status = $2, status_next = $3,
       status_next_at = $4, trouble_since = $5, debt = debt AND $5 IS NOT NULL, suspended = $6, removing = $7,
       standing_at = $8, next_plan = CASE WHEN w.dropped THEN NULL ELSE next_plan END,
       next_plan_at = CASE WHEN w.dropped THEN NULL ELSE next_plan_at END,
       sync_at = CASE WHEN w.dropped THEN now() ELSE sync_at END
  FROM (SELECT next_plan IS NOT NULL AND trouble_since IS NULL AND cc.owes($5, stripe_status, debt) AS dropped
          FROM cc.billing WHERE tenant_id = $1) w
 WHERE b.tenant_id = $1;

-- Deleted because it was not paid. released: two fresh looks have confirmed it, and the purge may begin.
-- name: tenant_purge_hold :exec
-- args: tenant_id text, hold text
UPDATE cc.tenant SET purge_hold = $2 WHERE id = $1 AND status = 'deletion_scheduled';

-- name: stripe_invoice :exec
-- args: id text, tenant_id text, period_start timestamptz, period_end timestamptz, status text, total int8
-- args: currency text, created_at timestamptz
INSERT INTO cc.invoice AS i (id, tenant_id, period_start, period_end, status, total_minor, currency, lines, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, '[]', $8)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, total_minor = excluded.total_minor,
       period_start = excluded.period_start, period_end = excluded.period_end
 WHERE i.tenant_id = excluded.tenant_id;

-- name: stripe_preview :exec
-- args: tenant_id text, base_minor int8, usage_minor int8, currency text
UPDATE cc.billing SET preview_base = $2, preview_usage = $3, preview_currency = $4, preview_at = now()
 WHERE tenant_id = $1;

-- Comparing --------------------------------------------------------------------------------------------------

-- name: stripe_compare_due :one tally
SELECT EXISTS (
	SELECT FROM cc.billing w
	 WHERE stripe_id IS NOT NULL AND metered_until IS NOT NULL AND compare_at <= now()
	   AND NOT EXISTS (SELECT FROM cc.outbox o
	                    WHERE o.tenant_id = w.tenant_id AND o.lane = 'usage' AND o.state = 'waiting'))::int::int8
	AS total;

-- A tenant whose hours are compared, none of which is still on its way. Nobody else has it for so long; it is over
-- for a day when Stripe has answered.
-- name: stripe_compare_take :opt stripe_row
-- args: lease_s int8
UPDATE cc.billing b SET compare_at = now() + make_interval(secs => $1::float8)
  FROM (SELECT w.tenant_id FROM cc.billing w
         WHERE w.stripe_id IS NOT NULL AND w.metered_until IS NOT NULL AND w.compare_at <= now()
           AND NOT EXISTS (SELECT FROM cc.outbox o
                            WHERE o.tenant_id = w.tenant_id AND o.lane = 'usage' AND o.state = 'waiting')
         ORDER BY w.compare_at LIMIT 1 FOR UPDATE SKIP LOCKED) k
 WHERE b.tenant_id = k.tenant_id
RETURNING b.tenant_id, b.customer_id, b.stripe_id, b.metered_since, b.metered_until, b.compared_until,
       b.compare_silent, now() AS now;

-- name: stripe_compare_hours :many metered_hour
-- args: tenant_id text, since timestamptz, until timestamptz
SELECT meter, hour, quantity FROM cc.usage_hour_billed
 WHERE tenant_id = $1 AND hour >= $2 AND hour < $3 AND quantity > 0
 ORDER BY meter, hour;

-- Hours of which Stripe was told something lately: it may not have added that up yet.
-- name: stripe_compare_fresh :many metered_hour
-- args: tenant_id text, settle_s int8
SELECT split_part(subject, ':', 1) AS meter, to_timestamp(split_part(subject, ':', 2)::float8) AS hour, 0::int8 AS quantity
  FROM cc.outbox
 WHERE tenant_id = $1 AND lane = 'usage' AND done_at > now() - make_interval(secs => $2::float8) AND subject IS NOT NULL;

-- until: the first hour that differs, or where the comparison ended.
-- name: stripe_compared :exec
-- args: tenant_id text, until timestamptz, again_s int8
UPDATE cc.billing
   SET compared_until = $2, compare_silent = NULL, compare_at = now() + make_interval(secs => $3::float8)
 WHERE tenant_id = $1;

-- name: stripe_compare_silent :exec
-- args: tenant_id text
UPDATE cc.billing SET compare_silent = coalesce(compare_silent, now()) WHERE tenant_id = $1;
