-- What tenants used: counted by nodes, added here in numbered batches.
-- include: cc/model/tally.h
-- include: cc/model/usage.h

-- Who used something is looked at soon, but not more often than every look_s seconds.
-- One batch, once: who finds its number taken adds nothing. Rows are locked in one order by all nodes. Of a
-- tenant that is going nothing is kept. An hour is closed for additions a minute before it is for readers: the
-- transaction is over by then.
-- name: usage_apply :one tally
-- args: boot text, node text, seq int8, tenants text[], hours text[], meters text[], details text[]
-- args: quantities text[], look_s int8
WITH fresh AS (
	INSERT INTO cc.usage_batch AS b (boot, node, seq) VALUES ($1, $2, $3)
	ON CONFLICT (boot) DO UPDATE SET seq = excluded.seq, node = excluded.node, at = now()
	 WHERE b.seq < excluded.seq
	RETURNING 1
), line AS (
	SELECT t.id AS tenant_id, to_timestamp(l.hour::float8) AS hour, l.meter, l.detail, l.quantity::int8 AS quantity
	  FROM fresh, unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
	              AS l (tenant, hour, meter, detail, quantity)
	  JOIN cc.tenant t ON t.id = l.tenant AND t.status <> 'deleting'
), placed AS (
	SELECT tenant_id, meter, quantity,
	       CASE WHEN hour > now() - interval '64 minutes' THEN least(hour, date_trunc('hour', now(), 'UTC'))
	            ELSE date_trunc('hour', now(), 'UTC') END AS hour,
	       CASE WHEN hour > now() - interval '64 minutes' THEN detail ELSE detail || ' late' END AS detail
	  FROM line
), hours AS (
	INSERT INTO cc.usage_hour AS u (tenant_id, hour, meter, detail, quantity)
	SELECT tenant_id, hour, meter, detail, sum(quantity) FROM placed
	 GROUP BY tenant_id, hour, meter, detail ORDER BY tenant_id, hour, meter, detail
	ON CONFLICT (tenant_id, hour, meter, detail) DO UPDATE SET quantity = u.quantity + excluded.quantity
), totals AS (
	INSERT INTO cc.usage_hour_total AS u (tenant_id, hour, api_calls, api_failures, bouncer_requests)
	SELECT tenant_id, hour, coalesce(sum(quantity) FILTER (WHERE meter = 'api_calls'), 0),
	       coalesce(sum(quantity) FILTER (WHERE meter = 'api_failures'), 0),
	       coalesce(sum(quantity) FILTER (WHERE meter = 'bouncer_requests'), 0)
	  FROM placed
	 GROUP BY tenant_id, hour ORDER BY tenant_id, hour
	ON CONFLICT (tenant_id, hour) DO UPDATE
	   SET api_calls = u.api_calls + excluded.api_calls, api_failures = u.api_failures + excluded.api_failures,
	       bouncer_requests = u.bouncer_requests + excluded.bouncer_requests
), watch AS (
	INSERT INTO cc.usage_watch AS w (tenant_id) SELECT DISTINCT tenant_id FROM placed ORDER BY tenant_id
	ON CONFLICT (tenant_id) DO UPDATE
	   SET look_at = greatest(now(), w.looked_at + make_interval(secs => $9::float8))
	 WHERE w.look_at > greatest(now(), w.looked_at + make_interval(secs => $9::float8))
), days AS (
	INSERT INTO cc.usage_day AS u (tenant_id, day, meter, detail, quantity)
	SELECT tenant_id, date_trunc('day', hour, 'UTC'), meter, detail, sum(quantity) FROM placed
	 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
	ON CONFLICT (tenant_id, day, meter, detail) DO UPDATE SET quantity = u.quantity + excluded.quantity
)
SELECT count(*) AS total FROM fresh;

-- Of starts of nodes that were over long ago: what they left, if anything, was sent since.
-- name: usage_batch_trim :exec
-- args: most int8
DELETE FROM cc.usage_batch
 WHERE boot IN (SELECT boot FROM cc.usage_batch WHERE at < now() - interval '400 days' LIMIT $1);

-- Lines and hours older than any period that can be asked for; the sums of days stay.
-- name: usage_hour_trim :exec
-- args: keep_days int8, most int8
WITH totals AS (
	DELETE FROM cc.usage_hour_total WHERE (tenant_id, hour) IN (
		SELECT tenant_id, hour FROM cc.usage_hour_total
		 WHERE hour < now() - make_interval(days => $1::int) LIMIT $2)
)
DELETE FROM cc.usage_hour WHERE (tenant_id, hour, meter, detail) IN (
	SELECT tenant_id, hour, meter, detail FROM cc.usage_hour
	 WHERE hour < now() - make_interval(days => $1::int) LIMIT $2);

-- What a period has: whole days from the sums of days, what is left at both ends from the hours. days_from and
-- days_until are begins of days within since and until, or both until.
-- name: usage_sums :many usage_sum
-- args: tenant_id text, since timestamptz, until timestamptz, days_from timestamptz, days_until timestamptz
SELECT meter, detail, sum(quantity)::int8 AS quantity FROM (
	SELECT meter, detail, quantity FROM cc.usage_hour WHERE tenant_id = $1 AND hour >= $2 AND hour < $4
	 UNION ALL
	SELECT meter, detail, quantity FROM cc.usage_day WHERE tenant_id = $1 AND day >= $4 AND day < $5
	 UNION ALL
	SELECT meter, detail, quantity FROM cc.usage_hour WHERE tenant_id = $1 AND hour >= $5 AND hour < $3) u
 GROUP BY meter, detail
 ORDER BY meter, detail;

-- The same in stretches (hour, day, week, month), also those that have nothing.
-- name: usage_series :many usage_bucket
-- args: tenant_id text, since timestamptz, until timestamptz, stretch text
SELECT b.start AT TIME ZONE 'UTC' AS start, coalesce(u.api_calls, 0)::int8 AS api_calls,
       coalesce(u.api_failures, 0)::int8 AS api_failures,
       coalesce(u.bouncer_requests, 0)::int8 AS bouncer_requests
  FROM generate_series(date_trunc($4, $2 AT TIME ZONE 'UTC'),
                       ($3 AT TIME ZONE 'UTC') - interval '1 microsecond', ('1 ' || $4)::interval) AS b (start)
  LEFT JOIN (
	SELECT date_trunc($4, hour AT TIME ZONE 'UTC') AS start, sum(api_calls) AS api_calls,
	       sum(api_failures) AS api_failures, sum(bouncer_requests) AS bouncer_requests
	  FROM cc.usage_hour_total
	 WHERE tenant_id = $1 AND hour >= $2 AND hour < $3
	 GROUP BY 1) u ON u.start = b.start
 ORDER BY b.start;

-- The same by hour, but only of hours that have something: nothing is to be added up.
-- name: usage_hours :many usage_bucket
-- args: tenant_id text, since timestamptz, until timestamptz
SELECT hour AS start, api_calls, api_failures, bouncer_requests
  FROM cc.usage_hour_total
 WHERE tenant_id = $1 AND hour >= $2 AND hour < $3
 ORDER BY hour;

-- Lines of the ledger in their order, from behind the last that was read.
-- name: usage_events :many usage_event
-- args: tenant_id text, until timestamptz, hour timestamptz, meter text, detail text, most int8
SELECT hour, meter, detail, quantity, hour <= now() - interval '65 minutes' AS closed
  FROM cc.usage_hour
 WHERE tenant_id = $1 AND hour < $2 AND (hour, meter, detail) > ($3, $4, $5)
 ORDER BY hour, meter, detail
 LIMIT $6;
