-- The control database: who the tenants are, where they live, who may speak for them.
-- Run by cc_prov, who owns everything here. cc_ctl may cross tenants; cc_ctl_tenant sees one
-- tenant at a time through row security, bound to the setting cc.tenant of its transaction.

-- Every name a tenant answers to (ids and slugs) is unique across all of them. One that it has no more is
-- retired: until its time nobody else can have it.
CREATE TABLE cc.name (
	name      text PRIMARY KEY,
	tenant_id text NOT NULL,
	kind      text NOT NULL CHECK (kind IN ('id', 'slug', 'retired')),
	until     timestamptz,
	CHECK ((kind = 'retired') = (until IS NOT NULL))
);
CREATE INDEX name_until ON cc.name (until) WHERE until IS NOT NULL;

-- Pool shards: at most 256 schemas hang on one pool role.
CREATE TABLE cc.shard (
	region  text NOT NULL,
	shard   int  NOT NULL,
	schemas int  NOT NULL DEFAULT 0 CHECK (schemas BETWEEN 0 AND 256),
	PRIMARY KEY (region, shard)
);

-- Every schema that may exist in a region, recorded before it is made and forgotten after it is gone.
CREATE TABLE cc.tenant_schema (
	schema_id   text PRIMARY KEY CHECK (schema_id ~ '^t_[a-z2-7]{16}$'),
	region      text NOT NULL,
	shard       int  NOT NULL,
	state       text NOT NULL CHECK (state IN ('preparing', 'ready', 'claimed', 'dropping')),
	tenant_id   text,
	version     int  NOT NULL DEFAULT 0,
	lease_until timestamptz NOT NULL DEFAULT now(),
	created_at  timestamptz NOT NULL DEFAULT now(),
	CHECK ((state = 'claimed') = (tenant_id IS NOT NULL)),
	FOREIGN KEY (region, shard) REFERENCES cc.shard
);
CREATE INDEX tenant_schema_state ON cc.tenant_schema (region, state);
-- Those behind the newest version are few, or none.
CREATE INDEX tenant_schema_version ON cc.tenant_schema (version) WHERE state IN ('ready', 'claimed');

CREATE TABLE cc.tenant (
	id             text PRIMARY KEY,
	slug           text NOT NULL,
	name           text NOT NULL,
	domain         text NOT NULL,
	custom_domain  text,
	status         text NOT NULL CHECK (status IN
	               ('provisioning', 'active', 'suspended', 'deletion_scheduled', 'deleting')),
	suspend_mode   text CHECK (suspend_mode IN ('read_only', 'blocked')),
	suspend_reason text,
	status_before  text,                    -- what a restore returns to
	plan_type      text NOT NULL,
	region         text NOT NULL,
	schema_id      text REFERENCES cc.tenant_schema,
	shard          int,
	epoch          bigint NOT NULL DEFAULT 1,
	max_policies   bigint CHECK (max_policies >= 0),
	max_resources  bigint CHECK (max_resources >= 0),
	max_users      bigint CHECK (max_users >= 0),
	max_bouncers   bigint CHECK (max_bouncers >= 0),
	max_api_keys   bigint CHECK (max_api_keys >= 0),        -- NULL: what the node allows
	quotas         json NOT NULL DEFAULT '{}',      -- by metric what there is to it beside its limit
	require_if_match boolean NOT NULL DEFAULT false,
	require_tests   boolean NOT NULL DEFAULT false,
	allowed_regions text[] NOT NULL DEFAULT '{}',   -- where it may be moved to; none: everywhere
	cors_origins   text[] NOT NULL DEFAULT '{}',   -- whose scripts may read what it is answered
	alert_rules    json NOT NULL DEFAULT '{}',     -- of what usage the tenant wants to be told
	issuers        json NOT NULL DEFAULT '[]',     -- who may sign tokens for the tenant's people
	owner_email    text NOT NULL,
	created_at     timestamptz NOT NULL,
	updated_at     timestamptz NOT NULL,
	expires_at     timestamptz,
	deleted_at     timestamptz,
	purge_at       timestamptz,
	-- deleted because it was not paid: not purged (held) before fresh looks at Stripe have confirmed it (released)
	purge_hold     text CHECK (purge_hold IN ('held', 'released')),
	lease_until    timestamptz,             -- of the creation or the purge under way
	expunge_at     timestamptz NOT NULL DEFAULT now(), -- when rows deleted long ago are looked for again
	row_version    bigint NOT NULL DEFAULT 1,
	audit_seq      bigint NOT NULL DEFAULT 0,
	checkpoint_at  timestamptz NOT NULL DEFAULT now(), -- when the heads of its audit are signed again
	audit_mac      bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(audit_mac) = 32)
);
CREATE INDEX tenant_page ON cc.tenant (created_at, id);
CREATE INDEX tenant_due ON cc.tenant (status, purge_at)
	WHERE status IN ('provisioning', 'deletion_scheduled', 'deleting');
CREATE INDEX tenant_expunge ON cc.tenant (expunge_at);
CREATE INDEX tenant_term ON cc.tenant (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tenant_checkpoint ON cc.tenant (checkpoint_at);

-- Kept when a tenant is gone: its id is never used again, and an operator can see that it was.
CREATE TABLE cc.tenant_tombstone (
	id         text PRIMARY KEY,
	region     text NOT NULL,
	created_at timestamptz NOT NULL,
	deleted_at timestamptz NOT NULL,
	purged_at  timestamptz NOT NULL DEFAULT now(),
	removed    json,                        -- how much was removed, by what it was …
	certificate text,                       -- … and the same signed, with the rest of this row: a JWS
	audit_seq  bigint NOT NULL DEFAULT 0,   -- of what operators do about it afterwards: a chain of its own
	audit_mac  bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(audit_mac) = 32)
);

-- What a purge under way has found so far. part: the schema it was in, of rows with the number of the part of the
-- table behind it, so that whoever comes next goes on there; '' elsewhere.
CREATE TABLE cc.purge_count (
	tenant_id text NOT NULL,
	part      text NOT NULL,
	what      text NOT NULL,
	n         bigint NOT NULL,
	PRIMARY KEY (tenant_id, part, what)
);

