-- One tenant's schema. Run as the shard's owner role with the schema as search_path; the tenant's
-- role has the schema's own name and gets rights at the end, never ownership.

-- One row: fence, quota, ids, version and order of the audit, all taken by one guarded UPDATE.
CREATE TABLE head (
	one              boolean PRIMARY KEY DEFAULT true CHECK (one),
	version          bigint  NOT NULL DEFAULT 0,
	epoch            bigint  NOT NULL DEFAULT 0,
	writable         boolean NOT NULL DEFAULT false,
	turn             bigint  NOT NULL DEFAULT 0, -- of the last step of a move that touched this row; older ones may not
	policies_used    bigint  NOT NULL DEFAULT 0 CHECK (policies_used >= 0),
	resources_used   bigint  NOT NULL DEFAULT 0 CHECK (resources_used >= 0),
	bouncers_used    bigint  NOT NULL DEFAULT 0 CHECK (bouncers_used >= 0),
	users_used       bigint  NOT NULL DEFAULT 0 CHECK (users_used >= 0),
	last_policy_id   bigint  NOT NULL DEFAULT 0,
	last_resource_id bigint  NOT NULL DEFAULT 0,
	last_bouncer_id  bigint  NOT NULL DEFAULT 0,
	last_user_id     bigint  NOT NULL DEFAULT 0,
	audit_seq        bigint  NOT NULL DEFAULT 0,
	audit_mac        bytea   NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(audit_mac) = 32)
) WITH (fillfactor = 10);
INSERT INTO head DEFAULT VALUES;

CREATE TABLE users (
	id              bigint PRIMARY KEY,
	email           text NOT NULL,
	username        text NOT NULL,
	roles           text[] NOT NULL,
	department      text,
	attributes      json,
	created_by      text NOT NULL,
	created_at      timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	deleted_at      timestamptz,
	version         bigint NOT NULL DEFAULT 1,
	changed_version bigint NOT NULL
);
CREATE UNIQUE INDEX users_email_live ON users (lower(email)) WHERE deleted_at IS NULL;
CREATE INDEX users_changed ON users (changed_version);

