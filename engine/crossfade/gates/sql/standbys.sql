-- Physical standbys that are connected. A base backup is none, nor is what only stores WAL (pg_receivewal), which tells
-- what it has written and never what it has replayed. Details are NULL for a role that may not see them.
SELECT coalesce(nullif(r.application_name, ''), pg_catalog.host(r.client_addr), 'pid ' || r.pid) AS name,
    r.state,
    r.replay_lag AS lag,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn)::pg_catalog.int8 AS behind
FROM pg_catalog.pg_stat_replication r
WHERE r.state IS DISTINCT FROM 'backup'
    AND (r.replay_lsn IS NOT NULL OR r.write_lsn IS NULL)
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'
    )
ORDER BY name