-- The objects that are being removed: these are counted already.
CREATE TABLE cc.purge_batch (
	tenant_id text PRIMARY KEY,
	number    bigint NOT NULL,
	keys      text[] NOT NULL
);

-- held: nobody else can have the name. routed: requests to it are the tenant's.
CREATE TABLE cc.domain (
	tenant_id     text NOT NULL REFERENCES cc.tenant,
	domain        text NOT NULL,            -- A-labels, in lower case
	status        text NOT NULL CHECK (status IN
	              ('pending', 'verified', 'active', 'stale', 'detached', 'released', 'expired')),
	held          boolean GENERATED ALWAYS AS (status IN ('verified', 'active', 'stale', 'detached')) STORED,
	routed        boolean GENERATED ALWAYS AS (status IN ('verified', 'active', 'stale')) STORED,
	ssl_status    text NOT NULL CHECK (ssl_status IN ('pending', 'active', 'expired')),
	custom        boolean NOT NULL DEFAULT true,    -- false: <slug>.<base domain>
	is_default    boolean NOT NULL DEFAULT false,
	token         text,                     -- what the TXT record must show
	reason        text,                     -- why it is not verified, or not any more
	txt_verified  boolean NOT NULL DEFAULT false,
	cname_verified boolean NOT NULL DEFAULT false,
	cname_required boolean NOT NULL DEFAULT false,  -- it led here once: that it does not is trouble
	txt_seen      json NOT NULL DEFAULT '[]',       -- by resolver
	cname_seen    json NOT NULL DEFAULT '[]',
	findings      json NOT NULL DEFAULT '[]',       -- what else is there at the name
	created_at    timestamptz NOT NULL DEFAULT date_trunc('second', now()),
	verified_at   timestamptz,
	checked_at    timestamptz,
	next_check_at timestamptz,
	failures      int NOT NULL DEFAULT 0,   -- checks in a row that proved nothing
	silences      int NOT NULL DEFAULT 0,   -- checks in a row in which a resolver did not answer
	claim_expires_at timestamptz,           -- of one that is pending
	stale_at      timestamptz,              -- one that fails counts as stale from then on …
	detach_at     timestamptz,              -- … and a stale one as detached
	release_at    timestamptz,              -- a detached one is held until then
	due_at        timestamptz GENERATED ALWAYS AS   -- behind what became due meanwhile, if a turn came to nothing
	              (CASE WHEN least(next_check_at, claim_expires_at, release_at) IS NOT NULL
	                    THEN greatest(least(next_check_at, claim_expires_at, release_at), lease_until) END) STORED,
	lease_until   timestamptz,              -- of the check under way; also its name
	row_version   bigint NOT NULL DEFAULT 1,
	PRIMARY KEY (tenant_id, domain),
	CHECK (custom = (token IS NOT NULL))
);
-- Many may claim a name; one can hold it.
CREATE UNIQUE INDEX domain_holder ON cc.domain (domain) WHERE held;
CREATE UNIQUE INDEX domain_default ON cc.domain (tenant_id) WHERE is_default;
CREATE INDEX domain_name ON cc.domain (domain);
CREATE INDEX domain_due ON cc.domain (due_at) WHERE due_at IS NOT NULL;

-- What is due about domains, and in nobody's hand.
CREATE VIEW cc.domain_work AS
	SELECT d.tenant_id, d.domain, d.due_at FROM cc.domain d JOIN cc.tenant t ON t.id = d.tenant_id
	 WHERE d.due_at <= now() AND t.status IN ('active', 'suspended');

-- Names that were proven and given up: until then only the same tenant may have them, even if it is gone.
CREATE TABLE cc.domain_quarantine (
	tenant_id text NOT NULL,
	domain    text NOT NULL,
	until     timestamptz NOT NULL,
	PRIMARY KEY (tenant_id, domain)
);
CREATE INDEX domain_quarantine_name ON cc.domain_quarantine (domain);
CREATE INDEX domain_quarantine_until ON cc.domain_quarantine (until);

-- Certificates, with their private keys sealed: each under a key of its own, and that under a key (KEK) that is
-- in no database. Both seals are bound to tenant, domain and serial.
CREATE TABLE cc.certificate (
	tenant_id   text NOT NULL,
	domain      text NOT NULL,
	source      text NOT NULL CHECK (source IN ('supplied')),
	serial      text NOT NULL,
	fingerprint text NOT NULL,
	issuer      text NOT NULL,
	key_type    text NOT NULL,
	not_before  timestamptz NOT NULL,
	not_after   timestamptz NOT NULL,
	chain       text NOT NULL,              -- PEM, the leaf first
	sealed_key  bytea NOT NULL,
	wrapped_dek bytea NOT NULL,
	kek_id      text NOT NULL,
	stored_at   timestamptz NOT NULL DEFAULT date_trunc('second', now()),
	look_at     timestamptz NOT NULL DEFAULT now(), -- when its end is thought of next
	lease_until timestamptz,                -- of the look under way
	PRIMARY KEY (tenant_id, domain),
	FOREIGN KEY (tenant_id, domain) REFERENCES cc.domain ON DELETE CASCADE
);
CREATE INDEX certificate_domain ON cc.certificate (domain);
CREATE INDEX certificate_look ON cc.certificate (look_at);
CREATE INDEX certificate_kek ON cc.certificate (kek_id);

-- All that a tenant learns of another's domains: whether it may have this one.
CREATE FUNCTION cc.domain_is_held(name text, tenant text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT FROM cc.domain d WHERE d.domain = name AND d.held AND d.tenant_id <> tenant)
	    OR EXISTS (SELECT FROM cc.domain_quarantine q
	                WHERE q.domain = name AND q.tenant_id <> tenant AND q.until > now())
$$;

