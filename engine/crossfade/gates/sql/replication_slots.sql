-- The logical slots of this database and every physical slot, with how much WAL is written that the one who reads it has
-- not confirmed.
SELECT s.slot_name::pg_catalog.text AS name, s.slot_type = 'logical' AS is_logical, s.active,
    s.wal_status IS NOT DISTINCT FROM 'lost' AS is_lost,
    CASE s.slot_type WHEN 'logical' THEN
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.confirmed_flush_lsn)::pg_catalog.int8
    END AS behind
FROM pg_catalog.pg_replication_slots s
WHERE s.slot_type = 'physical' OR s.database = pg_catalog.current_database()
ORDER BY s.slot_type, s.slot_name
