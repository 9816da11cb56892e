-- How tenants are billed. Bound by row security, and the WHERE says the same once more.
-- include: cc/model/billing.h
-- include: cc/model/tally.h

-- With the creation of a tenant. Periods begin at midnight (UTC), so that no hour belongs to two.
-- name: billing_open :exec
-- args: tenant_id text, subscription_id text
INSERT INTO cc.billing (tenant_id, subscription_id, anchor)
SELECT id, $2, date_trunc('day', created_at, 'UTC') FROM cc.tenant WHERE id = $1;

-- by_stripe: the period is that of Stripe's subscription, as far as there is one. It may end within an hour, which
-- belongs to the period of its last second, as at Stripe.
-- name: billing_get :opt billing_row
-- args: tenant_id text, by_stripe bool
SELECT b.tenant_id, b.subscription_id, b.stripe_id, b.stripe_status, b.customer_id, b.preview_base, b.preview_usage, b.preview_currency,
       coalesce(b.preview_at > now() - interval '60 seconds', false) AS previewed, b.status, t.plan_type, b.next_plan, b.payment_method, b.address, b.address_refused,
       p.n AS period, p.starts AS period_start, p.ends AS period_end, b.period AS open_period, b.open_start,
       b.open_end, b.open_end + interval '65 minutes' <= now() AS closable, b.adjust_minor,
       coalesce(b.stripe_end > b.open_start, false) AS by_stripe,
       b.ended_plan, coalesce(b.ended_minor, 0) AS ended_minor,
       u.api_calls, u.bouncer_requests, b.items, b.removing,
       cc.owes(b.trouble_since, b.stripe_status, b.debt) AS owes, now() AS now, b.row_version
  FROM cc.billing b
  JOIN cc.tenant t ON t.id = b.tenant_id
 CROSS JOIN LATERAL (
	SELECT k.n, coalesce(CASE WHEN $2 THEN b.stripe_start END, cc.period_at(b.anchor, k.n)) AS starts,
	       coalesce(CASE WHEN $2 THEN b.stripe_end END, cc.period_at(b.anchor, k.n + 1)) AS ends
	  FROM (SELECT cc.period_of(b.anchor, now()) AS n) k) p
 CROSS JOIN LATERAL (
	SELECT coalesce(sum(h.api_calls), 0)::bigint AS api_calls,
	       coalesce(sum(h.bouncer_requests), 0)::bigint AS bouncer_requests
	  FROM cc.usage_hour_total h
	 WHERE h.tenant_id = $1 AND h.hour > p.starts - interval '1 hour' AND h.hour <= p.ends - interval '1 hour') u
 WHERE b.tenant_id = $1;

-- In front of every change, behind the tenant's row.
-- name: billing_lock :one tally
-- args: tenant_id text
SELECT 1::int8 AS total FROM cc.billing WHERE tenant_id = $1 FOR UPDATE;

-- The tenant was deleted, or has come back: Stripe has to hear of it.
-- name: billing_wake :exec
-- args: tenant_id text
UPDATE cc.billing SET sync_at = now() WHERE tenant_id = $1;

-- In the ledger; what is NULL stays. Of a customer that Stripe has it is not so there: that is found out, and the
-- address sent, when there is a key again.
-- name: billing_set :exec1
-- args: tenant_id text, payment_method text, address json
UPDATE cc.billing
   SET payment_method = coalesce($2, payment_method), address = coalesce($3, address), row_version = row_version + 1,
       address_unsent = address_unsent OR $3 IS NOT NULL, address_refused = address_refused AND $3 IS NULL,
       stale_at = CASE WHEN customer_id IS NOT NULL THEN clock_timestamp() ELSE stale_at END,
       fetched_at = CASE WHEN $2::text IS NULL THEN fetched_at END
 WHERE tenant_id = $1;

-- name: billing_set_plan :exec1
-- args: tenant_id text, adjust_minor int8, next_plan text, next_plan_at timestamptz
UPDATE cc.billing
   SET adjust_minor = $2, next_plan = $3, next_plan_at = $4, plan_from = NULL, row_version = row_version + 1, sync_at = now(), preview_at = NULL
 WHERE tenant_id = $1;