-- When users were last seen: unmanaged, as what bouncers report.
CREATE TABLE user_live (
	user_id      bigint PRIMARY KEY,
	last_seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE resources (
	id              bigint PRIMARY KEY,
	name            text NOT NULL,
	type            text NOT NULL,
	environment     text NOT NULL,
	path            text,
	methods         text[] NOT NULL DEFAULT '{}',
	description     text,
	attributes      json,
	url             text,
	original_host   text,
	target_host     text,
	default_security_posture text NOT NULL DEFAULT 'deny-all',
	auto_discovered boolean NOT NULL DEFAULT false,
	version         bigint NOT NULL DEFAULT 1,
	created_by      text NOT NULL,
	created_at      timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	deleted_at      timestamptz,
	changed_version bigint NOT NULL
);
-- Equal names pair the sandbox and the production resource; within an environment they are unique.
CREATE UNIQUE INDEX resources_name_live ON resources (environment, name) WHERE deleted_at IS NULL;
CREATE INDEX resources_changed ON resources (changed_version);

CREATE TABLE bouncers (
	id              bigint PRIMARY KEY,
	name            text NOT NULL,
	description     text,
	hostname        text NOT NULL,
	port            bigint,
	environment     text NOT NULL,
	bouncer_type    text NOT NULL,
	target_app      text,
	configuration   json,
	version         text,
	bouncer_id      text,                   -- what it calls itself; of one that has registered
	resource_id     bigint,                 -- what it protects, by its own word
	platform        text,
	key_id          text,                   -- the API key that it registered with last: ends with it
	row_version     bigint NOT NULL DEFAULT 1,
	created_by      text NOT NULL,
	created_at      timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	deleted_at      timestamptz,
	changed_version bigint NOT NULL
);
CREATE UNIQUE INDEX bouncers_name_live ON bouncers (environment, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX bouncers_bouncer_id_live ON bouncers (bouncer_id) WHERE deleted_at IS NULL;
CREATE INDEX bouncers_key ON bouncers (key_id) WHERE deleted_at IS NULL AND key_id IS NOT NULL;
CREATE INDEX bouncers_changed ON bouncers (changed_version);

-- What bouncers report: unmanaged, passes no gate, left out of versions and checksums.
CREATE TABLE bouncer_live (
	bouncer_id      bigint PRIMARY KEY,
	last_heartbeat  timestamptz NOT NULL,
	policies_synced bigint,
	requests_per_second double precision,
	cache_hit_rate  double precision,
	requests_total  bigint,                 -- as it said last …
	requests_at     timestamptz,            -- … and when
	requests_new    bigint NOT NULL DEFAULT 0, -- what that added
	revision        text,                   -- of the bundle that it says it runs …
	revision_at     timestamptz,            -- … and since when
	fault           text,                   -- what it says is wrong with it …
	fault_at        timestamptz,            -- … and since when it has said anything of the kind
	intercepting    boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE TABLE policies (
	id              bigint PRIMARY KEY,
	name            text NOT NULL,
	description     text,
	status          text NOT NULL CHECK (status IN ('draft', 'active', 'inactive')),
	environment     text NOT NULL CHECK (environment IN ('sandbox', 'production')),
	rego_code       text NOT NULL,
	resource_id     bigint REFERENCES resources,
	bouncer_id      bigint REFERENCES bouncers,
	test_cases      json NOT NULL DEFAULT '[]',
	version         bigint NOT NULL DEFAULT 1,
	created_by      text NOT NULL,
	created_at      timestamptz NOT NULL,
	updated_at      timestamptz NOT NULL,
	deleted_at      timestamptz,
	promoted_from   bigint,                 -- of a production policy: the sandbox policy it is a copy of
	changed_version bigint NOT NULL
);
CREATE UNIQUE INDEX policies_name_live ON policies (environment, name) WHERE deleted_at IS NULL;
CREATE INDEX policies_resource ON policies (resource_id) WHERE resource_id IS NOT NULL;
CREATE INDEX policies_bouncer ON policies (bouncer_id) WHERE bouncer_id IS NOT NULL;
CREATE UNIQUE INDEX policies_twin_live ON policies (promoted_from)
	WHERE promoted_from IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX policies_changed ON policies (changed_version);

-- What every save left behind, the present content included. Never changed. A write saves at most one policy,
-- so the version of the tenant that it made is the id.
CREATE TABLE policy_versions (
	id              bigint PRIMARY KEY,
	policy_id       bigint NOT NULL REFERENCES policies,
	version         bigint NOT NULL,
	action          text NOT NULL,
	author          text NOT NULL,
	created_at      timestamptz NOT NULL,
	summary         text NOT NULL,
	name            text NOT NULL,
	description     text,
	status          text NOT NULL,
	environment     text NOT NULL,
	rego_code       text NOT NULL,
	resource_id     bigint,
	bouncer_id      bigint,
	test_cases      json NOT NULL,
	source_policy_id bigint,                -- where the content came from: promotion, rollback
	source_version  bigint,
	deployment_notes text,
	approver        text,
	changed_version bigint NOT NULL
);
CREATE UNIQUE INDEX policy_versions_number ON policy_versions (policy_id, version);
CREATE INDEX policy_versions_changed ON policy_versions (changed_version);

-- Rows that are gone for good, so that a copy can follow.
CREATE TABLE tombstones (
	tbl     text   NOT NULL,
	pk      bigint NOT NULL,
	version bigint NOT NULL,
	PRIMARY KEY (version, tbl, pk)
);

-- Objects that lie in the store below the tenant's prefix: what is not here is nobody's. Unmanaged: a bundle can be
-- made again from what is managed, byte for byte.
CREATE TABLE objects (
	key             text COLLATE "C" PRIMARY KEY, -- behind the prefix; in one order on every server
	kind            text NOT NULL CHECK (kind IN ('bundle')),
	size            bigint NOT NULL CHECK (size >= 0),
	sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
	created_at      timestamptz NOT NULL,
	environment     text,                   -- of a bundle …
	revision        text,
	version         bigint,                 -- … which holds all that counts at this version of the head …
	signed_by       text,                   -- … by the key that is made of this one of the platform's …
	wanted_at       timestamptz             -- … and is the newest since
);
CREATE INDEX objects_bundle ON objects (environment, signed_by, version) WHERE kind = 'bundle';

-- Environments whose bundle could not be made, or fetched, when it was looked for last. Unmanaged.
CREATE TABLE bundle_trouble (
	environment text PRIMARY KEY,
	since       timestamptz NOT NULL,       -- of the first change that bouncers wait for
	why         text NOT NULL
);

-- What somebody is about to put into the store and then write down in objects. Until then it may arrive there, whatever
-- became of who sent it: who removes a tenant waits for that.
CREATE TABLE storing (
	key        text COLLATE "C" PRIMARY KEY,
	until_time timestamptz NOT NULL
);

-- A chain: each row's mac is made of its content and of the mac of the row before (docs/audit.md).
CREATE TABLE audit (
	seq         bigint PRIMARY KEY,
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
	mac         bytea NOT NULL CHECK (octet_length(mac) = 32)
);
CREATE INDEX audit_at ON audit (at);

-- Answers to requests that came with an Idempotency-Key, repeated for a day. They move with the tenant
-- by changed_version; what is older than a day is nobody's any more and leaves no tombstone.
CREATE TABLE idempotency (
	scope           text NOT NULL,          -- who shares keys: the tenant's credentials, or one operator
	key             text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
	fingerprint     bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
	status          int NOT NULL CHECK (status BETWEEN 200 AND 299),
	body            text NOT NULL CHECK (octet_length(body) <= 2097152),
	location        text,
	etag            text,
	created_at      timestamptz NOT NULL DEFAULT now(),
	changed_version bigint NOT NULL,
	PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_changed ON idempotency (changed_version);

-- The tenant's role: its rows, but not the fence, and the audit only to add and to read.
DO $$
DECLARE
	tenant_role text := current_schema();
BEGIN
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON users, user_live, resources, bouncers, bouncer_live, policies TO %I', tenant_role);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON objects, bundle_trouble, storing TO %I', tenant_role);
	EXECUTE format('GRANT SELECT, INSERT ON audit, tombstones TO %I', tenant_role);
	EXECUTE format('GRANT SELECT, INSERT, DELETE ON idempotency TO %I', tenant_role);
	EXECUTE format('GRANT SELECT, INSERT, DELETE ON policy_versions TO %I', tenant_role);
	EXECUTE format('GRANT SELECT ON head TO %I', tenant_role);
	EXECUTE format('GRANT UPDATE (version, policies_used, resources_used, bouncers_used, users_used, '
		'last_policy_id, last_resource_id, last_bouncer_id, last_user_id, audit_seq, audit_mac) ON head TO %I', tenant_role);
END $$;
