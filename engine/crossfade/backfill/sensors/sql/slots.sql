-- Each replication slot and what may be retained for it; -1 is without a limit.
SELECT
    s.slot_name AS name,
    s.wal_status,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn)::pg_catalog.int8 AS retained,
    pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_slot_wal_keep_size')) AS may_retain
FROM pg_catalog.pg_replication_slots s