-- Whose period is over, or can be closed: run as cc_ctl.
-- name: billing_due :many billing_due
-- args: most int8
SELECT b.tenant_id
  FROM cc.billing b JOIN cc.tenant t ON t.id = b.tenant_id
 WHERE b.open_end <= now() AND (b.ended_plan IS NULL OR b.open_end <= now() - interval '65 minutes')
   AND t.status IN ('active', 'suspended')
 ORDER BY b.open_end LIMIT $1;

-- Of the open period.
-- name: billing_quantities :one billing_quantities
-- args: tenant_id text
SELECT coalesce(sum(u.api_calls), 0)::bigint AS api_calls,
       coalesce(sum(u.bouncer_requests), 0)::bigint AS bouncer_requests
  FROM cc.billing b
  JOIN cc.usage_hour_total u ON u.tenant_id = b.tenant_id AND u.hour >= b.open_start AND u.hour < b.open_end
 WHERE b.tenant_id = $1;

-- The open period is over: whatever changes from now on is the next one's.
-- name: billing_end :exec1
-- args: tenant_id text, plan text
UPDATE cc.billing
   SET ended_plan = $2, ended_minor = adjust_minor, adjust_minor = 0, next_plan = NULL, next_plan_at = NULL,
       row_version = row_version + 1
 WHERE tenant_id = $1;

-- name: billing_close :exec1
-- args: tenant_id text, period int8
UPDATE cc.billing SET period = period + 1, ended_plan = NULL, ended_minor = NULL, row_version = row_version + 1
 WHERE tenant_id = $1 AND period = $2::int;

-- name: billing_pass_due :one tally
SELECT EXISTS (SELECT FROM cc.billing WHERE open_end <= now())::int::int8 AS total;

-- Where Stripe bills, nothing is closed here: periods that are over are passed, and their hours are not the ledger's.
-- Run as cc_ctl.
-- name: billing_pass :count
-- args: most int8
UPDATE cc.billing b
   SET period = cc.period_of(b.anchor, now()), ended_plan = NULL, ended_minor = NULL, adjust_minor = 0
  FROM (SELECT tenant_id FROM cc.billing WHERE open_end <= now()
         ORDER BY open_end LIMIT $1 FOR UPDATE SKIP LOCKED) k
 WHERE b.tenant_id = k.tenant_id;

-- name: invoice_add :exec1
-- args: id text, tenant_id text, period int8, period_start timestamptz, period_end timestamptz, plan text
-- args: base_minor int8, usage_minor int8, currency text, lines json
INSERT INTO cc.invoice (id, tenant_id, period, period_start, period_end, plan, status, base_minor, usage_minor,
       total_minor, currency, lines)
VALUES ($1, $2, $3::int, $4, $5, $6, 'open', $7, $8, $7 + $8, $9, $10);

-- name: invoice_list :many invoice
-- args: tenant_id text, skip int8, max_rows int8
SELECT id, period_start, period_end, plan, status, base_minor AS base_cost, usage_minor AS usage_cost,
       total_minor AS total_cost, currency, CASE WHEN period IS NULL THEN 'stripe' ELSE 'ledger' END AS mode, lines,
       created_at
  FROM cc.invoice
 WHERE tenant_id = $1 AND :after
 ORDER BY :sort
OFFSET $2 LIMIT $3;

-- name: invoice_count :one tally
-- args: tenant_id text
SELECT count(*) AS total FROM cc.invoice WHERE tenant_id = $1;

-- Terms -------------------------------------------------------------------------------------------------------

-- Whose term is over while the subscription is good: run as cc_ctl.
-- name: term_due :many billing_due
-- args: most int8
SELECT t.id AS tenant_id
  FROM cc.tenant t JOIN cc.billing b ON b.tenant_id = t.id
 WHERE t.expires_at <= now() AND t.status = 'active' AND b.status IN ('active', 'trialing')
 ORDER BY t.expires_at LIMIT $1;

-- By whole terms, until it is in the future. Under the lock of the tenant's row: 0 when another node did it.
-- name: term_renew :count
-- args: tenant_id text, term_months int8
UPDATE cc.tenant t
   SET expires_at = (SELECT min(e.at) FROM (
		SELECT t.expires_at + make_interval(months => $2::int * n) AS at FROM generate_series(1, 1200) n) e
	                 WHERE e.at > now()),
       updated_at = date_trunc('second', now()), row_version = row_version + 1
 WHERE t.id = $1 AND t.expires_at <= now() AND t.status = 'active';
