-- The client sessions in this database but ours, and whether the role that each logged in with may touch one of the
-- tables: these and what holds their rows, above and below. A role may do what any role does that it is a member of, since
-- it can SET ROLE. Of other roles' sessions, one without pg_read_all_stats sees neither kind nor address; the server's
-- own processes are told apart by their pids then. Ours are those of the role that looks, and what the ledger's owner
-- runs by the name of crossfade.
WITH RECURSIVE above AS (
    SELECT unnest(%(tables)s::pg_catalog.oid[]) AS oid
    UNION
    SELECT i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid
), below AS (
    SELECT unnest(%(tables)s::pg_catalog.oid[]) AS oid
    UNION
    SELECT i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
), touched AS (
    SELECT oid FROM above UNION SELECT oid FROM below
), holders AS MATERIALIZED (
    SELECT r.oid
    FROM pg_catalog.pg_roles r
    WHERE EXISTS (
        SELECT
        FROM touched t
        WHERE pg_catalog.has_table_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE, DELETE')
           OR pg_catalog.has_any_column_privilege(r.oid, t.oid, 'SELECT, INSERT, UPDATE')
    )
), sessions AS MATERIALIZED (
    SELECT a.pid, a.application_name, a.usesysid, a.usename, a.client_addr, a.backend_start, a.backend_type
    FROM pg_catalog.pg_stat_activity a
    WHERE a.datname = pg_catalog.current_database()
      AND a.usesysid IS NOT NULL
      AND a.pid <> pg_catalog.pg_backend_pid()
      AND coalesce(a.backend_type, 'client backend') = 'client backend'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_get_wal_senders() w WHERE w.pid = a.pid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_subscription s WHERE s.pid = a.pid)
), roles AS MATERIALIZED (
    SELECT s.usesysid,
        -- The rights of a role that is gone cannot be told.
        NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = s.usesysid)
        OR EXISTS (SELECT FROM holders h WHERE pg_catalog.pg_has_role(s.usesysid, h.oid, 'MEMBER')) AS may_touch
    FROM (SELECT DISTINCT usesysid FROM sessions) AS s
)
SELECT s.pid,
    coalesce(s.application_name, '') AS application_name,
    s.usename::pg_catalog.text AS role,
    CASE WHEN s.client_addr IS NOT NULL THEN pg_catalog.host(s.client_addr)
         WHEN s.backend_type IS NOT NULL THEN 'local' END AS address,
    s.backend_start AS since,
    s.backend_type IS NULL AS is_hidden,
    s.usename IN (current_user, session_user) IS TRUE
        OR s.application_name = 'crossfade' AND s.usesysid = (
            SELECT n.nspowner FROM pg_catalog.pg_namespace n WHERE n.nspname = 'crossfade'
        ) AS is_own,
    r.may_touch
FROM sessions s
JOIN roles r ON r.usesysid = s.usesysid
ORDER BY s.pid
