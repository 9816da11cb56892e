-- Set-up of the control database, and what start-up asks any database about itself. Run as cc_prov.
-- include: cc/model/provision.h

-- Several nodes may start at once, and GRANT on one object by two at a time is an error of PostgreSQL's.
-- name: setup_control :exec
DO $$
DECLARE
	db text := current_database();
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('controlcored set-up'));
	CREATE SCHEMA IF NOT EXISTS cc;
	IF has_database_privilege('public', db, 'CONNECT') OR has_database_privilege('public', db, 'TEMP') THEN
		EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', db);
	END IF;
	IF has_schema_privilege('public', 'public', 'USAGE') THEN
		REVOKE ALL ON SCHEMA public FROM PUBLIC;
	END IF;
	IF NOT has_database_privilege('cc_ctl', db, 'CONNECT')
	   OR NOT has_database_privilege('cc_ctl_tenant', db, 'CONNECT') THEN
		EXECUTE format('GRANT CONNECT ON DATABASE %I TO cc_ctl, cc_ctl_tenant', db);
	END IF;
END $$;

-- Roles are the server's, not a database's: ALTER ROLE by two nodes at a time is an error too.
-- name: setup_try_lock :one tally
SELECT pg_try_advisory_xact_lock(hashtext('controlcored roles'))::int::int8 AS total;

-- name: setup_lock :exec
SELECT pg_advisory_xact_lock(hashtext('controlcored roles'));

-- name: control_identity :one stock
SELECT id AS region FROM cc.identity;

-- What makes a login role unsafe to serve tenants with.
-- name: role_facts :opt role_facts
-- args: role text
SELECT rolname AS role, rolsuper AS superuser, rolbypassrls AS bypassrls, rolcreaterole AS createrole,
	(SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) AS memberships,
	has_database_privilege(r.oid, current_database(), 'TEMP') AS temp,
	coalesce((SELECT has_schema_privilege(r.oid, n.oid, 'CREATE') FROM pg_namespace n WHERE nspname = 'public'),
		false) AS public_create,
	EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole IN (0, r.oid)
		AND (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
		AND 'synchronous_commit=off' = ANY (s.setconfig)) AS hasty
FROM pg_roles r WHERE rolname = $1;

-- name: server_facts :one server_facts
SELECT current_database() AS database, current_setting('server_version_num')::int AS version,
	current_setting('fsync')::bool AS fsync, current_setting('full_page_writes')::bool AS full_page_writes,
	current_setting('synchronous_commit') AS synchronous_commit,
	current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections,
	current_setting('port') || ' ' || pg_postmaster_start_time()::text AS server;