-- Until when what another tenant had is kept for it; NULL: nobody else had it, or another has it now.
CREATE FUNCTION cc.domain_held_until(name text, tenant text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT max(h.until) FROM (
		SELECT q.until FROM cc.domain_quarantine q
		 WHERE q.domain = name AND q.tenant_id <> tenant AND q.until > now()
		 UNION ALL
		SELECT d.release_at FROM cc.domain d
		 WHERE d.domain = name AND d.tenant_id <> tenant AND d.status = 'detached') h
	 WHERE NOT EXISTS (SELECT FROM cc.domain d WHERE d.domain = name AND d.routed AND d.tenant_id <> tenant)
$$;

-- A slug that was another's for long enough, or is from before of the tenant that the unit is bound to, makes room.
CREATE FUNCTION cc.name_free(slug text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH gone AS (
		DELETE FROM cc.name n
		 WHERE n.name = slug AND n.kind = 'retired'
		   AND (n.until <= now() OR n.tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
		RETURNING 1
	)
	SELECT count(*) FROM gone
$$;

-- What nobody else can have for now.
CREATE VIEW cc.held_name AS
	SELECT h.name, h.kind, h.tenant_id, max(h.until) AS until FROM (
		SELECT n.name, 'slug' AS kind, n.tenant_id, n.until FROM cc.name n WHERE n.kind = 'retired'
		 UNION ALL
		SELECT q.domain, 'domain', q.tenant_id, q.until FROM cc.domain_quarantine q
		 UNION ALL
		SELECT d.domain, 'domain', d.tenant_id, d.release_at FROM cc.domain d WHERE d.status = 'detached') h
	 WHERE h.until > now()
	 GROUP BY h.name, h.kind, h.tenant_id;

-- Claims of others to what this tenant has proven are looked at next. One that is in hand now finds out itself.
CREATE FUNCTION cc.domain_contest(name text, tenant text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	WITH others AS (
		SELECT d.tenant_id FROM cc.domain d
		 WHERE d.domain = name AND d.status = 'pending' AND d.tenant_id <> tenant
		   FOR UPDATE SKIP LOCKED
	), hurried AS (
		UPDATE cc.domain d SET next_check_at = now() FROM others o
		 WHERE d.domain = name AND d.tenant_id = o.tenant_id
		RETURNING 1
	)
	SELECT count(*) FROM hurried
$$;

-- What a tenant should know of. Of one type and subject one is open.
CREATE TABLE cc.alert (
	id          text PRIMARY KEY,
	tenant_id   text NOT NULL REFERENCES cc.tenant,
	type        text NOT NULL,
	severity    text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
	subject     text NOT NULL,
	message     text NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT date_trunc('second', now()),
	acknowledged_at timestamptz,
	acknowledged_by text,
	resolved_at timestamptz,
	CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
CREATE UNIQUE INDEX alert_open ON cc.alert (tenant_id, type, subject) WHERE resolved_at IS NULL;
CREATE INDEX alert_page ON cc.alert (tenant_id, created_at, id);
CREATE INDEX alert_resolved ON cc.alert (resolved_at) WHERE resolved_at IS NOT NULL;

-- Which control plane this is: a region serves one, and says no to another.
CREATE TABLE cc.identity (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	id  text NOT NULL
);
INSERT INTO cc.identity (id) VALUES (gen_random_uuid()::text);

-- Credentials; the secret itself is nowhere, only its HMAC under a pepper that is not in the database.
CREATE TABLE cc.api_key (
	id             text PRIMARY KEY,
	key_id         text NOT NULL CONSTRAINT api_key_key_id UNIQUE,
	tenant_id      text REFERENCES cc.tenant,       -- NULL: an operator's
	name           text NOT NULL,
	scopes         text[] NOT NULL,
	allowed_cidrs  text[] NOT NULL DEFAULT '{}',    -- where it is taken from; none: everywhere
	hash           bytea NOT NULL CHECK (octet_length(hash) = 32),
	pepper_version int NOT NULL DEFAULT 1,
	display        text NOT NULL,
	created_by     text NOT NULL,
	created_at     timestamptz NOT NULL,
	expires_at     timestamptz,
	revoked_at     timestamptz,
	rotated_from   text,                    -- the key that this one took the place of, and the other way round
	rotated_to     text,
	row_version    bigint NOT NULL DEFAULT 1
);
CREATE INDEX api_key_tenant ON cc.api_key (tenant_id, created_at, id);

-- When keys were last used: unmanaged, no version, no audit.
CREATE TABLE cc.api_key_live (
	api_key_id   text PRIMARY KEY REFERENCES cc.api_key ON DELETE CASCADE,
	last_used_at timestamptz NOT NULL,
	last_ip      text
) WITH (fillfactor = 50);

-- What was changed about a tenant from the control side; its own data's audit lives in its schema.
CREATE TABLE cc.tenant_audit (
	tenant_id   text NOT NULL,
	seq         bigint NOT NULL,
	at          timestamptz NOT NULL,
	actor_kind  text NOT NULL,
	actor       text NOT NULL,
	action      text NOT NULL,
	category    text NOT NULL,
	object_type text NOT NULL,
	object_id   text NOT NULL,
	environment text,
	outcome     text NOT NULL,
	request_id  text,
	ip          text,
	detail      json,
	key_version bigint NOT NULL,
	prev_mac    bytea NOT NULL CHECK (octet_length(prev_mac) = 32),
	mac         bytea NOT NULL CHECK (octet_length(mac) = 32),
	PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX tenant_audit_at ON cc.tenant_audit (tenant_id, at);

-- What a chain ended with at some time, signed: a chain that was cut or rewritten since does not fit.
CREATE TABLE cc.audit_checkpoint (
	tenant_id text NOT NULL,
	chain     text NOT NULL CHECK (chain IN ('data', 'control')),
	number    bigint NOT NULL,
	seq       bigint NOT NULL,
	mac       bytea NOT NULL CHECK (octet_length(mac) = 32),
	at        timestamptz NOT NULL,
	previous  bytea NOT NULL CHECK (octet_length(previous) = 32),
	key_id    text NOT NULL,
	signature bytea NOT NULL CHECK (octet_length(signature) = 64),
	PRIMARY KEY (tenant_id, chain, number)
);
CREATE INDEX audit_checkpoint_page ON cc.audit_checkpoint (tenant_id, at, chain, number);

-- The change feed: what nodes must forget. The single row's lock makes versions appear in commit order.
CREATE TABLE cc.change_head (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO cc.change_head (version) VALUES (0);
CREATE TABLE cc.change (
	version   bigint PRIMARY KEY,
	tenant_id text,
	kind      text NOT NULL,
	subject   text NOT NULL,
	at        timestamptz NOT NULL DEFAULT now()
);

-- Answers to requests that came with an Idempotency-Key and changed something here, repeated for a day.
CREATE TABLE cc.idempotency (
	tenant_id   text NOT NULL,          -- '': the call was about no tenant
	scope       text NOT NULL,          -- who shares keys: the tenant's credentials, or one operator
	key         text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
	fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
	subject     text,                   -- what an operation in several steps makes
	status      int CHECK (status BETWEEN 200 AND 299), -- NULL: it was begun and has no answer yet
	body        text CHECK (octet_length(body) <= 2097152),
	location    text,
	etag        text,
	created_at  timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (tenant_id, scope, key),
	CHECK ((status IS NULL) = (body IS NULL)),
	CHECK (status IS NOT NULL OR subject IS NOT NULL)
);
CREATE INDEX idempotency_created ON cc.idempotency (created_at);
CREATE INDEX idempotency_subject ON cc.idempotency (subject) WHERE subject IS NOT NULL;

-- Work on tenants that takes longer than a request. It outlives the tenant that it removes.
CREATE TABLE cc.operation (
	id          text PRIMARY KEY,
	tenant_id   text NOT NULL,
	kind        text NOT NULL,
	exclusive   boolean NOT NULL,       -- no other exclusive one may run beside it
	status      text NOT NULL DEFAULT 'running'
	            CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
	step        text NOT NULL,
	percent     int  NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
	error       json,                   -- the last failure
	started_by  text NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT date_trunc('second', now()),
	updated_at  timestamptz NOT NULL DEFAULT date_trunc('second', now()),
	finished_at timestamptz,
	CHECK ((status = 'running') = (finished_at IS NULL))
);
CREATE INDEX operation_page ON cc.operation (tenant_id, created_at, id);
CREATE UNIQUE INDEX operation_exclusive ON cc.operation (tenant_id) WHERE status = 'running' AND exclusive;
CREATE INDEX operation_finished ON cc.operation (finished_at) WHERE finished_at IS NOT NULL;

-- Moves of tenants between regions (core/move_machine.h). A turn is the right to one step: whoever stores the
-- next one, or takes the move over, has a later turn, and what was decided in an older one is refused here and in
-- the head rows of both regions. lease_until: when it is somebody's turn again.
CREATE SEQUENCE cc.move_turn;
CREATE TABLE cc.deployment (
	id            text PRIMARY KEY,
	tenant_id     text NOT NULL REFERENCES cc.tenant,
	from_region   text NOT NULL,
	from_schema   text NOT NULL,
	from_shard    int  NOT NULL,
	epoch         bigint NOT NULL,          -- of the placement that is left
	to_region     text NOT NULL CHECK (to_region <> from_region),
	to_schema     text,
	to_shard      int,
	migrate_data  boolean NOT NULL DEFAULT true,
	bare          boolean NOT NULL,         -- policies, resources and bouncers are left behind
	window_at     timestamptz NOT NULL,
	step          text NOT NULL DEFAULT 'scheduled',
	-- its tenant's writes are held up, or it has not been opened everywhere: src/core/move_machine.c
	urgent        boolean NOT NULL GENERATED ALWAYS AS
	              (step IN ('fence', 'drain', 'verify', 'flip', 'retire', 'aborting')) STORED,
	reason        int  NOT NULL DEFAULT 0,
	attempts      int  NOT NULL DEFAULT 0,
	failures      int  NOT NULL DEFAULT 0,
	fenced_at     timestamptz,
	not_before    timestamptz,
	cancelled     boolean NOT NULL DEFAULT false,
	turn          bigint NOT NULL DEFAULT nextval('cc.move_turn'),
	lease_until   timestamptz NOT NULL DEFAULT now(),
	lease_owner   text,                     -- the node that took or stored it last: host/process
	steps         json NOT NULL DEFAULT '[]',
	rows_total    bigint NOT NULL DEFAULT 0, -- when it was asked for
	bytes_total   bigint NOT NULL DEFAULT 0,
	rows_copied   bigint NOT NULL DEFAULT 0,
	bytes_copied  bigint NOT NULL DEFAULT 0,
	copy_ms       bigint NOT NULL DEFAULT 0,
	lag_rows      bigint,
	verified_version bigint,                -- up to there both sides were compared, and are the same
	verified_seq  bigint,
	checksum      text,
	freeze_ms     bigint,
	error         json,                     -- the last failure
	names_due     timestamptz,              -- its records lead to where it was: they are tried again then
	started_by    text NOT NULL,
	created_at    timestamptz NOT NULL DEFAULT now(),
	estimated_at  timestamptz NOT NULL,
	completed_at  timestamptz,
	CHECK ((step IN ('completed', 'aborted')) = (completed_at IS NOT NULL))
);
CREATE INDEX deployment_page ON cc.deployment (tenant_id, created_at, id);
CREATE UNIQUE INDEX deployment_live ON cc.deployment (tenant_id) WHERE completed_at IS NULL;
CREATE INDEX deployment_due ON cc.deployment (urgent, lease_until) WHERE completed_at IS NULL;
CREATE INDEX deployment_names ON cc.deployment (names_due) WHERE names_due IS NOT NULL;

-- A move as clients see it.
CREATE VIEW cc.deployment_seen WITH (security_invoker = true) AS
SELECT id AS deployment_id, tenant_id,
       CASE WHEN step = 'completed' THEN 'completed' WHEN step = 'aborted' AND cancelled THEN 'cancelled'
            WHEN step = 'aborted' THEN 'failed' ELSE 'in_progress' END AS status,
       to_region AS region, from_region, step,
       CASE WHEN step IN ('retire', 'cleanup', 'completed') THEN 'completed' WHEN step = 'aborted' THEN 'failed'
            ELSE 'in_progress' END AS "progress.database_migration",
       CASE WHEN names_due IS NOT NULL THEN 'failed' WHEN step = 'completed' THEN 'completed'
            WHEN step IN ('retire', 'cleanup') THEN 'in_progress' ELSE 'pending' END AS "progress.dns_update",
       CASE WHEN step IN ('fence', 'drain', 'verify', 'flip', 'retire', 'cleanup', 'completed') THEN 'completed'
            WHEN step = 'prewarm' THEN 'in_progress' ELSE 'pending' END AS "progress.ssl_setup",
       migrate_data, cancelled AS cancel_requested, window_at AS maintenance_window, created_at, estimated_at AS estimated_completion,
       fenced_at AS started_at, completed_at, steps, rows_total, bytes_total, rows_copied, bytes_copied, lag_rows,
       freeze_ms, checksum, attempts, error, started_by
  FROM cc.deployment;
CREATE INDEX deployment_over ON cc.deployment (completed_at) WHERE completed_at IS NOT NULL;

CREATE INDEX deployment_speed ON cc.deployment (created_at) WHERE rows_copied >= 1000 AND copy_ms > 0;

-- Rows a second, of what was copied lately, for whoever asks how long it will take. Small tenants say little of it:
-- what they take is the way there and back.
CREATE FUNCTION cc.copy_speed() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(greatest(1, sum(rows_copied) * 1000 / sum(copy_ms)), 5000)::bigint FROM (
		SELECT rows_copied, copy_ms FROM cc.deployment WHERE rows_copied >= 1000 AND copy_ms > 0
		 ORDER BY created_at DESC LIMIT 20) d HAVING count(*) > 0
	UNION ALL SELECT 5000 LIMIT 1
$$;

-- What a tenant used, by hour. Billable is the sum of a meter in an hour over `detail`. Nothing is added to an
-- hour that began 64 minutes ago or earlier: from the 65th on it is closed. What comes later counts for the
-- present hour, and its detail says so.
CREATE TABLE cc.usage_hour (
	tenant_id text NOT NULL REFERENCES cc.tenant,
	hour      timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
	meter     text NOT NULL CHECK (meter IN ('api_calls', 'api_failures', 'bouncer_requests')),
	detail    text NOT NULL,                -- '/policies 2xx', 'production'
	quantity  bigint NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (tenant_id, hour, meter, detail)
);
CREATE INDEX usage_hour_age ON cc.usage_hour USING brin (hour);

-- The same rows added up in two directions, in the transactions that add to them. An hour is one row, so that
-- nothing has to be added up for a year by hour.
CREATE TABLE cc.usage_hour_total (
	tenant_id        text NOT NULL REFERENCES cc.tenant,
	hour             timestamptz NOT NULL,
	api_calls        bigint NOT NULL DEFAULT 0,
	api_failures     bigint NOT NULL DEFAULT 0,
	bouncer_requests bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (tenant_id, hour)
) WITH (fillfactor = 80);
CREATE INDEX usage_hour_total_age ON cc.usage_hour_total USING brin (hour);
-- … and the meters of it that are billed, each in a row.
CREATE VIEW cc.usage_hour_meter WITH (security_invoker = true) AS
	SELECT t.tenant_id, t.hour, m.meter, m.quantity
	  FROM cc.usage_hour_total t
	 CROSS JOIN LATERAL (VALUES ('api_calls', t.api_calls), ('bouncer_requests', t.bouncer_requests)) m (meter, quantity)
	 WHERE m.quantity > 0;
CREATE TABLE cc.usage_day (
	tenant_id text NOT NULL REFERENCES cc.tenant,
	day       timestamptz NOT NULL CHECK (day = date_trunc('day', day, 'UTC')),
	meter     text NOT NULL,
	detail    text NOT NULL,
	quantity  bigint NOT NULL,
	PRIMARY KEY (tenant_id, day, meter, detail)
) WITH (fillfactor = 80);

-- The last batch of counts that each start of a node has added: none counts twice.
CREATE TABLE cc.usage_batch (
	boot text PRIMARY KEY,
	node text NOT NULL,
	seq  bigint NOT NULL,
	at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE INDEX usage_batch_at ON cc.usage_batch (at);

-- The processes that serve, each as it last said so.
CREATE TABLE cc.node (
	node       text PRIMARY KEY,            -- host/process
	version    text NOT NULL,
	started_at timestamptz NOT NULL,
	seen_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- When each tenant that uses anything is looked at next, for what it should know of.
CREATE TABLE cc.usage_watch (
	tenant_id   text PRIMARY KEY REFERENCES cc.tenant,
	look_at     timestamptz NOT NULL DEFAULT now(),
	looked_at   timestamptz NOT NULL DEFAULT now() - interval '1 day',
	recount_at  timestamptz NOT NULL DEFAULT now() + interval '1 day'
) WITH (fillfactor = 50);
CREATE INDEX usage_watch_look ON cc.usage_watch (look_at);

-- Periods of billing: whole months from the day on which a tenant came (UTC). The 31st is the last day of a shorter
-- month, and the 31st again in the next long one.
CREATE FUNCTION cc.period_at(anchor timestamptz, n int) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $$
	SELECT ((anchor AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC'
$$;
CREATE FUNCTION cc.period_of(anchor timestamptz, at timestamptz) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT m.n - CASE WHEN cc.period_at(anchor, m.n) > at THEN 1 ELSE 0 END
	  FROM (SELECT ((extract(year FROM at AT TIME ZONE 'UTC') - extract(year FROM anchor AT TIME ZONE 'UTC')) * 12
	              + extract(month FROM at AT TIME ZONE 'UTC') - extract(month FROM anchor AT TIME ZONE 'UTC'))::int AS n) m
$$;

-- How tenants are billed. period: the first that is not closed.
CREATE TABLE cc.billing (
	tenant_id       text PRIMARY KEY REFERENCES cc.tenant ON DELETE CASCADE,
	subscription_id text NOT NULL,          -- the ledger's
	status          text NOT NULL DEFAULT 'active',
	anchor          timestamptz NOT NULL CHECK (anchor = date_trunc('day', anchor, 'UTC')),
	period          int NOT NULL DEFAULT 0 CHECK (period >= 0),
	open_start      timestamptz GENERATED ALWAYS AS (cc.period_at(anchor, period)) STORED,
	open_end        timestamptz GENERATED ALWAYS AS (cc.period_at(anchor, period + 1)) STORED,
	adjust_minor    bigint NOT NULL DEFAULT 0,      -- what changes of plan add to the period that is now
	ended_plan      text,                   -- the open period is over, and had this plan at its end; NULL: it is now
	ended_minor     bigint,                 -- … and this was added to it
	next_plan       text,                   -- from the next period on …
	next_plan_at    timestamptz,            -- … which begins then
	payment_method  text,
	address         json,
	address_unsent  boolean NOT NULL DEFAULT false, -- Stripe has another
	address_refused boolean NOT NULL DEFAULT false, -- … because it would not take this one
	row_version     bigint NOT NULL DEFAULT 1,
	-- at Stripe
	customer_id     text,
	stripe_id       text,                   -- the subscription
	items           json,                   -- its items by price
	stripe_status   text,
	cancels         boolean NOT NULL DEFAULT false, -- it ends with its period …
	leaving         boolean NOT NULL DEFAULT false, -- … because the tenant was deleted, or it was cancelled by us
	stripe_start    timestamptz,
	stripe_end      timestamptz,
	fetched_at      timestamptz,            -- the time of what is known
	stale_at        timestamptz,            -- something has changed since
	fetch_until     timestamptz,            -- somebody looks
	look_at         timestamptz,            -- when it is looked at without a hint
	sync_at         timestamptz DEFAULT now(),      -- when it is thought of what it lacks
	trouble_since   timestamptz,            -- it is not paid
	debt            boolean NOT NULL DEFAULT false, -- nor was the subscription before it
	status_next     text,                   -- what the last look said, and the next has to confirm
	status_next_at  timestamptz,
	standing_at     timestamptz,            -- since when status is what it is
	suspended       boolean NOT NULL DEFAULT false, -- for that
	removing        boolean NOT NULL DEFAULT false, -- likewise: the tenant's deletion is scheduled
	plan_from       timestamptz,            -- what Stripe does not have of the plan yet counts from then
	metered_since   timestamptz,            -- hours before are not Stripe's, …
	metered_until   timestamptz,            -- … up to here they were written down for it
	begin_calls     bigint NOT NULL DEFAULT 0,      -- of the hour metered_since so much was used before it began …
	begin_requests  bigint NOT NULL DEFAULT 0,
	ended_hour      timestamptz,            -- in this hour the last subscription ended …
	ended_calls     bigint NOT NULL DEFAULT 0,      -- … and so much of it was Stripe's by then
	ended_requests  bigint NOT NULL DEFAULT 0,
	compare_at      timestamptz NOT NULL DEFAULT now(),
	compare_silent  timestamptz,            -- since when Stripe does not say what it has
	compared_until  timestamptz,            -- hours before are Stripe's as well, or nothing can be done about them
	preview_base    bigint,
	preview_usage   bigint,
	preview_currency text,
	preview_at      timestamptz
);
CREATE INDEX billing_open_end ON cc.billing (open_end);
CREATE INDEX billing_customer ON cc.billing (customer_id);
CREATE INDEX billing_method ON cc.billing (payment_method) WHERE customer_id IS NOT NULL;
CREATE INDEX billing_sync ON cc.billing (sync_at) WHERE sync_at IS NOT NULL;
CREATE INDEX billing_stale ON cc.billing (stale_at) WHERE stale_at IS NOT NULL;
CREATE INDEX billing_look ON cc.billing (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX billing_ending ON cc.billing (stripe_end) WHERE cancels;
CREATE INDEX billing_metered ON cc.billing (metered_until) WHERE stripe_id IS NOT NULL;
CREATE INDEX billing_next_plan ON cc.billing (next_plan_at) WHERE next_plan IS NOT NULL;
CREATE INDEX billing_compare ON cc.billing (compare_at) WHERE stripe_id IS NOT NULL;

-- Is there something to pay for a subscription? What never began leaves no debt, and ends none of one before it.
CREATE FUNCTION cc.owes(trouble_since timestamptz, stripe_status text, debt boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT debt OR (trouble_since IS NOT NULL OR coalesce(stripe_status IN ('past_due', 'unpaid'), false))
	           AND stripe_status IS DISTINCT FROM 'incomplete_expired'
$$;

-- The rest of a period is given back where that was paid, and else it would be a present.
CREATE FUNCTION cc.prorates(trouble_since timestamptz, stripe_status text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN trouble_since IS NOT NULL
	                 OR stripe_status IN ('past_due', 'unpaid', 'incomplete', 'incomplete_expired')
	            THEN 'false' ELSE 'true' END
$$;

-- How one ends at once: what was used is billed.
CREATE FUNCTION cc.cancel_path(subscription text, prorate text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT '/v1/subscriptions/' || subscription || '?invoice_now=true&prorate=' || prorate
$$;

-- One hour of one meter has one name at Stripe, which takes it once.
CREATE FUNCTION cc.meter_identifier(tenant text, meter text, hour timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT 'cc:' || tenant || ':' || meter || ':' || to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24') || ':v1'
$$;

-- Calls of Stripe's that are to be made (core/outbox.h). They outlive the tenant that they are about.
CREATE TABLE cc.outbox (
	id            text PRIMARY KEY,
	seq           bigint GENERATED ALWAYS AS IDENTITY,
	tenant_id     text NOT NULL,
	lane          text NOT NULL CHECK (lane IN ('account', 'usage')),
	op            text NOT NULL,
	operation_id  text,                     -- who waits for it
	method        text NOT NULL,
	path          text NOT NULL,
	body          text,
	effect        json,                     -- what it makes true here
	subject       text,                     -- the hour that it is about: 'api_calls:<seconds since 1970>'
	state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'dead', 'skipped')),
	generation    int NOT NULL DEFAULT 1,
	attempts      int NOT NULL DEFAULT 0,
	server_errors int NOT NULL DEFAULT 0,
	first_sent_at timestamptz,              -- with the key of this generation
	next_at       timestamptz NOT NULL DEFAULT now(),
	status        int,
	result_id     text,
	error_code    text,
	error         text,
	created_at    timestamptz NOT NULL DEFAULT now(),
	done_at       timestamptz,
	CHECK ((state = 'waiting') = (done_at IS NULL))
);
CREATE INDEX outbox_next ON cc.outbox (next_at) WHERE state = 'waiting';
CREATE INDEX outbox_tenant ON cc.outbox (tenant_id, lane, seq) WHERE state = 'waiting';
CREATE INDEX outbox_operation ON cc.outbox (operation_id) WHERE operation_id IS NOT NULL;
CREATE INDEX outbox_subject ON cc.outbox (tenant_id, subject) WHERE subject IS NOT NULL;
CREATE INDEX outbox_over ON cc.outbox (done_at) WHERE state <> 'waiting';

-- What of each hour is Stripe's. told: so much of it was when the subscription before ended in it.
CREATE VIEW cc.usage_hour_billed WITH (security_invoker = true) AS
	SELECT u.tenant_id, u.hour, u.meter, p.told, u.quantity - p.before + p.told AS quantity
	  FROM cc.usage_hour_meter u
	  JOIN cc.billing b ON b.tenant_id = u.tenant_id
	 CROSS JOIN LATERAL (
		SELECT CASE WHEN u.hour <> b.metered_since THEN 0
		            WHEN u.meter = 'api_calls' THEN b.begin_calls ELSE b.begin_requests END AS before,
		       CASE WHEN u.hour <> b.metered_since OR u.hour IS DISTINCT FROM b.ended_hour THEN 0
		            WHEN u.meter = 'api_calls' THEN b.ended_calls ELSE b.ended_requests END AS told) p;

-- What Stripe is told of a tenant's hours from since to until: of each meter what it has not been told yet. until may be
-- in the hour that is now.
CREATE FUNCTION cc.meter_events(tenant text, customer text, since timestamptz, until timestamptz, api_event text,
	bouncer_event text) RETURNS TABLE (subject text, form text)
LANGUAGE sql STABLE AS $$
	SELECT u.meter || ':' || extract(epoch FROM u.hour)::bigint,
	       'event_name=' || CASE u.meter WHEN 'api_calls' THEN api_event ELSE bouncer_event END
	       || '&identifier=' || replace(cc.meter_identifier(tenant, u.meter, u.hour), ':', '%3A')
	       || CASE WHEN u.told > 0 THEN '%2B' || u.told ELSE '' END
	       || '&timestamp=' || least(extract(epoch FROM u.hour)::bigint + 3599, extract(epoch FROM now())::bigint)
	       || '&payload[stripe_customer_id]=' || customer || '&payload[value]=' || u.quantity - u.told
	  FROM cc.usage_hour_billed u
	 WHERE u.tenant_id = tenant AND u.hour >= since AND u.hour < until AND u.quantity > u.told
$$;

-- Events as they came. Kept for longer than Stripe repeats them.
CREATE TABLE cc.stripe_event (
	event_id    text PRIMARY KEY,
	type        text NOT NULL,
	created     timestamptz NOT NULL,
	livemode    boolean NOT NULL,
	api_version text,
	customer    text,                       -- or a payment method, where it names no customer
	payload     text NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now(),
	handled_at  timestamptz,
	tell_at     timestamptz,                -- somebody has to be told of it; NULL: nobody, or it was done
	tell_tries  int NOT NULL DEFAULT 0
);
CREATE INDEX stripe_event_tell ON cc.stripe_event (tell_at) WHERE tell_at IS NOT NULL;
CREATE INDEX stripe_event_new ON cc.stripe_event (received_at) WHERE handled_at IS NULL;
CREATE INDEX stripe_event_received ON cc.stripe_event (received_at);

-- Up to where Stripe's list of events was read: what was sent and never came is in it.
CREATE TABLE cc.stripe_replay (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	read_to timestamptz NOT NULL DEFAULT now() - interval '1 day',
	look_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO cc.stripe_replay DEFAULT VALUES;

-- What was billed. Amounts are in minor units; NULL where Stripe says no more than the total.
CREATE TABLE cc.invoice (
	id           text PRIMARY KEY,
	tenant_id    text NOT NULL REFERENCES cc.tenant ON DELETE CASCADE,
	period       int,                       -- the ledger's
	period_start timestamptz NOT NULL,
	period_end   timestamptz NOT NULL,
	plan         text,
	status       text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
	base_minor   bigint,
	usage_minor  bigint,
	total_minor  bigint NOT NULL,
	currency     text NOT NULL,
	lines        json NOT NULL,
	created_at   timestamptz NOT NULL DEFAULT date_trunc('second', now())
);
CREATE UNIQUE INDEX invoice_period ON cc.invoice (tenant_id, period) WHERE period IS NOT NULL;
CREATE INDEX invoice_page ON cc.invoice (tenant_id, period_start, id);

-- The audit may be added to; it goes only with the tenant it is about, in steps.
CREATE FUNCTION cc.forget_audit(tenant text, most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	gone bigint;
BEGIN
	DELETE FROM cc.tenant_audit a WHERE a.tenant_id = tenant AND a.seq IN (
		SELECT b.seq FROM cc.tenant_audit b WHERE b.tenant_id = tenant ORDER BY b.seq LIMIT most)
	  AND EXISTS (SELECT FROM cc.tenant t WHERE t.id = tenant AND t.status = 'deleting');
	GET DIAGNOSTICS gone = ROW_COUNT;
	IF gone < most THEN
		DELETE FROM cc.audit_checkpoint c WHERE c.tenant_id = tenant
		  AND EXISTS (SELECT FROM cc.tenant t WHERE t.id = tenant AND t.status = 'deleting');
	END IF;
	RETURN gone;
END $$;

-- Rights -----------------------------------------------------------------------------------------
-- Modules in the policy engine: written before one is loaded there, removed when it is known to be gone.
CREATE TABLE cc.engine_module (
	name     text PRIMARY KEY CHECK (name ~ '^cc_test_[a-z2-7]{26}$'),
	made_at  timestamptz NOT NULL DEFAULT now(),
	tried_at timestamptz
);

GRANT USAGE ON SCHEMA cc TO cc_ctl, cc_ctl_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cc TO cc_ctl;
REVOKE ALL ON cc.migration FROM cc_ctl;
GRANT SELECT ON cc.migration TO cc_ctl;
REVOKE INSERT, UPDATE, DELETE ON cc.identity FROM cc_ctl;
REVOKE ALL ON FUNCTION cc.forget_audit(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cc.forget_audit(text, int) TO cc_ctl;
REVOKE ALL ON FUNCTION cc.domain_is_held(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cc.domain_contest(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cc.domain_held_until(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cc.name_free(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cc.domain_is_held(text, text), cc.domain_held_until(text, text),
	cc.domain_contest(text, text), cc.name_free(text) TO cc_ctl, cc_ctl_tenant;
REVOKE UPDATE, DELETE ON cc.tenant_audit, cc.audit_checkpoint FROM cc_ctl;
REVOKE ALL ON FUNCTION cc.copy_speed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cc.copy_speed() TO cc_ctl, cc_ctl_tenant;
GRANT USAGE ON SEQUENCE cc.move_turn TO cc_ctl, cc_ctl_tenant;

GRANT SELECT, INSERT ON cc.audit_checkpoint TO cc_ctl_tenant;
GRANT SELECT ON cc.tenant, cc.domain, cc.api_key, cc.api_key_live, cc.tenant_audit TO cc_ctl_tenant;
GRANT UPDATE ON cc.tenant, cc.domain, cc.api_key TO cc_ctl_tenant;
GRANT INSERT ON cc.domain, cc.api_key, cc.tenant_audit TO cc_ctl_tenant;
GRANT DELETE ON cc.domain TO cc_ctl_tenant;
GRANT INSERT, DELETE ON cc.certificate TO cc_ctl_tenant;        -- … and sees all of it but what is sealed
GRANT SELECT (tenant_id, domain, source, serial, fingerprint, issuer, key_type, not_before, not_after, chain,
	kek_id, stored_at, look_at) ON cc.certificate TO cc_ctl_tenant;
GRANT UPDATE (look_at, lease_until) ON cc.certificate TO cc_ctl_tenant;
GRANT SELECT, INSERT, UPDATE ON cc.domain_quarantine TO cc_ctl_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON cc.idempotency TO cc_ctl_tenant;
GRANT SELECT, INSERT, UPDATE ON cc.operation, cc.alert TO cc_ctl_tenant;
GRANT SELECT, INSERT ON cc.deployment TO cc_ctl_tenant;
GRANT SELECT, INSERT, UPDATE ON cc.billing, cc.invoice, cc.outbox TO cc_ctl_tenant;
GRANT SELECT ON cc.usage_hour, cc.usage_hour_total, cc.usage_hour_meter, cc.usage_hour_billed, cc.usage_day
	TO cc_ctl_tenant;
GRANT SELECT, INSERT, UPDATE ON cc.usage_watch TO cc_ctl_tenant;
GRANT UPDATE (cancelled, lease_until) ON cc.deployment TO cc_ctl_tenant;
GRANT SELECT ON cc.deployment_seen TO cc_ctl_tenant;
GRANT SELECT, INSERT ON cc.name TO cc_ctl_tenant;       -- its own: a domain may change
GRANT UPDATE (kind, until) ON cc.name TO cc_ctl_tenant;
GRANT SELECT, UPDATE ON cc.change_head TO cc_ctl_tenant;
GRANT INSERT ON cc.change TO cc_ctl_tenant;

ALTER TABLE cc.tenant ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.tenant FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.name ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.name FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.domain ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.domain FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.certificate ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.certificate FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.domain_quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.domain_quarantine FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.api_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.api_key FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.api_key_live ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.api_key_live FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.tenant_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.tenant_audit FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.audit_checkpoint ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.audit_checkpoint FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.idempotency FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.operation ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.operation FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.alert FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.billing ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.billing FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.invoice ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.invoice FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.deployment ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.deployment FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_hour ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_hour FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_hour_total ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_hour_total FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_day FORCE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_watch ENABLE ROW LEVEL SECURITY;
ALTER TABLE cc.usage_watch FORCE ROW LEVEL SECURITY;

CREATE POLICY everything ON cc.tenant TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.name TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.domain TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.certificate TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.domain_quarantine TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.api_key TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.api_key_live TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.tenant_audit TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.audit_checkpoint TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.idempotency TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.operation TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.deployment TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.alert TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.billing TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.outbox TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.invoice TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.usage_hour TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.usage_hour_total TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.usage_day TO cc_ctl, cc_prov USING (true) WITH CHECK (true);
CREATE POLICY everything ON cc.usage_watch TO cc_ctl, cc_prov USING (true) WITH CHECK (true);

CREATE POLICY own ON cc.tenant TO cc_ctl_tenant
	USING (id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.name TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.domain TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.certificate TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.domain_quarantine TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.api_key TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.audit_checkpoint TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
-- Of the keys that it sees.
CREATE POLICY own ON cc.api_key_live TO cc_ctl_tenant
	USING (EXISTS (SELECT FROM cc.api_key k WHERE k.id = api_key_id));
CREATE POLICY own ON cc.tenant_audit TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.idempotency TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.operation TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.alert TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.deployment TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.usage_hour TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.usage_hour_total TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.usage_day TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.billing TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.invoice TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.usage_watch TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
CREATE POLICY own ON cc.outbox TO cc_ctl_tenant
	USING (tenant_id = NULLIF(current_setting('cc.tenant', true), ''))
	WITH CHECK (tenant_id = NULLIF(current_setting('cc.tenant', true), ''));
