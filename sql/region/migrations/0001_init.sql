-- A region's database: nothing but tenants' schemas, and the functions that make and drop them.
-- Run by cc_prov, who owns the database. Names are quoted here, on the server, never in the daemon.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
DO $$ BEGIN
	EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END $$;

-- The control database whose tenants live here.
CREATE TABLE cc_region.home (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	control text NOT NULL
);

-- Schemas that were dropped lately: what was sent to make one may arrive after it was given up.
CREATE TABLE cc_region.gone (
	id text PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now()
);

-- A shard: the role that owns its schemas, and the login role that may become its tenants. The login
-- role exists already (it is made where its password is known) and gets the right to connect here.
CREATE FUNCTION cc_region.create_shard(owner_role text, pool_role text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner_role) THEN
		EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', owner_role);
	END IF;
	EXECUTE format('GRANT %I TO %I', owner_role, session_user);
	EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), pool_role);
END $$;

-- An empty schema with its role. What is in it comes from the tenant migrations, run as the owner.
CREATE FUNCTION cc_region.create_tenant(schema_id text, owner_role text, pool_role text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF schema_id !~ '^t_[a-z2-7]{16}$' THEN
		RAISE EXCEPTION 'not a schema id';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(schema_id, 0));
	IF EXISTS (SELECT FROM cc_region.gone WHERE id = schema_id) THEN
		RAISE EXCEPTION 'the schema was given up';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = schema_id) THEN
		EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', schema_id);
	END IF;
	EXECUTE format('GRANT %I TO %I', schema_id, pool_role);
	EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', schema_id, owner_role);
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema_id, schema_id);
END $$;

-- A tenant that has moved away: who still believes that it lives here is told at once.
CREATE FUNCTION cc_region.close_tenant(schema_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF schema_id !~ '^t_[a-z2-7]{16}$' THEN
		RAISE EXCEPTION 'not a schema id';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(schema_id, 0));
	IF EXISTS (SELECT FROM pg_namespace WHERE nspname = schema_id) THEN
		EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', schema_id, schema_id);
	END IF;
END $$;

-- Dropping what is not there is success: the caller repeats until its record is gone.
CREATE FUNCTION cc_region.drop_tenant(schema_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF schema_id !~ '^t_[a-z2-7]{16}$' THEN
		RAISE EXCEPTION 'not a schema id';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(schema_id, 0));
	INSERT INTO cc_region.gone (id) VALUES (schema_id) ON CONFLICT DO NOTHING;
	DELETE FROM cc_region.gone WHERE id IN (
		SELECT g.id FROM cc_region.gone g WHERE g.at < now() - interval '1 day' LIMIT 100 FOR UPDATE SKIP LOCKED);
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', schema_id);
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = schema_id) THEN
		EXECUTE format('DROP ROLE %I', schema_id);
	END IF;
END $$;

REVOKE ALL ON FUNCTION cc_region.create_shard(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cc_region.create_tenant(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cc_region.close_tenant(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION cc_region.drop_tenant(text) FROM PUBLIC;
