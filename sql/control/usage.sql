-- What tenants used: counted by nodes, added here in numbered batches.
-- include: cc/model/tally.h

-- One batch, once: who finds its number taken adds nothing. Rows are locked in one order by all nodes. Of a
-- tenant that is going nothing is kept. An hour is closed for additions a minute before it is for readers: the
-- transaction is over by then.
-- name: usage_apply :one tally
-- args: boot text, node text, seq int8, tenants text[], hours text[], meters text[], details text[]
-- args: quantities text[]
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
	INSERT INTO cc.usage_hour_total AS u (tenant_id, hour, meter, quantity)
	SELECT tenant_id, hour, meter, sum(quantity) FROM placed
	 GROUP BY tenant_id, hour, meter ORDER BY tenant_id, hour, meter
	ON CONFLICT (tenant_id, meter, hour) DO UPDATE SET quantity = u.quantity + excluded.quantity
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
