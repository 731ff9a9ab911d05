-- Physical replicas that stream or catch up. Details are NULL for a role that may not see them.
SELECT
    coalesce(nullif(r.application_name, ''), r.client_addr::pg_catalog.text, 'pid ' || r.pid) AS name,
    r.state,
    r.replay_lag AS lag,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn)::pg_catalog.int8 AS behind
FROM pg_catalog.pg_stat_replication r
WHERE (r.state IS NULL OR r.state IN ('streaming', 'catchup'))
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'
  )
